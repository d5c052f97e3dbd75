"""Extra model paths files: further directories for model folders, as people already have them written down.

A YAML file; each top-level section may have `base_path` (with `~` and environment variables, relative to the file),
`is_default`, and `<folder key>: path` lines, where several paths stand on several lines.

Source: protocol §5.1.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from server.errors import SettingsError
from server.settings import ExtraPath

__all__ = ["read_extra_paths"]

_LEGACY = {"unet": "diffusion_models", "clip": "text_encoders"}


def read_extra_paths(file: Path) -> list[ExtraPath]:
    """Read one file.

    Raises:
        SettingsError: naming the file, and the section where there is one.
    """
    import yaml  # type: ignore[import-untyped]  # only who has such a file needs it

    try:
        text = file.expanduser().read_text(encoding="utf-8")
        data = yaml.safe_load(text)
    except OSError as error:
        raise SettingsError(f"--extra-model-paths-config {file}: cannot be read ({error.strerror}).") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"--extra-model-paths-config {file}: is no YAML: {error}.") from error
    if data is None:
        return []
    if not isinstance(data, dict):
        raise SettingsError(f"--extra-model-paths-config {file}: must have named sections at its top level.")
    found: list[ExtraPath] = []
    for name, section in data.items():
        if section is None:
            continue
        if not isinstance(section, dict):
            raise SettingsError(f"--extra-model-paths-config {file}: section {name!r} must be `folder: path` lines.")
        found += _read_section(file, str(name), section)
    return found


def _read_section(file: Path, name: str, section: dict[Any, Any]) -> list[ExtraPath]:
    here = file.expanduser().resolve().parent
    base = here
    if section.get("base_path"):
        base = here / Path(os.path.expandvars(str(section["base_path"]))).expanduser()
    is_default = bool(section.get("is_default", False))
    found: list[ExtraPath] = []
    for key, paths in section.items():
        if key in ("base_path", "is_default") or paths is None:
            continue
        if not isinstance(paths, str):
            raise SettingsError(
                f"--extra-model-paths-config {file}: {name}.{key} must be text, one path a line; it is {paths!r}."
            )
        for line in paths.splitlines():
            if line.strip():
                path = base / Path(os.path.expandvars(line.strip())).expanduser()
                found.append(ExtraPath(_LEGACY.get(str(key), str(key)), path, is_default))
    return found
