"""A network and its weights: built without memory, filled from a mapped file, placed and patched on demand.

Loading costs nothing: the module is built on the meta device and its parameters are views of the mapped file. The
first use brings the weights to the device and dtype they are computed in. Because the mapped originals stay at hand,
weight patches (LoRA, merges) are applied to the module and undone again without a backup copy.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from diffusion.casting import cast_on_use
from diffusion.errors import MissingWeights, ModelFileError
from diffusion.layouts.transformers import Piece
from diffusion.pool import pool_of

WeightPatch = Callable[[Tensor], Tensor]  # float32 weight → float32 weight
EIGHT_BITS = frozenset({torch.float8_e4m3fn, torch.float8_e5m2})
CAST_ABOVE = 6 * 1024**3  # bytes: larger float32 copies stay in the file's dtype on the CPU


@dataclass(frozen=True, slots=True)
class Patches:
    """Changes of weights, by parameter name, in the order they were asked for; never changed in place."""

    by_name: Mapping[str, tuple[WeightPatch, ...]] = field(default_factory=dict)

    def with_patches(self, added: Mapping[str, WeightPatch]) -> Patches:
        """These patches, then the added ones."""
        merged = dict(self.by_name)
        for name, patch in added.items():
            merged[name] = (*merged.get(name, ()), patch)
        return Patches(merged)

    def then(self, other: Patches) -> Patches:
        """These patches, then others."""
        merged = dict(self.by_name)
        for name, patches in other.by_name.items():
            merged[name] = (*merged.get(name, ()), *patches)
        return Patches(merged)


class Network:
    """A torch module together with the weights it was loaded from.

    Args:
        module: built on the meta device, every parameter named as in `weights`.
        weights: the originals, usually mapped; never written to.
        device: where it computes.
        storage: dtype the weights are kept in.
        compute: dtype of the arithmetic.
        source: what to call the file in messages.
        names: original prefixes → the module's, for LoRA files and for saving.
        pieces: original layers that the module keeps in several → where their rows lie.
        channels_last: keep the weights of convolutions with their channels next to each other.
        encoding: makes layers of the module keep their weights in a form of their own (`take_weight`), and names
            these weights.
    Raises:
        MissingWeights: if a parameter is not among the weights.
        ModelFileError: if a shape differs.
    """

    def __init__(
        self,
        module: nn.Module,
        weights: Mapping[str, Tensor],
        *,
        device: torch.device,
        storage: torch.dtype,
        compute: torch.dtype,
        source: str,
        names: Mapping[str, str] | None = None,
        pieces: Mapping[str, tuple[Piece, ...]] | None = None,
        channels_last: bool = False,
        encoding: Callable[[nn.Module], frozenset[str]] | None = None,
    ) -> None:
        self.module, self.weights, self.source, self.names = module, dict(weights), source, dict(names or {})
        self.pieces = dict(pieces or {})
        self.device, self.storage, self.compute = device, storage, compute
        self.channels_last, self.encoding = channels_last, encoding
        self._check()
        for name in self.parameter_names():
            _assign(module, name, self.weights[name])
        module.requires_grad_(False).eval()
        self._encoded = frozenset() if encoding is None else encoding(module)
        # Eight-bit numbers take part in no arithmetic: what no layer converts is widened after rounding.
        self._converted = cast_on_use(module, compute) if storage != compute else frozenset()
        self.streamed = False
        self._placed: set[str] = set()
        self._applied = Patches()

    def parameter_names(self) -> list[str]:
        """Names of everything that is loaded."""
        return list(self.module.state_dict())

    def prepare(self, patches: Patches | None = None, working: int = 0) -> nn.Module:
        """Bring the weights to the device and make exactly these patches effective.

        Args:
            working: bytes that the activations will take, so that the pool can make room for them.
        Returns:
            The module, ready to be called.
        """
        pool_of(self.device).admit(self, working)
        wanted = patches or Patches()
        for name in self.parameter_names():
            old, new = self._applied.by_name.get(name, ()), wanted.by_name.get(name, ())
            if name not in self._placed or old != new:
                self._place(name, self._weight(name, new))
                self._placed.add(name)
        self._applied = wanted
        return self.module

    def exchange(self, patches: Patches, kept: Mapping[str, Tensor], replaced: dict[str, Tensor]) -> None:
        """Make patches effective in a prepared network, with weights from an earlier exchange where there are some.

        Args:
            kept: weights as these patches have made them, by name.
            replaced: receives the weights that go.
        """
        for name in {**self._applied.by_name, **patches.by_name}:
            old, new = self._applied.by_name.get(name, ()), patches.by_name.get(name, ())
            if old == new or name not in self._placed:
                continue
            if name in self._encoded:
                self._place(name, self._weight(name, new))
                continue
            path, _, leaf = name.rpartition(".")
            replaced[name] = getattr(self.module.get_submodule(path), leaf)
            _assign(self.module, name, kept[name] if name in kept else self._weight(name, new))
        self._applied = patches

    def release(self) -> None:
        """Give the memory back; the parameters are views of the file again."""
        for name in self._placed:
            _assign(self.module, name, self.weights[name])
        self._placed.clear()
        self._applied = Patches()

    def placed_size(self) -> int:
        """Bytes the weights take on the device now."""
        names = self._placed - self._on_host() if self.streamed else self._placed
        return sum(self._bytes(name) for name in names)

    def stream(self) -> None:
        """Keep the weights on the host from now on; each layer brings its own to the device when it runs."""
        if not self.streamed:
            self.release()
            self.streamed = True
            self._converted = cast_on_use(self.module, self.compute)

    @property
    def applied(self) -> Patches:
        """The patches that are effective."""
        return self._applied

    def patched_weight(self, name: str, patches: Patches) -> Tensor:
        """One weight as the patches make it, in the storage dtype, on the CPU."""
        return self._weight(name, patches.by_name.get(name, ()), torch.device("cpu"))

    def exact_weight(self, name: str, patches: Patches) -> Tensor:
        """One weight as the patches make it, before it is rounded to the storage dtype: float32, on the CPU."""
        weight = self.weights[name].float().cpu()
        for patch in patches.by_name.get(name, ()):
            weight = patch(weight)
        return weight

    def size(self) -> int:
        """Bytes the weights take when placed."""
        return sum(self._bytes(name) for name in self.parameter_names())

    def digest(self) -> str:
        """A short name for which weights these are: their source and names."""
        return hashlib.sha256("\n".join([self.source, *self.parameter_names()]).encode()).hexdigest()[:16]

    def _weight(self, name: str, patches: Iterable[WeightPatch], device: torch.device | None = None) -> Tensor:
        original, device = self.weights[name], device or self._home(name)
        dtype = self.storage if original.is_floating_point() else original.dtype
        weight = original.to(device)
        for index, patch in enumerate(patches):
            weight = patch(weight.float() if index == 0 else weight)
        weight = weight.to(dtype)
        if dtype in EIGHT_BITS and name not in self._converted:
            weight = weight.to(self.compute)
        if self.channels_last and weight.ndim == 4:
            return weight.contiguous(memory_format=torch.channels_last)
        return weight.contiguous()

    def _place(self, name: str, weight: Tensor) -> None:
        if name in self._encoded:
            layer: Any = self.module.get_submodule(name.rpartition(".")[0])
            layer.take_weight(weight)
        else:
            _assign(self.module, name, weight)

    def _bytes(self, name: str) -> int:
        weight = self.weights[name]
        if name in self._encoded:
            return weight.numel()
        return weight.numel() * (self.storage if weight.is_floating_point() else weight.dtype).itemsize

    def _home(self, name: str) -> torch.device:
        return torch.device("cpu") if self.streamed and name in self._on_host() else self.device

    def _on_host(self) -> frozenset[str]:
        """Weights whose layers bring them to the device themselves."""
        return self._converted | self._encoded

    def _check(self) -> None:
        shapes = {name: tuple(tensor.shape) for name, tensor in self.module.state_dict().items()}
        missing = sorted(set(shapes) - set(self.weights))
        if missing:
            raise MissingWeights(
                f"'{self.source}' lacks {len(missing)} of the {len(shapes)} tensors that a "
                f"{type(self.module).__name__} of its kind needs: {grouped(missing)}. "
                "The file is incomplete or of another kind; use the complete file."
            )
        wrong = [
            n for n, s in shapes.items() if tuple(self.weights[n].shape) != s and not _reshapes(self.weights, n, s)
        ]
        if wrong:
            first = wrong[0]
            raise ModelFileError(
                f"'{self.source}': {len(wrong)} tensors have unexpected shapes, for example '{first}': "
                f"{tuple(self.weights[first].shape)} instead of {shapes[first]}. "
                "The file belongs to another architecture."
            )


def _reshapes(weights: dict[str, Tensor], name: str, shape: tuple[int, ...]) -> bool:
    """1x1 convolutions and linear layers hold the same numbers; the view costs nothing."""
    tensor = weights[name]
    if tuple(d for d in tensor.shape if d != 1) == tuple(d for d in shape if d != 1):
        weights[name] = tensor.reshape(shape)
        return True
    return False


def _assign(module: nn.Module, name: str, tensor: Tensor) -> None:
    path, _, leaf = name.rpartition(".")
    owner = module.get_submodule(path)
    if leaf in owner._parameters:
        owner._parameters[leaf] = nn.Parameter(tensor, requires_grad=False)
    else:
        owner._buffers[leaf] = tensor


def grouped(names: list[str], most: int = 6) -> str:
    """Names folded by their first two parts, for messages: `down_blocks.0 (34)`."""
    counts: dict[str, int] = {}
    for name in names:
        key = ".".join(name.split(".")[:2])
        counts[key] = counts.get(key, 0) + 1
    shown = [f"{key} ({count})" if count > 1 else key for key, count in list(counts.items())[:most]]
    rest = len(counts) - len(shown)
    return ", ".join(shown) + (f" and {rest} more groups" if rest > 0 else "")


def check_finite(weights: Mapping[str, Tensor], source: str) -> None:
    """Refuse weights with NaN or infinite values.

    Raises:
        ModelFileError: naming the first few tensors.
    """
    bad = [name for name, tensor in weights.items() if tensor.numel() and not _is_finite(tensor)]
    if bad:
        raise ModelFileError(
            f"'{source}' has NaN or infinite values in {len(bad)} tensors: {', '.join(bad[:3])}. "
            "The file is damaged or its training failed; use another."
        )


# dtype → (integer view, signed and unsigned numpy dtype, smallest pattern that is not finite)
_EXPONENTS = {
    torch.float16: (torch.int16, "i2", "u2", 0x7C00),
    torch.bfloat16: (torch.int16, "i2", "u2", 0x7F80),
    torch.float32: (torch.int32, "i4", "u4", 0x7F800000),
}
_CHUNK = 512 * 1024  # bytes: both reductions read a chunk while the processor's cache still has it


def _is_finite(tensor: Tensor) -> bool:
    """Whether all values are numbers.

    Looks at bit patterns, without a copy: as signed integers, positive values that are no numbers are the largest; as
    unsigned ones, the negative are.
    """
    if tensor.dtype not in _EXPONENTS:
        return not tensor.is_floating_point() or bool(torch.isfinite(tensor.float()).all())
    view, signed, unsigned, limit = _EXPONENTS[tensor.dtype]
    bits = tensor.contiguous().reshape(-1).view(view).cpu().numpy()
    sign_bit, step = 1 << (8 * bits.itemsize - 1), _CHUNK // bits.itemsize
    return all(
        part.view(signed).max() < limit and part.view(unsigned).max() < limit + sign_bit
        for part in (bits[start : start + step] for start in range(0, len(bits), step))
    )


def empty(build: Callable[[], nn.Module], source: str) -> nn.Module:
    """Build a module without memory for its parameters.

    Args:
        source: what to call the file in messages.
    Raises:
        ModelFileError: if the sizes found in the file fit no such module.
    """
    try:
        with torch.device("meta"), warnings.catch_warnings():
            warnings.filterwarnings("error", "Initializing zero-element", UserWarning)
            return build()
    except (ValueError, TypeError, ZeroDivisionError, UserWarning) as error:
        raise ModelFileError(
            f"'{source}' has tensors whose sizes make no network: {error}. It may need a description of its own "
            "(docs/embedded-models.md), or is damaged."
        ) from error


__all__ = ["CAST_ABOVE", "EIGHT_BITS", "Network", "Patches", "WeightPatch", "check_finite", "empty", "grouped"]
