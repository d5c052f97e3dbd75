"""Makes the modules that packs know as their host, under the host's names.

A stand-in is an ordinary file in this folder, run afresh under the host's module name: packs assign to its names, and
what they assign must be what the functions in the file see. The files are never imported under the names they have
here. Their functions have the established signatures and take whatever the host takes, hence `Any`.
A host module without a file consists of placeholders.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from interop.host import current
from interop.namespace import SURFACE, is_known_module
from interop.placeholders import PlaceholderModule, placeholder

__all__ = ["FILES", "fill", "make"]

FILES = {
    "comfy.cli_args": "launch_options",
    "comfy.clip_vision": "clip_vision",
    "comfy.comfy_types": "declared_types",
    "comfy.comfy_types.node_typing": "declared_types",
    "comfy.conds": "conds",
    "comfy.controlnet": "control",
    "comfy.hooks": "hooks",
    "comfy.k_diffusion.sampling": "k_diffusion_sampling",
    "comfy.latent_formats": "latent_formats",
    "comfy.ldm.modules.attention": "attention",
    "comfy.ldm.modules.diffusionmodules.openaimodel": "unet",
    "comfy.lora": "lora",
    "comfy.lora_convert": "lora_convert",
    "comfy.model_base": "model_base",
    "comfy.model_management": "devices",
    "comfy.model_patcher": "model_patcher",
    "comfy.model_sampling": "model_sampling",
    "comfy.ops": "ops",
    "comfy.patcher_extension": "patcher_extension",
    "comfy.sample": "sampling",
    "comfy.sampler_helpers": "sampler_helpers",
    "comfy.samplers": "samplers",
    "comfy.sd": "loading",
    "comfy.sd1_clip": "text_stages",
    "comfy.sdxl_clip": "text_stages",
    "comfy.text_encoders.sd3_clip": "text_stages",
    "comfy.utils": "tensors",
    "comfy_api.feature_flags": "feature_flags",
    "comfy_api.input": "value_types",
    "comfy_api.input.basic_types": "value_types",
    "comfy_api.input.video_types": "value_types",
    "comfy_api.input_impl": "value_types",
    "comfy_api.input_impl.video_types": "value_types",
    "comfy_api.latest": "schema_api",
    "comfy_api.latest._input": "value_types",
    "comfy_api.latest._input_impl": "value_types",
    "comfy_api.latest._io": "schema_io",
    "comfy_api.latest._ui": "schema_ui",
    "comfy_api.latest._util": "value_types",
    "comfy_api.torch_helpers": "torch_helpers",
    "comfy_api.util": "value_types",
    "comfy_api.util.video_types": "value_types",
    "comfy_api.v0_0_1": "schema_api",
    "comfy_api.v0_0_2": "schema_api",
    "comfy_execution.graph": "graph",
    "comfy_execution.graph_utils": "graph_building",
    "comfy_execution.utils": "executing",
    "comfy_extras.nodes_custom_sampler": "custom_samplers",
    "comfy_extras.nodes_mask": "mask_nodes",
    "comfy_extras.nodes_perpneg": "perp_neg",
    "comfyui_version": "version",
    "execution": "execution",
    "folder_paths": "folder_paths",
    "latent_preview": "latent_preview",
    "node_helpers": "node_helpers",
    "nodes": "nodes",
    "server": "server",
}
"""Host module → the file that implements it."""

OPEN_ENDED = frozenset(
    {
        "comfy.conds",
        "comfy.controlnet",
        "comfy.hooks",
        "comfy.k_diffusion.sampling",
        "comfy.latent_formats",
        "comfy.lora",
    }
    | {
        "comfy.ldm.modules.attention",
        "comfy.ldm.modules.diffusionmodules.openaimodel",
        "comfy.model_base",
        "comfy.model_sampling",
        "comfy.ops",
    }
    | {"comfy.patcher_extension", "comfy.sampler_helpers"}
    | {"comfy.sd1_clip", "comfy.sdxl_clip", "comfy.text_encoders.sd3_clip"}
)
"""Modules of which every public name exists: as a placeholder, if not in their file."""

_OPEN_ROOTS = frozenset({"comfy", "comfy_api", "comfy_api_nodes", "comfy_config", "comfy_execution", "comfy_extras"})
_PACKAGES = frozenset({name.rpartition(".")[0] for name in FILES}) & FILES.keys()
_PACKAGES |= {"comfy_api.latest._input", "comfy_api.latest._input_impl", "comfy_api.latest._util"}
_HERE = Path(__file__).parent
_code: dict[str, CodeType] = {}


def make(name: str) -> ModuleType | None:
    """Make the host module of this dotted name, still empty; None where the host cannot have one.

    Everything below the packages of `_OPEN_ROOTS` exists, because packs are written for many versions of the host;
    elsewhere only what is known.
    """
    if name in FILES:
        return _empty(name)
    root = name.partition(".")[0]
    if root not in _OPEN_ROOTS and not is_known_module(name) and name != root:
        return None
    return _package(_BuiltInNodes(name) if root == "comfy_extras" else PlaceholderPackage(name))


def fill(module: ModuleType) -> None:
    """Run the file of a module that `make` made, if it has one."""
    name = module.__name__
    if name not in FILES:
        return
    path = _path(FILES[name])
    if name not in _code:
        _code[name] = compile(path.read_text(encoding="utf-8"), str(path), "exec", dont_inherit=True)
    exec(_code[name], module.__dict__)
    _offer_the_rest(module)


class PlaceholderPackage(PlaceholderModule):
    """A host package: its known modules appear as attributes without being imported, as they do in the host."""

    def __getattr__(self, name: str) -> object:
        if not name.startswith("_") and is_known_module(f"{self.__name__}.{name}"):
            return importlib.import_module(f"{self.__name__}.{name}")
        return super().__getattr__(name)


class _BuiltInNodes(PlaceholderPackage):
    """A module of further built-in nodes: those that this engine has are the real ones."""

    def __getattr__(self, name: str) -> object:
        if not name.startswith("_"):
            from interop.classes import built_in_class

            found = built_in_class(name)
            if found is not None:
                return found
        return super().__getattr__(name)


def _package(module: ModuleType) -> ModuleType:
    module.__path__ = []
    return module


def _path(file: str) -> Path:
    return _HERE / f"{file}.py"


def _believed(name: str) -> Path:
    """Where packs believe a host module to lie: the folder of `folder_paths` is the host's for many of them."""
    place = current().project.joinpath(*name.split("."))
    return place / "__init__.py" if name in _PACKAGES else place.with_name(f"{place.name}.py")


def _empty(name: str) -> ModuleType:
    module = ModuleType(name)
    module.__file__ = str(_believed(name))
    module.__package__ = name if name in _PACKAGES else name.rpartition(".")[0]
    return _package(module) if name in _PACKAGES else module


def _may_have(module: str, name: str) -> bool:
    """Whether the host's module could have a name that is not listed: packs are written for many versions of it."""
    open_ended = module in OPEN_ENDED or module.startswith("comfy_extras.")
    return open_ended and not name.startswith(("_", "sample_"))  # packs look whether a sampler's function is there


def _offer_the_rest(module: ModuleType) -> None:
    """Answer for the names that the host's module has and the file lacks."""
    own: Any = module.__dict__.get("__getattr__")
    known = frozenset(SURFACE.get(module.__name__, "").split())

    def missing(name: str) -> object:
        if own is not None:
            try:
                return own(name)
            except AttributeError:
                pass
        if is_known_module(f"{module.__name__}.{name}"):
            return importlib.import_module(f"{module.__name__}.{name}")
        if module.__name__.startswith("comfy_extras.") and not name.startswith("_"):
            from interop.classes import built_in_class

            node = built_in_class(name)
            if node is not None:
                return node
        if name not in known and not _may_have(module.__name__, name):
            raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
        found = placeholder(f"{module.__name__}.{name}")
        setattr(module, name, found)
        return found

    module.__dict__["__getattr__"] = missing
