"""Hypernetworks on a tiny model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from diffusion import pickle_permission
from diffusion.errors import ModelFileError
from diffusion.hypernetwork import load_hypernetwork, with_hypernetwork
from diffusion.loading import Checkpoint
from diffusion.sampling import prepare_noise, sample

SITE: Any = None


@pytest.fixture(autouse=True)
def permitted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("diffusion.pickled.is_permitted", lambda: True)


def half(width: int, seed: int, *, normed: bool = False) -> dict[str, Tensor]:
    """One network: two linear layers, the first twice as wide, each perhaps with a norm."""
    made = torch.Generator().manual_seed(seed)
    result, index = {}, 0
    for rows, columns in ((2 * width, width), (width, 2 * width)):
        result[f"linear.{index}.weight"] = torch.randn(rows, columns, generator=made) * 0.1
        result[f"linear.{index}.bias"] = torch.randn(rows, generator=made) * 0.1
        index += 2
        if normed:
            result[f"linear.{index - 1}.weight"] = torch.randn(rows, generator=made)
            result[f"linear.{index - 1}.bias"] = torch.randn(rows, generator=made)
    return result


def written(path: Path, **facts: Any) -> Path:
    normed = bool(facts.get("is_layer_norm"))
    torch.save({32: (half(32, 1, normed=normed), half(32, 2, normed=normed)), "name": "x", **facts}, path)
    return path


def expected(tensors: dict[str, Tensor], x: Tensor, *, act: Any, last: bool = False, normed: bool = False) -> Tensor:
    for index in (0, 2):
        x = x @ tensors[f"linear.{index}.weight"].T + tensors[f"linear.{index}.bias"]
        x = act(x) if index == 0 or last else x
        if normed:
            name = f"linear.{index + 1}"
            x = torch.nn.functional.layer_norm(x, x.shape[-1:], tensors[f"{name}.weight"], tensors[f"{name}.bias"])
    return x


@pytest.mark.parametrize(
    ("facts", "how"),
    [({}, {"act": lambda x: x}), ({"activation_func": "relu"}, {"act": torch.relu}),
     ({"activation_func": "mish", "activate_output": True},
      {"act": torch.nn.functional.mish, "last": True}),
     ({"activation_func": "tanh", "use_dropout": True}, {"act": torch.tanh})],
)  # fmt: skip
def test_keys_and_values_get_what_their_networks_say(
    tmp_path: Path, facts: dict[str, Any], how: dict[str, Any]
) -> None:
    network = load_hypernetwork(written(tmp_path / "h.pt", **facts), strength=0.5)
    context = torch.randn(1, 5, 32, generator=torch.Generator().manual_seed(3))

    x, keys, values = network(context, context, None, SITE)

    assert x is context
    torch.testing.assert_close(keys, context + 0.5 * expected(half(32, 1), context, **how))
    torch.testing.assert_close(values, context + 0.5 * expected(half(32, 2), context, **how))


def test_a_width_it_has_no_network_for_is_left_alone(tmp_path: Path) -> None:
    context = torch.zeros(1, 5, 48)

    _, keys, values = load_hypernetwork(written(tmp_path / "h.pt"))(context, context, None, SITE)

    assert keys is context and values is context


def test_layer_norms_follow_their_layers_and_the_last_is_activated_too(tmp_path: Path) -> None:
    network = load_hypernetwork(written(tmp_path / "h.pt", is_layer_norm=True, activation_func="relu"))
    context = torch.randn(1, 5, 32, generator=torch.Generator().manual_seed(3))

    _, keys, _ = network(context, context, None, SITE)

    own = half(32, 1, normed=True)
    torch.testing.assert_close(keys, context + expected(own, context, act=torch.relu, last=True, normed=True))


def test_it_changes_the_picture_by_its_strength(tiny: Checkpoint, tmp_path: Path) -> None:
    assert tiny.clip is not None
    text, latent = tiny.clip.encode("red"), torch.zeros(1, 4, 8, 8)
    results = []
    for strength in (0.0, 0.5, 1.0):
        model = with_hypernetwork(tiny.model, load_hypernetwork(written(tmp_path / "h.pt"), strength))
        results.append(sample(
            model, noise=prepare_noise(latent, 1), latent=latent, positive=text, negative=text, guidance_scale=1.0,
            sampler="euler", schedule="normal", steps=1, seed=1,
        ))  # fmt: skip

    assert not torch.allclose(results[0], results[1], atol=1e-5) and not torch.allclose(
        results[1], results[2], atol=1e-5
    )


@pytest.mark.parametrize(
    ("data", "clue"),
    [({"a": torch.zeros(1)}, "is no hypernetwork"), ({32: ({}, {}), "activation_func": "sine"}, "activation 'sine'"),
     ({32: ({"l.weight": torch.zeros(2, 2)}, {})}, "of width 32 cannot be made out"),
     ({32: ({"l.weight": torch.full((2, 2), torch.nan), "l.bias": torch.zeros(2)}, {})}, "not a number|NaN|finite")],
)  # fmt: skip
def test_what_is_no_hypernetwork_is_said(tmp_path: Path, data: Any, clue: str) -> None:
    torch.save(data, tmp_path / "bad.pt")

    with pytest.raises(ModelFileError, match=clue):
        load_hypernetwork(tmp_path / "bad.pt")


def test_it_is_a_pickle_file_and_needs_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("diffusion.pickled.is_permitted", pickle_permission.is_permitted)

    with pytest.raises(ModelFileError, match="--allow-pickle"):
        load_hypernetwork(written(tmp_path / "h.pt"))
