"""What packs bring for the web: scripts, example workflows, translations (protocol §1.7)."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiohttp import web

from graph_runtime.folders import UnsafePath, confine
from server.keys import FOLDERS, PACKS, PUBLISHED, SETTINGS
from server.packs import Pack
from server.routes.route import Route

__all__ = ["ROUTES"]

_EXAMPLES = ("example_workflows", "example", "examples", "workflow", "workflows")
_SECTIONS = ("main", "nodeDefs", "commands", "settings")


async def packs_of(request: web.Request) -> list[Pack]:
    """Every pack; right after the start, once they are loaded."""
    return request.app[PACKS].use(await request.app[PUBLISHED].loaded_packs())


async def get_extensions(request: web.Request) -> web.Response:
    """URLs of every script of every pack, and of extensions that belong to none."""
    packs = await packs_of(request)
    return web.json_response(await asyncio.to_thread(_scripts, packs, _shared_folders(request)))


def _shared_folders(request: web.Request) -> list[Path]:
    """Folders with extensions of several: the front end's own, and the one that old packs copy their scripts into."""
    root = request.app[SETTINGS].front_end_root
    return [_copied(request)] if root is None else [root / "extensions", _copied(request)]


def _copied(request: web.Request) -> Path:
    return request.app[FOLDERS].data_dir / "web" / "extensions"


async def get_extension_file(request: web.Request) -> web.StreamResponse:
    """A file of a pack's web folder; help pages may also lie in `docs` beside the pack's code."""
    name, tail = request.match_info["pack"], request.match_info["file"]
    for pack in await packs_of(request):
        if pack.name != name and name not in pack.web:
            continue
        web_folder = pack.web.get(name)
        if pack.folder is not None and tail.startswith("docs/") and not (web_folder and _holds(web_folder, tail)):
            return await _send(pack.folder / "docs", tail.removeprefix("docs/"))
        if web_folder is not None:
            return await _send(web_folder, tail)
    for folder in _shared_folders(request):
        if _holds(folder, f"{name}/{tail}"):
            return await _send(folder, f"{name}/{tail}")
    return await _send_linked(await packs_of(request), request, f"{name}/{tail}")


async def _send_linked(packs: list[Pack], request: web.Request, name: str) -> web.StreamResponse:
    """A file that a pack linked to instead of copying: it must lie in the pack's own folder.

    Raises:
        HTTPNotFound: for anything else.
    """
    path = Path(os.path.normpath(_copied(request) / name))
    if path.is_relative_to(_copied(request)) and "\0" not in name:
        for pack in packs:
            real = Path(os.path.realpath(path))
            if pack.folder is not None and real.is_relative_to(os.path.realpath(pack.folder)):
                return await _send(pack.folder, real.relative_to(os.path.realpath(pack.folder)).as_posix())
    raise web.HTTPNotFound


async def get_workflow_templates(request: web.Request) -> web.Response:
    """Names of example workflows by pack."""
    return web.json_response(await asyncio.to_thread(_examples, await packs_of(request)))


async def get_workflow_template(request: web.Request) -> web.StreamResponse:
    """One example workflow of a pack."""
    for pack in await packs_of(request):
        if pack.name == request.match_info["pack"] and pack.folder is not None:
            for example in _EXAMPLES:
                try:
                    return await _send(pack.folder / example, request.match_info["file"])
                except web.HTTPNotFound:
                    continue
    raise web.HTTPNotFound


async def get_translations(request: web.Request) -> web.Response:
    """Translations of all packs, merged."""
    return web.json_response(await asyncio.to_thread(_translations, await packs_of(request)))


async def get_global_subgraphs(request: web.Request) -> web.Response:
    """Subgraphs that every workflow can use: none yet."""
    return web.json_response({})


async def get_node_replacements(request: web.Request) -> web.Response:
    """Nodes that took the place of others: none."""
    return web.json_response({})


async def _send(root: Path, tail: str) -> web.StreamResponse:
    """A file below a folder.

    Raises:
        HTTPForbidden, HTTPNotFound: for a folder, and for what is not there or leads outside.
    """
    try:
        path = confine(root, tail)
    except UnsafePath:
        raise web.HTTPNotFound from None
    if await asyncio.to_thread(path.is_dir):
        raise web.HTTPForbidden
    if not await asyncio.to_thread(path.is_file):
        raise web.HTTPNotFound
    return web.FileResponse(path)


def _holds(root: Path, tail: str) -> bool:
    try:
        return confine(root, tail).is_file()
    except UnsafePath:
        return False


def _scripts(packs: list[Pack], shared: list[Path]) -> list[str]:
    found = []
    for folder in shared:
        if folder.is_dir():
            paths = sorted([*folder.rglob("*.js"), *_linked_scripts(packs, folder)])
            found += [f"/extensions/{quote(path.relative_to(folder).as_posix())}" for path in paths]
    for pack in packs:
        for name, folder in pack.web.items():
            for path in sorted(folder.rglob("*.js")):
                found.append(f"/extensions/{quote(name)}/{quote(path.relative_to(folder).as_posix())}")
    return found


def _linked_scripts(packs: list[Pack], folder: Path) -> Iterator[Path]:
    """Scripts in folders that packs linked from a shared folder to their own."""
    own = [Path(os.path.realpath(pack.folder)) for pack in packs if pack.folder is not None]
    for link in (path for path in [*folder.glob("*"), *folder.glob("*/*")] if path.is_symlink() and path.is_dir()):
        real = Path(os.path.realpath(link))
        if any(real.is_relative_to(root) for root in own):
            yield from (link / path.relative_to(real) for path in real.rglob("*.js"))


def _examples(packs: list[Pack]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for pack in packs:
        if pack.folder is None:
            continue
        names = [path.stem for example in _EXAMPLES for path in sorted((pack.folder / example).glob("*.json"))]
        if names:
            found[pack.name] = names
    return found


def _translations(packs: list[Pack]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for pack in packs:
        if pack.folder is None:
            continue
        for language, section, content in _read_locales(pack.folder / "locales"):
            target = merged.setdefault(language, {})
            _merge(target if section == "main" else target.setdefault(section, {}), content)
    return merged


def _read_locales(folder: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
    if not folder.is_dir():
        return
    for language in sorted(path for path in folder.iterdir() if path.is_dir()):
        for section in _SECTIONS:
            try:
                content = json.loads((language / f"{section}.json").read_text(encoding="utf-8"))
            except (OSError, ValueError, RecursionError):
                continue
            if isinstance(content, dict):
                yield language.name, section, content


def _merge(target: dict[str, Any], source: Mapping[str, Any]) -> None:
    for key, value in source.items():
        known = target.get(key)
        if isinstance(known, dict) and isinstance(value, dict):
            _merge(known, value)
        else:
            target[key] = value


ROUTES = (
    Route("GET", "/extensions", get_extensions),
    Route("GET", "/extensions/{pack}/{file:.+}", get_extension_file, "bare"),
    Route("GET", "/workflow_templates", get_workflow_templates),
    Route("GET", "/api/workflow_templates/{pack}/{file:.+}", get_workflow_template, "bare"),
    Route("GET", "/i18n", get_translations),
    Route("GET", "/global_subgraphs", get_global_subgraphs),
    Route("GET", "/node_replacements", get_node_replacements),
)
