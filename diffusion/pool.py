"""Which networks are in a device's memory: loaded when used, kept while they fit, released by least recent use.

Releasing a network costs nothing but time: its parameters become views of the mapped file again. A network that is
larger than the budget is streamed: its weights stay on the host, and each layer brings its own to the device for the
moment of their use.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import torch

CPU_SHARE, DEVICE_SHARE = 0.8, 0.9  # of all memory, where no budget is set


class Placeable(Protocol):
    """A network as the pool sees it."""

    device: torch.device

    def size(self) -> int:
        """Bytes it takes when placed as a whole."""
        ...

    def placed_size(self) -> int:
        """Bytes it takes on the device now."""
        ...

    def release(self) -> None:
        """Give the memory back."""
        ...

    def stream(self) -> None:
        """Keep the weights on the host from now on."""
        ...


class ModelPool:
    """The networks of one device.

    Args:
        device: whose memory it manages.
        budget: bytes that networks and their work may take; None takes a share of all there is.
    """

    def __init__(self, device: torch.device, budget: int | None = None) -> None:
        self.device = device
        self.budget = total_memory(device) if budget is None else budget
        self._order: list[weakref.ref[Placeable]] = []  # least recently used first
        self._sessions = 0
        self._protected: list[Placeable] = []

    def admit(self, network: Placeable, working: int = 0) -> None:
        """Make room for a network that is about to be used, and remember the use.

        Others are released, the least recently used first, until it fits; those used in a session that is open stay.
        If it does not fit even so, it is streamed, unless it computes where the weights lie anyway.

        Args:
            working: bytes that its activations will take.
        """
        others = [other for other in self.networks() if other is not network]
        self._order = [weakref.ref(other) for other in (*others, network)]
        if self._sessions and not any(own is network for own in self._protected):
            self._protected.append(network)
        needed = network.size() + working + sum(other.placed_size() for other in others)
        for other in others:
            if needed <= self.budget:
                return
            if not any(own is other for own in self._protected):
                needed -= other.placed_size()
                other.release()
        if needed > self.budget and self.device.type != "cpu":
            network.stream()

    def networks(self) -> list[Placeable]:
        """Networks that are still in use somewhere, least recently used first."""
        return [network for network in (ref() for ref in self._order) if network is not None]

    def lower(self, network: Placeable) -> bool:
        """Choose a plan that needs less memory, after memory ran out.

        Returns:
            Whether there was one: other networks were released, or this one is streamed from now on.
        """
        others = [other for other in self.networks() if other is not network and other.placed_size()]
        for other in others:
            other.release()
        if others:
            return True
        if self.device.type == "cpu":
            return False
        network.stream()
        return True

    @contextmanager
    def session(self) -> Iterator[None]:
        """Nothing that is used inside is released before the end."""
        self._sessions += 1
        try:
            yield
        finally:
            self._sessions -= 1
            if not self._sessions:
                self._protected.clear()


_pools: dict[torch.device, ModelPool] = {}  # a device's memory is one for the whole process


def pool_of(device: torch.device) -> ModelPool:
    """The pool of a device; there is one for each."""
    if device.type == "cuda" and device.index is None:
        device = torch.device("cuda", torch.cuda.current_device())
    if device not in _pools:
        _pools[device] = ModelPool(device)
    return _pools[device]


def total_memory(device: torch.device) -> int:
    """Bytes that networks may take on a device where nobody said how many."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory * DEVICE_SHARE)
    return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * CPU_SHARE)


def activation_bytes(shape: torch.Size, width: int, itemsize: int) -> int:
    """A generous estimate of what one call of a denoising network needs besides its weights.

    The widest moment of a U-Net holds about twenty tensors of its first stage: skip connections, normed copies, and
    queries, keys and values. Transformers need less.

    Args:
        shape: of the latent, [batch, channels, h, w]; a guided call has twice the batch.
        width: channels of the first stage.
    """
    cells = shape[0] * 2 * shape[-1] * shape[-2]
    return 20 * cells * width * itemsize


__all__ = ["ModelPool", "Placeable", "activation_bytes", "pool_of", "total_memory"]
