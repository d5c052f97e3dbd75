"""Checkpoints loaded with a configuration beside them, as old workflows do.

The file itself says what it is; a configuration decides two things only: what the network predicts, and which layer of
the text encoder is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from graph_runtime.api import Choice, Context, FileIn, HeddleError, node
from nodes.loaders import LoadedCheckpoint, loaded_checkpoint
from nodes.model_files import file_state, model_file

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["checkpoint_loader"]


class Configuration(NamedTuple):
    """What a configuration decides: whether the network predicts v, and the layer of the text encoder, if any."""

    v: bool = False
    layer: int | None = None


KNOWN = {
    "anything_v3.yaml": Configuration(layer=-2),
    "v1-inference.yaml": Configuration(),
    "v1-inference_clip_skip_2.yaml": Configuration(layer=-2),
    "v1-inference_clip_skip_2_fp16.yaml": Configuration(layer=-2),
    "v1-inference_fp16.yaml": Configuration(),
    "v1-inpainting-inference.yaml": Configuration(),
    "v2-inference-v.yaml": Configuration(v=True),
    "v2-inference-v_fp32.yaml": Configuration(v=True),
    "v2-inference.yaml": Configuration(),
    "v2-inference_fp32.yaml": Configuration(),
    "v2-inpainting-inference.yaml": Configuration(),
}
"""The configurations that workflows name, by their established names."""


def configured_state(ckpt_name: str | None, config_name: str | None, ctx: Context) -> list[str | None]:
    """Stands for both files in cache keys; a configuration without a file is known by its name."""
    own = None if config_name is None else file_state(ctx, "configs", config_name)
    return [file_state(ctx, "checkpoints", ckpt_name), own or config_name]


@node(
    "CheckpointLoader", title="Load Checkpoint With Config (deprecated)", category="advanced/loaders", deprecated=True,
    fingerprint=configured_state,
)  # fmt: skip
def checkpoint_loader(
    *,
    config_name: Annotated[str, FileIn("configs"), Choice(*KNOWN)],
    ckpt_name: Annotated[str, FileIn("checkpoints")],
    ctx: Context,
) -> LoadedCheckpoint:
    """Load a checkpoint, and let a configuration say what it predicts and which layer of its text encoder is read.

    Args:
        config_name: a known configuration, or a .yaml file in one of the configs folders.
        ckpt_name: the file, in one of the checkpoint folders.
    """
    from diffusion.sampling.prediction import Kind, discrete

    loaded = loaded_checkpoint(ctx, "checkpoints", ckpt_name)
    found = ctx.folders.find("configs", config_name)
    if found is None and config_name in KNOWN:
        chosen = KNOWN[config_name]
    else:
        chosen = _read(model_file(ctx, "configs", config_name))
    model, clip = loaded.model, loaded.clip
    if chosen.v:
        model = model.with_prediction(discrete(Kind.V, model.prediction.sigmas))
    if chosen.layer is not None and clip is not None:
        clip = clip.clip_layer(chosen.layer)
    return LoadedCheckpoint(model, clip, loaded.vae)


def _read(path: Path) -> Configuration:
    """What a configuration file decides.

    Raises:
        HeddleError: if it is no configuration of a Stable Diffusion model.
    """
    import yaml  # type: ignore[import-untyped]  # only who has such a file needs it

    try:
        data: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        params = data["model"]["params"]
        text = params["cond_stage_config"].get("params") or {}
        layer = text.get("layer_idx")
        return Configuration(params.get("parameterization") == "v", None if layer is None else int(layer))
    except (OSError, ValueError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise HeddleError(
            f"'{path}' is no configuration of a Stable Diffusion model: {error!r}.",
            fix="Choose another configuration, or load the checkpoint with CheckpointLoaderSimple.",
        ) from error
