"""Which functions change what inside a network, as a record that never changes itself.

A patch is a plain function. It is told where it is called (`Site`), and in which call of the network (`Step`). The
shapes are those of the network: hidden states [batch, channels, height, width], tokens [batch, tokens, width]; a batch
holds one chunk for each of `Step.roles`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from torch import Generator, Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One call of a network.

    Attributes:
        sigma: noise level, zero-dimensional, on the CPU.
        sigmas: all noise levels of the run.
        roles: for each chunk of the batch which conditioning list it belongs to: 0 positive, 1 negative.
        shape: of the latent that the network is given.
        notes: what patches of the same call leave for each other.
        group: the same for every call of a run that evaluates the same conditionings on the same part of the latent.
        memory: what patches leave for later calls of the same run; use an object of your own as the key.
        chance: what patches draw from that choose at random; goes on where the run's initial noise ended.
    """

    sigma: Tensor
    sigmas: Tensor
    roles: tuple[int, ...]
    shape: tuple[int, ...]
    notes: dict[str, Any] = field(default_factory=dict)
    group: Hashable = ()
    memory: dict[Any, Any] = field(default_factory=dict)
    chance: Generator = field(default_factory=Generator)


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """A place inside a network.

    Attributes:
        stage: "input", "middle" or "output" of a U-Net; "double_block" or "single_block" of a transformer.
        number: block of the stage, counted as in the original layout: input 0 is the first convolution.
        transformer: how many transformers of the U-Net come before the one it lies in.
        index: block inside of that transformer.
        heads, head_width: of its attention.
        shape: of the hidden states that entered the transformer, [batch, channels, height, width].
    """

    step: Step
    stage: str
    number: int
    transformer: int = 0
    index: int = 0
    heads: int = 0
    head_width: int = 0
    shape: tuple[int, ...] = ()


EmbeddingPatch = Callable[[Tensor, int, Step], Tensor]
"""(time embedding [batch, width], model channels, step) → embedding."""
BlockPatch = Callable[[Tensor, Site], Tensor]
"""(hidden states, site) → hidden states."""
JoinPatch = Callable[[Tensor, Tensor, Site], tuple[Tensor, Tensor]]
"""(hidden states, skip connection, site) → both, before they are joined."""
InputsPatch = Callable[[Tensor, Tensor, Tensor, Site], "tuple[Tensor, Tensor | None, Tensor | None]"]
"""(what queries are made of, keys, values, site) → the three."""
DeepPatch = Callable[[Callable[[], Tensor], Tensor, Step], Tensor]
"""(all below the first stage, hidden states that go in, step) → hidden states that come back up to the first stage."""
TokensPatch = Callable[[Tensor, Site], Tensor]
"""(tokens, site) → tokens."""
AttentionReplacement = Callable[[Tensor, Tensor, Tensor, Site], Tensor]
"""(queries, keys, values, site) → [batch, tokens, width]; `diffusion.patching.attend` is what it replaces."""
CallBlock = Callable[[Tensor, "Tensor | None"], "tuple[Tensor, Tensor | None]"]
"""(image tokens, text tokens) → the same, as the block would compute them."""
BlockReplacement = Callable[[Tensor, "Tensor | None", CallBlock, Site], "tuple[Tensor, Tensor | None]"]
"""(image tokens, text tokens, the block, site) → tokens."""
CallNetwork = Callable[[Tensor, Tensor, Mapping[str, Any]], Tensor]
"""(scaled latent, timesteps [batch], inputs) → output of the network."""
NetworkPatch = Callable[[CallNetwork, Tensor, Tensor, Mapping[str, Any], Step], Tensor]
"""(the network or the patch before, scaled latent, timesteps, inputs, step) → output."""


@dataclass(frozen=True, slots=True)
class ModelPatches:
    """Functions inside a network, in the order in which they were added.

    Attributes:
        embedding: change the embedding of time and labels.
        input_block: after each block on the way down, before its skip connection branches off.
        input_block_after_skip: the same place, after it branched off.
        middle_block: after the middle block.
        output_block: before a skip connection is joined on the way up.
        deep: around everything below the first stage of a U-Net; the last one added is outermost.
        self_attention_input, cross_attention_input: what queries, keys and values are made of.
        self_attention, cross_attention: replaced attention, by (stage, number, index) or (stage, number).
        self_attention_output, cross_attention_output: what attention gave, before it is added.
        between: tokens between self- and cross-attention.
        blocks: replaced blocks of a transformer (SD3, Flux), by (stage, number).
        network: around the whole network; the last one added is outermost.
    """

    embedding: tuple[EmbeddingPatch, ...] = ()
    input_block: tuple[BlockPatch, ...] = ()
    input_block_after_skip: tuple[BlockPatch, ...] = ()
    middle_block: tuple[BlockPatch, ...] = ()
    output_block: tuple[JoinPatch, ...] = ()
    deep: tuple[DeepPatch, ...] = ()
    self_attention_input: tuple[InputsPatch, ...] = ()
    cross_attention_input: tuple[InputsPatch, ...] = ()
    self_attention: Mapping[tuple[Any, ...], AttentionReplacement] = field(default_factory=dict)
    cross_attention: Mapping[tuple[Any, ...], AttentionReplacement] = field(default_factory=dict)
    self_attention_output: tuple[TokensPatch, ...] = ()
    cross_attention_output: tuple[TokensPatch, ...] = ()
    between: tuple[TokensPatch, ...] = ()
    blocks: Mapping[tuple[str, int], BlockReplacement] = field(default_factory=dict)
    network: tuple[NetworkPatch, ...] = ()

    def with_patches(self, **added: Any) -> ModelPatches:
        """These patches, then the added ones: tuples are appended, mappings merged."""
        changes: dict[str, Any] = {}
        for name, value in added.items():
            own = getattr(self, name)
            changes[name] = {**own, **value} if isinstance(own, Mapping) else (*own, *value)
        return replace(self, **changes)

    def joined(self, other: ModelPatches) -> ModelPatches:
        """These patches, then those of another record."""
        return self.with_patches(**{one.name: getattr(other, one.name) for one in fields(other)})

    def __bool__(self) -> bool:
        return any(getattr(self, one.name) for one in fields(self))

    @property
    def in_unet(self) -> bool:
        """Whether any of them needs a U-Net to be walked."""
        return any(getattr(self, one.name) for one in fields(self) if one.name not in ("blocks", "network"))

    @property
    def in_attention(self) -> bool:
        """Whether any of them needs a U-Net's transformer blocks to be walked."""
        attention = (one.name for one in fields(self) if "attention" in one.name or one.name == "between")
        return any(getattr(self, name) for name in attention)


@dataclass(frozen=True, slots=True)
class Patching:
    """Patches that take effect in one call."""

    patches: ModelPatches
    step: Step

    def call(self, network: CallNetwork, x: Tensor, timestep: Tensor, inputs: Mapping[str, Any]) -> Tensor:
        """Call a network with the patches around it."""
        for patch in self.patches.network:
            network = _around(patch, network, self.step)
        return network(x, timestep, inputs)


def _around(patch: NetworkPatch, inner: CallNetwork, step: Step) -> CallNetwork:
    return lambda x, timestep, inputs: patch(inner, x, timestep, inputs, step)


__all__ = [
    "AttentionReplacement", "BlockPatch", "BlockReplacement", "CallBlock", "CallNetwork", "DeepPatch", "EmbeddingPatch",
    "InputsPatch", "JoinPatch", "ModelPatches", "NetworkPatch", "Patching", "Site", "Step", "TokensPatch",
]  # fmt: skip
