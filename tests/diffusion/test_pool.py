"""Which networks stay in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch

from diffusion.loading import Checkpoint, load_checkpoint
from diffusion.pool import ModelPool, activation_bytes, pool_of
from diffusion.sampling import prepare_noise, sample

ACCELERATOR = torch.device("meta")  # any device but the CPU


@dataclass(eq=False)
class FakeNetwork:
    """A network of a given size that notes what happens to it."""

    bytes: int
    device: torch.device = ACCELERATOR
    placed: bool = False
    happened: list[str] = field(default_factory=list)

    def size(self) -> int:
        return self.bytes

    def placed_size(self) -> int:
        return self.bytes if self.placed else 0

    def release(self) -> None:
        self.placed = False
        self.happened.append("released")

    def stream(self) -> None:
        self.placed = False
        self.happened.append("streamed")


def use(pool: ModelPool, network: FakeNetwork, working: int = 0) -> None:
    pool.admit(network, working)
    network.placed = "streamed" not in network.happened


def test_networks_stay_while_they_fit() -> None:
    pool, networks = ModelPool(ACCELERATOR, 100), [FakeNetwork(40), FakeNetwork(60)]

    for network in networks:
        use(pool, network)

    assert all(network.placed for network in networks)


def test_the_least_recently_used_network_goes_first() -> None:
    pool, (first, second, third) = ModelPool(ACCELERATOR, 100), [FakeNetwork(40) for _ in range(3)]
    for network in (first, second, first, third):
        use(pool, network)

    assert first.placed
    assert not second.placed
    assert third.placed


def test_room_is_made_for_activations_too() -> None:
    pool, (first, second) = ModelPool(ACCELERATOR, 100), [FakeNetwork(40), FakeNetwork(40)]
    use(pool, first)
    use(pool, second, working=30)

    assert first.happened == ["released"]
    assert second.placed


def test_what_a_session_uses_stays_to_its_end() -> None:
    pool, (first, second) = ModelPool(ACCELERATOR, 100), [FakeNetwork(60), FakeNetwork(40)]
    with pool.session():
        use(pool, first)
        use(pool, second)
        kept = first.placed
        use(pool, FakeNetwork(50))
        assert first.placed
    use(pool, FakeNetwork(90))

    assert kept
    assert first.happened == ["released"]


def test_a_network_larger_than_the_budget_is_streamed() -> None:
    pool, large = ModelPool(ACCELERATOR, 100), FakeNetwork(150)
    use(pool, large)

    assert large.happened == ["streamed"]


def test_on_the_cpu_nothing_is_streamed() -> None:
    pool, large = ModelPool(torch.device("cpu"), 100), FakeNetwork(150, torch.device("cpu"))
    use(pool, large)

    assert large.placed


def test_a_network_that_nobody_holds_is_forgotten() -> None:
    pool = ModelPool(ACCELERATOR, 100)
    use(pool, FakeNetwork(40))

    assert pool.networks() == []


def test_after_memory_ran_out_the_plan_is_lowered_step_by_step() -> None:
    pool, (other, network) = ModelPool(ACCELERATOR, 100), [FakeNetwork(40), FakeNetwork(40)]
    use(pool, other)
    use(pool, network)

    assert pool.lower(network)
    assert other.happened == ["released"]
    assert pool.lower(network)
    assert network.happened == ["streamed"]
    assert not ModelPool(torch.device("cpu"), 1).lower(FakeNetwork(1, torch.device("cpu")))


def test_every_device_has_one_pool() -> None:
    assert pool_of(torch.device("cpu")) is pool_of(torch.device("cpu"))
    assert pool_of(torch.device("cpu")).budget > 0


@pytest.fixture
def fresh(tiny_path: Path) -> Checkpoint:
    """A checkpoint that no other test uses."""
    return load_checkpoint(tiny_path, device="cpu")


def picture(tiny: Checkpoint) -> torch.Tensor:
    assert tiny.clip is not None
    latent, text = torch.zeros(1, 4, 8, 8), tiny.clip.encode("red")
    return sample(
        tiny.model, noise=prepare_noise(latent, 1), latent=latent, positive=text, negative=text, guidance_scale=2.0,
        sampler="euler", schedule="normal", steps=2, seed=1,
    )  # fmt: skip


def test_a_released_network_comes_back_the_same(tiny: Checkpoint) -> None:
    before = picture(tiny)
    assert tiny.model.network.placed_size() == tiny.model.network.size()

    tiny.model.network.release()

    assert tiny.model.network.placed_size() == 0
    assert torch.equal(picture(tiny), before)


def test_a_streamed_network_paints_the_same_picture(fresh: Checkpoint) -> None:
    before = picture(fresh)
    network = fresh.model.network

    network.stream()

    assert torch.equal(picture(fresh), before)
    assert network.placed_size() == 0


def test_a_run_that_ends_for_lack_of_memory_lowers_the_plan(fresh: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    lowered = []
    monkeypatch.setattr(ModelPool, "lower", lambda self, network: lowered.append(network))

    def exhausted(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(type(fresh.model.network.module), "forward", exhausted)

    with pytest.raises(torch.OutOfMemoryError):
        picture(fresh)
    assert lowered == [fresh.model.network]


def test_a_decoder_without_room_works_in_tiles(fresh: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    assert fresh.vae is not None
    latent = torch.randn(1, 4, 96, 40, generator=torch.Generator().manual_seed(0))
    whole, codec, failed = fresh.vae.decode_tiled(latent), type(fresh.vae.codec), []
    plain = codec.decode

    def small(self: object, module: object, part: torch.Tensor) -> torch.Tensor:
        if part.shape == latent.shape and not failed:
            failed.append(True)
            raise torch.OutOfMemoryError("out of memory")
        return plain(self, module, part)  # type: ignore[arg-type]

    monkeypatch.setattr(codec, "decode", small)

    assert torch.equal(fresh.vae.decode(latent), whole)
    assert failed


def test_larger_pictures_are_expected_to_need_more() -> None:
    small, large = (activation_bytes(torch.Size((1, 4, side, side)), 320, 2) for side in (64, 128))

    assert large == 4 * small
