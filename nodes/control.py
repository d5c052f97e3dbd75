"""ControlNets: a picture steers where things go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from diffusion.picture_kinds import PICTURE_KINDS
from graph_runtime.api import Choice, Context, FileIn, Range, Socket, Text, node
from nodes.model_files import file_state, model_file
from nodes.sockets import Clip, Conditioning, Image, Mask, Model, Vae

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "Steered",
    "clip_text_encode_controlnet",
    "control_net_apply",
    "control_net_apply_advanced",
    "control_net_apply_sd3",
    "control_net_inpainting_apply",
    "control_net_loader",
    "diff_control_net_loader",
    "set_union_control_net_type",
]

ControlNet = Annotated[Any, Socket("CONTROL_NET", "a control network")]
Strength = Annotated[float, Range(0.0, 10.0, step=0.01)]
Percent = Annotated[float, Range(0.0, 1.0, step=0.001)]


class Steered(NamedTuple):
    """Both conditionings with the control network attached."""

    positive: Conditioning
    negative: Conditioning


def control_state(control_net_name: str | None, ctx: Context) -> str | None:
    """Stands for the chosen control network in cache keys."""
    return file_state(ctx, "controlnet", control_net_name)


@node("ControlNetLoader", title="Load ControlNet Model", category="loaders", fingerprint=control_state)
def control_net_loader(*, control_net_name: Annotated[str, FileIn("controlnet")], ctx: Context) -> ControlNet:
    """Load a control network or a T2I-Adapter.

    Args:
        control_net_name: the file, in one of the ControlNet folders.
    """
    from diffusion.control_loading import load_control

    return load_control(model_file(ctx, "controlnet", control_net_name))


@node("DiffControlNetLoader", title="Load ControlNet Model (Diff)", category="loaders", fingerprint=control_state)
def diff_control_net_loader(
    *, model: Model, control_net_name: Annotated[str, FileIn("controlnet")], ctx: Context
) -> ControlNet:
    """Load a control network that is saved as the difference to a model's weights.

    Args:
        model: the model that the difference is added to.
        control_net_name: the file, in one of the ControlNet folders.
    """
    from diffusion.control_loading import load_control

    return load_control(model_file(ctx, "controlnet", control_net_name), base=model.network)


@node("ControlNetApply", title="Apply ControlNet (Old)", category="conditioning/controlnet", deprecated=True)
def control_net_apply(
    *, conditioning: Conditioning, control_net: ControlNet, image: Image, strength: Strength = 1.0
) -> Conditioning:
    """Steer the positive conditioning by a picture; the negative follows along.

    Args:
        conditioning: what to paint.
        control_net: the control network.
        image: the picture that steers, as the network was trained on (edges, depth, a pose, …).
        strength: how strongly it steers; 0 not at all.
    """
    if strength == 0:
        return conditioning
    hint = image.movedim(-1, 1)
    return [
        [
            embedding,
            {
                **options,
                "control": control_net.applied(hint, strength, previous=options.get("control")),
                "control_apply_to_uncond": True,
            },
        ]
        for embedding, options in conditioning
    ]


@node("ControlNetApplyAdvanced", title="Apply ControlNet", category="conditioning/controlnet")
def control_net_apply_advanced(
    *,
    positive: Conditioning,
    negative: Conditioning,
    control_net: ControlNet,
    image: Image,
    strength: Strength = 1.0,
    start_percent: Percent = 0.0,
    end_percent: Percent = 1.0,
    vae: Vae | None = None,
) -> Steered:
    """Steer both conditionings by a picture during a part of the schedule.

    Args:
        positive: what to paint.
        negative: what to avoid.
        control_net: the control network.
        image: the picture that steers.
        strength: how strongly it steers; 0 not at all.
        start_percent: share of the schedule after which it steers.
        end_percent: share of the schedule after which it no longer does.
        vae: only for control networks that were trained on latents; others do not need it.
    """
    if strength == 0:
        return Steered(positive, negative)

    def applied(previous: Any) -> Any:
        return control_net.applied(image.movedim(-1, 1), strength, start_percent, end_percent, previous, vae)

    return _steered(positive, negative, applied)


def _steered(positive: list[Any], negative: list[Any], applied: Callable[[Any], Any]) -> Steered:
    """Both conditionings with a network applied after those they have; one object for each chain before it."""
    made: dict[int, Any] = {}
    both = []
    for conditioning in (positive, negative):
        steered = []
        for embedding, options in conditioning:
            before = options.get("control")
            if id(before) not in made:
                made[id(before)] = applied(before)
            control = made[id(before)]
            steered.append([embedding, {**options, "control": control, "control_apply_to_uncond": False}])
        both.append(steered)
    return Steered(*both)


@node("SetUnionControlNetType", title="Set Union ControlNet Type", category="conditioning/controlnet")
def set_union_control_net_type(
    *, control_net: ControlNet, type: Annotated[str, Choice("auto", *PICTURE_KINDS)]
) -> ControlNet:
    """Tell a control network for several kinds of pictures which kind it sees.

    Args:
        control_net: the control network; those for one kind of picture are not changed.
        type: what the picture shows; "auto" leaves it open.
    """
    return control_net.typed(() if type == "auto" else (PICTURE_KINDS.index(type),))


@node("ControlNetInpaintingAliMamaApply", title="Apply ControlNet for Inpainting", category="conditioning/controlnet")
def control_net_inpainting_apply(
    *,
    positive: Conditioning,
    negative: Conditioning,
    control_net: ControlNet,
    vae: Vae,
    image: Image,
    mask: Mask,
    strength: Strength = 1.0,
    start_percent: Percent = 0.0,
    end_percent: Percent = 1.0,
) -> Steered:
    """Steer both conditionings by the part of a picture that is kept.

    Args:
        positive: what to paint.
        negative: what to avoid.
        control_net: a control network for inpainting; others see the whole picture and no mask.
        vae: the model's autoencoder.
        image: the picture.
        mask: where it is painted anew.
        strength: how strongly it steers; 0 not at all.
        start_percent: share of the schedule after which it steers.
        end_percent: share of the schedule after which it no longer does.
    """
    if strength == 0:
        return Steered(positive, negative)
    kept = None
    if control_net.masked:
        from diffusion.resize import resize

        kept = 1.0 - mask.reshape(-1, 1, *mask.shape[-2:])
        there = resize(kept, image.shape[2], image.shape[1], "bilinear", "center").round()
        image = image * there.movedim(1, -1)

    def applied(previous: Any) -> Any:
        return control_net.applied(image.movedim(-1, 1), strength, start_percent, end_percent, previous, vae, kept)

    return _steered(positive, negative, applied)


@node("ControlNetApplySD3", title="Apply ControlNet with VAE", category="conditioning/controlnet", deprecated=True)
def control_net_apply_sd3(
    *,
    positive: Conditioning,
    negative: Conditioning,
    control_net: ControlNet,
    vae: Vae,
    image: Image,
    strength: Strength = 1.0,
    start_percent: Percent = 0.0,
    end_percent: Percent = 1.0,
) -> Steered:
    """Steer both conditionings by a picture, as "Apply ControlNet" does.

    Args:
        positive: what to paint.
        negative: what to avoid.
        control_net: the control network.
        vae: only for control networks that were trained on latents; others do not need it.
        image: the picture that steers.
        strength: how strongly it steers; 0 not at all.
        start_percent: share of the schedule after which it steers.
        end_percent: share of the schedule after which it no longer does.
    """
    return control_net_apply_advanced(
        positive=positive, negative=negative, control_net=control_net, image=image, strength=strength,
        start_percent=start_percent, end_percent=end_percent, vae=vae,
    )  # fmt: skip


@node(
    "CLIPTextEncodeControlnet", title="CLIP Text Encode (ControlNet)", category="_for_testing/conditioning",
    experimental=True,
)  # fmt: skip
def clip_text_encode_controlnet(
    *, clip: Clip, conditioning: Conditioning, text: Annotated[str, Text(multiline=True, dynamic_prompts=True)]
) -> Conditioning:
    """Give control networks a prompt of their own.

    Args:
        clip: the text encoder.
        conditioning: what the model reads.
        text: what the control networks read.
    """
    from diffusion.inpainting import with_values

    features, pooled = clip.encode_tokens(clip.tokenize(text))
    return with_values(conditioning, {"cross_attn_controlnet": features, "pooled_output_controlnet": pooled})
