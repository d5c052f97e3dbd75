"""Networks that enlarge pictures."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from diffusion.errors import MissingWeights, UnknownModel
from diffusion.upscaling import CompactNetwork, ResidualDenseNetwork, enlarge, load_upscaler


def random_tensors(module: nn.Module) -> dict[str, Tensor]:
    made = torch.Generator().manual_seed(3)
    return {name: torch.randn(tensor.shape, generator=made) * 0.1 for name, tensor in module.state_dict().items()}


def first_names(tensors: dict[str, Tensor], blocks: int) -> dict[str, Tensor]:
    """Real-ESRGAN's names as ESRGAN's first ones, for two doublings."""
    outer = {
        "conv_first": "model.0", "conv_body": f"model.1.sub.{blocks}", "conv_up1": "model.3",
        "conv_up2": "model.6", "conv_hr": "model.8", "conv_last": "model.10",
    }  # fmt: skip
    result = {}
    for name, tensor in tensors.items():
        match = re.fullmatch(r"body\.(\d+)\.rdb(\d)\.conv(\d)\.(\w+)", name)
        layer, _, kind = name.rpartition(".")
        new = f"model.1.sub.{match[1]}.RDB{match[2]}.conv{match[3]}.0.{match[4]}" if match else f"{outer[layer]}.{kind}"
        result[new] = tensor
    return result


def picture(height: int, width: int) -> Tensor:
    return torch.rand(1, height, width, 3, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("inputs", "fold", "scale"), [(3, 1, 4), (12, 2, 2), (48, 4, 1)])
def test_a_network_is_recognised_and_enlarges_by_its_factor(tmp_path: Path, inputs: int, fold: int, scale: int) -> None:
    module = ResidualDenseNetwork(inputs, 3, 8, 4, 2, 2, fold)
    save_file(random_tensors(module), tmp_path / "up.safetensors")

    model = load_upscaler(tmp_path / "up.safetensors", device="cpu")
    out = enlarge(model, picture(10, 13))

    assert model.scale == scale
    assert out.shape == (1, 10 * scale, 13 * scale, 3)
    assert out.min() >= 0
    assert out.max() <= 1


def test_a_folding_network_sees_sides_continued_to_multiples_of_four(tmp_path: Path) -> None:
    module = ResidualDenseNetwork(12, 3, 8, 4, 1, 2, 2)
    tensors = random_tensors(module)
    save_file(tensors, tmp_path / "up.safetensors")
    image = picture(6, 9)
    module.load_state_dict(tensors)

    mirrored = F.pad(image.movedim(-1, 1), (0, 3, 0, 2), mode="reflect")
    expected = module(mirrored)[..., :12, :18].clamp(0, 1).movedim(1, -1)
    found = enlarge(load_upscaler(tmp_path / "up.safetensors", device="cpu"), image)

    torch.testing.assert_close(found, expected)
    assert enlarge(load_upscaler(tmp_path / "up.safetensors", device="cpu"), image[:, :1, :1]).shape == (1, 2, 2, 3)


def test_old_and_new_names_give_the_same_network(tmp_path: Path) -> None:
    tensors = random_tensors(ResidualDenseNetwork(3, 3, 8, 4, 2, 2, 1))
    save_file(tensors, tmp_path / "new.safetensors")
    save_file(first_names(tensors, 2), tmp_path / "old.safetensors")
    image = picture(8, 8)

    new, old = (enlarge(load_upscaler(tmp_path / f"{n}.safetensors", device="cpu"), image) for n in ("new", "old"))

    assert torch.equal(new, old)


def test_the_compact_network_adds_detail_to_the_enlarged_picture(tmp_path: Path) -> None:
    tensors = {name: torch.zeros_like(t) for name, t in CompactNetwork(8, 2, 3).state_dict().items()}
    save_file(tensors, tmp_path / "compact.safetensors")
    image = picture(4, 5)

    out = enlarge(load_upscaler(tmp_path / "compact.safetensors", device="cpu"), image)

    assert torch.allclose(out, image.repeat_interleave(3, 1).repeat_interleave(3, 2))


def test_tiles_are_halved_when_memory_does_not_suffice(tmp_path: Path) -> None:
    save_file(random_tensors(CompactNetwork(4, 1, 2)), tmp_path / "compact.safetensors")
    model = load_upscaler(tmp_path / "compact.safetensors", device="cpu")
    image, sizes = picture(300, 280), []

    class Small:
        scale = 2

        def __call__(self, part: Tensor) -> Tensor:
            sizes.append(tuple(part.shape[-2:]))
            if max(part.shape[-2:]) > 128:
                raise torch.OutOfMemoryError("out of memory")
            return model(part)

    out = enlarge(Small(), image)  # type: ignore[arg-type]

    assert out.shape == (1, 600, 560, 3)
    assert max(sizes[-1]) <= 128


def test_memory_that_suffices_for_no_tile_is_said_so() -> None:
    class Smallest:
        scale = 2

        def __call__(self, part: Tensor) -> Tensor:
            raise torch.OutOfMemoryError("out of memory")

    with pytest.raises(torch.OutOfMemoryError):
        enlarge(Smallest(), picture(600, 600))  # type: ignore[arg-type]


def test_an_unknown_network_names_what_would_read_it(tmp_path: Path) -> None:
    save_file({"foo.weight": torch.zeros(2)}, tmp_path / "other.safetensors")

    with pytest.raises(UnknownModel, match=r"no ESRGAN \(its tensors: foo.weight\).*spandrel"):
        load_upscaler(tmp_path / "other.safetensors", device="cpu")


def test_an_incomplete_network_lists_what_it_lacks(tmp_path: Path) -> None:
    tensors = random_tensors(ResidualDenseNetwork(3, 3, 8, 4, 2, 2, 1))
    del tensors["conv_hr.weight"], tensors["conv_hr.bias"]
    save_file(tensors, tmp_path / "up.safetensors")

    with pytest.raises(MissingWeights, match=r"lacks 2 of the .* tensors"):
        load_upscaler(tmp_path / "up.safetensors", device="cpu")
