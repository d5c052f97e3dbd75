"""`/system_stats`, `/features`, `/internal/*`, and whether the server lives (protocol §1.7, §1.9)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
from aiohttp import web

from server.bodies import object_body
from server.errors import NoWorker
from server.files import is_unfinished
from server.keys import DISPATCHER, FOLDERS, HUB, LOGS, POOL, PUBLISHED, SETTINGS
from server.routes.route import Route
from server.settings import Settings

__all__ = ["ROUTES", "features"]

PROTOCOL_VERSION = "0.3.64"
"""The version of the established server whose protocol this one speaks; packs and clients compare it."""
FRONT_END_VERSION = "1.27.10"
TEMPLATES_VERSION = "0.1.95"
_TERMINAL = {"cols": 80, "rows": 24}


def features(settings: Settings) -> dict[str, Any]:
    """What the server can do, for clients that ask or negotiate."""
    return {"supports_preview_metadata": True, "max_upload_size": settings.max_upload_bytes}


async def get_features(request: web.Request) -> web.Response:
    """Feature flags of the server."""
    return web.json_response(features(request.app[SETTINGS]))


async def get_system_stats(request: web.Request) -> web.Response:
    """The machine, the versions, the devices."""
    published = request.app[PUBLISHED]
    devices = published.devices
    try:
        answer = await request.app[POOL].ask("stats", {}, 2.0)
        devices = answer.get("devices", devices) if isinstance(answer, dict) else devices
    except (NoWorker, TimeoutError):
        pass  # what a worker said last is still true of the hardware
    memory = psutil.virtual_memory()
    system = {
        "os": os.name,
        "ram_total": memory.total,
        "ram_free": memory.available,
        "comfyui_version": PROTOCOL_VERSION,
        "required_frontend_version": FRONT_END_VERSION,
        "installed_templates_version": TEMPLATES_VERSION,
        "required_templates_version": TEMPLATES_VERSION,
        "python_version": sys.version,
        "pytorch_version": str(published.versions.get("torch", "")),
        "embedded_python": False,
        "argv": list(request.app[SETTINGS].arguments) or ["main.py"],
    }
    return web.json_response({"system": system, "devices": list(devices)})


async def get_logs(request: web.Request) -> web.Response:
    """The log as one text."""
    return web.json_response("".join(f"{entry['t']} - {entry['m']}" for entry in request.app[LOGS].entries))


async def get_raw_logs(request: web.Request) -> web.Response:
    """The log as lines."""
    return web.json_response({"entries": request.app[LOGS].entries, "size": _TERMINAL})


async def subscribe_logs(request: web.Request) -> web.Response:
    """Begin or end sending log lines to a connected client."""
    body = await object_body(request)
    request.app[HUB].subscribe_logs(str(body.get("clientId")), bool(body.get("enabled")))
    return web.Response()


async def get_folder_paths(request: web.Request) -> web.Response:
    """Directories of every model folder."""
    folders = request.app[FOLDERS]
    return web.json_response({key: [str(path) for path in folders.model_dirs(key)] for key in folders.keys})


async def get_files(request: web.Request) -> web.Response:
    """File names directly in input, output or temp, newest first."""
    kind = request.match_info["kind"]
    if kind not in ("input", "output", "temp"):
        return web.json_response({"error": "Invalid directory type"}, status=400)
    return web.json_response(await asyncio.to_thread(_newest_first, request.app[FOLDERS].root(kind)))


async def get_health(request: web.Request) -> web.Response:
    """Whether the process answers."""
    return web.json_response({"status": "ok"})


async def get_readiness(request: web.Request) -> web.Response:
    """Whether work can be done: the catalogue is known and a worker has told of its devices."""
    published = request.app[PUBLISHED]
    ready = bool(published.entries) and bool(published.versions)
    body = {"ready": ready, "catalogue": bool(published.entries), "worker": bool(published.versions)}
    return web.json_response({**body, "remaining": request.app[DISPATCHER].remaining}, status=200 if ready else 503)


def _newest_first(root: Path) -> list[str]:
    if not root.is_dir():
        return []
    files: list[tuple[int, str]] = []
    with os.scandir(root) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):  # it may be gone since the folder was read
                if entry.is_file() and not is_unfinished(entry.name):
                    files.append((-entry.stat().st_mtime_ns, entry.name))
    return [name for _, name in sorted(files)]


ROUTES = (
    Route("GET", "/features", get_features),
    Route("GET", "/system_stats", get_system_stats),
    Route("GET", "/internal/logs", get_logs, "bare"),
    Route("GET", "/internal/logs/raw", get_raw_logs, "bare"),
    Route("PATCH", "/internal/logs/subscribe", subscribe_logs, "bare"),
    Route("GET", "/internal/folder_paths", get_folder_paths, "bare"),
    Route("GET", "/internal/files/{kind}", get_files, "bare"),
    Route("GET", "/healthz", get_health, "bare"),
    Route("GET", "/readyz", get_readiness, "bare"),
)
