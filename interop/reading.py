"""Reading what an imported pack offers: nodes of three conventions, names, JavaScript, routes.

Source: protocol §5.1.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from graph_runtime.catalogue import Catalogue, NodeSpec
from graph_runtime.failure import RAISED
from graph_runtime.folders import ExtraFolder
from interop import routes, v1
from interop.added_folders import adopt_folders
from interop.discovery import Pack
from interop.errors import BadPack
from interop.host import current
from interop.importing import PackImports
from interop.v3 import adapter as v3
from interop.v3.node import ComfyNode

__all__ = ["Contribution", "read_again", "read_module", "spec_of"]

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Contribution:
    """What one pack adds."""

    specs: list[NodeSpec] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    web: dict[str, str] = field(default_factory=dict)
    answers: routes.Claim = field(default_factory=routes.Claim)
    folders: tuple[ExtraFolder, ...] = ()


def read_module(pack: Pack, module: ModuleType, imports: PackImports, built_in: Mapping[str, NodeSpec]) -> Contribution:
    """Read the nodes and folders of an imported pack, and publish its classes to the packs after it.

    Raises:
        BadPack: if it declares no node in any convention and nothing else either.
    """
    found = Contribution()
    _read_web(pack, module, found)
    classes = _mapping(module, "NODE_CLASS_MAPPINGS")
    names = _mapping(module, "NODE_DISPLAY_NAME_MAPPINGS") or {}
    own = _own_nodes(pack, module)
    found.specs.extend(own.values())
    if classes is None and callable(getattr(module, "comfy_entrypoint", None)):
        classes = _from_entrypoint(pack, module, found)
    found.answers = routes.claim(pack.name)
    found.folders = adopt_folders(current().folders)
    if classes is None and not own and found.answers.port is None and not found.web:
        raise BadPack(
            f"Pack '{pack.name}' declares no nodes: {pack.entry.name} has no NODE_CLASS_MAPPINGS, no comfy_entrypoint "
            "and no function marked with @node. Add one of them, or move the file out of custom_nodes."
        )
    everything = imports.module("nodes").NODE_CLASS_MAPPINGS
    added = everything.added()
    _replace_built_in(pack, {id: cls for id, cls in added.items() if id in built_in}, built_in, found)
    classes = {**{id: cls for id, cls in added.items() if id not in built_in}, **(classes or {})}
    current().titles.update({str(id): str(name) for id, name in names.items() if id in built_in and name})
    for id, cls in classes.items():
        _read_class(pack, str(id), cls, names.get(id), built_in, found)
    everything.adopt({id: cls for id, cls in classes.items() if id not in built_in})
    host = imports.module("nodes")
    host.NODE_DISPLAY_NAME_MAPPINGS.update({spec.id: spec.display_name for spec in found.specs})
    host.LOADED_MODULE_DIRS[pack.name] = str(pack.path)
    return found


def _own_nodes(pack: Pack, module: ModuleType) -> Catalogue:
    """The nodes that a pack declares with @node, in its `__init__.py` or in modules it imports from itself."""
    below = f"{module.__name__}."
    inner = [found for name, found in list(sys.modules.items()) if name.startswith(below) and found is not None]
    return Catalogue.collect(module, *inner, module=_origin(pack), prefix=pack.name)


def spec_of(id: str, cls: Any, module: str, display_name: str | None) -> NodeSpec:
    """The spec of a class of either convention.

    Raises:
        Exception: whatever goes wrong in the class's declaration, also if it cannot be published as data.
    """
    read = v3.from_class if inspect.isclass(cls) and issubclass(cls, ComfyNode) else v1.from_class
    spec: NodeSpec = read(id, cls, module=module, display_name=display_name)
    json.dumps(spec.to_data())  # one class that cannot be published must not cost all others
    return spec


def read_again(spec: NodeSpec) -> NodeSpec:
    """A foreign class's spec as it declares itself now; what cannot be read, and our own nodes, stay as they are."""
    cls = getattr(spec.behaviour, "cls", None)
    if cls is None:
        return spec
    try:
        return spec_of(spec.id, cls, spec.module, spec.display_name)
    except RAISED:
        _log.exception("The inputs of node '%s' cannot be listed any more; its last declaration stays.", spec.id)
        return spec


def _origin(pack: Pack) -> str:
    return f"custom_nodes.{pack.name}"


def _mapping(module: ModuleType, name: str) -> Mapping[Any, Any] | None:
    value = getattr(module, name, None)
    if value is not None and not isinstance(value, Mapping):
        raise BadPack(f"{name} is a {type(value).__name__}. Make it a dict: node id → class.")
    return value


def _read_class(
    pack: Pack, id: str, cls: Any, display_name: Any, built_in: Mapping[str, NodeSpec], found: Contribution
) -> None:
    if id in built_in:
        found.warnings.append(f"Node '{id}' of '{pack.name}' has the id of a built-in node, which stays as it is.")
        return
    try:
        cls.RELATIVE_PYTHON_MODULE = _origin(pack)
        found.specs.append(spec_of(id, cls, _origin(pack), None if display_name is None else str(display_name)))
    except Exception as error:
        reason = str(error) if isinstance(error, BadPack) else f"{type(error).__name__}: {error}."
        found.warnings.append(f"Node '{id}' of '{pack.name}' was left out: {reason}")


def _replace_built_in(
    pack: Pack, classes: Mapping[str, Any], built_in: Mapping[str, NodeSpec], found: Contribution
) -> None:
    """Read the classes that a pack has put into the host's table in place of built-in ones."""
    for id, cls in classes.items():
        before = len(found.specs)
        _read_class(pack, id, cls, built_in[id].display_name, {}, found)
        if len(found.specs) > before:
            found.warnings.append(f"Node '{id}' is one of '{pack.name}' now: it replaced the built-in node of that id.")


def _from_entrypoint(pack: Pack, module: ModuleType, found: Contribution) -> dict[str, Any]:
    """The V3 classes of a pack's extension, by their ids."""

    async def ask() -> list[Any]:
        extension = module.comfy_entrypoint()
        if inspect.isawaitable(extension):
            extension = await extension
        if not callable(getattr(extension, "get_node_list", None)):
            raise BadPack(f"comfy_entrypoint() returned {extension!r}. Return a ComfyExtension.")
        loaded = extension.on_load()
        if inspect.isawaitable(loaded):
            await loaded
        classes = extension.get_node_list()
        classes = await classes if inspect.isawaitable(classes) else classes
        if not isinstance(classes, list):
            raise BadPack(f"get_node_list() returned a {type(classes).__name__}. Return a list of classes.")
        return classes

    classes: dict[str, Any] = {}
    for cls in asyncio.run(ask()):
        try:
            classes[cls.GET_SCHEMA().node_id] = cls
        except Exception as error:
            name = getattr(cls, "__name__", cls)
            found.warnings.append(f"Node class {name} of '{pack.name}' was left out: {type(error).__name__}: {error}.")
    return classes


def _read_web(pack: Pack, module: ModuleType, found: Contribution) -> None:
    """Note every folder with JavaScript: those that the pack declares, and those it put into the host's table."""
    declared = pack.declared_web()
    if declared is not None:
        found.web[declared[0]] = str(declared[1])
    directory = getattr(module, "WEB_DIRECTORY", None)
    if isinstance(directory, str) and pack.path.is_dir():
        path = (pack.path / directory).resolve()
        if path.is_dir():
            found.web[pack.name] = str(path)
        else:
            found.warnings.append(f"WEB_DIRECTORY {directory!r} of '{pack.name}' is no folder; nothing is served.")
    host = current()
    for name, added in host.extension_dirs.items():
        if name not in host.known_extensions:
            folder = Path(str(added)).resolve()
            if folder.is_dir():
                found.web[str(name)] = str(folder)
            else:
                found.warnings.append(f"EXTENSION_WEB_DIRS[{name!r}] of '{pack.name}' is no folder: {folder}.")
    host.extension_dirs.update(found.web)
    host.known_extensions.update(host.extension_dirs)
