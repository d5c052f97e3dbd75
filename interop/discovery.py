"""Finding packs on disk.

Source: protocol §5.1.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Pack", "find_packs"]


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack that could be loaded.

    Args:
        name: folder name, or file name without `.py`.
        path: the folder, or the file.
    """

    name: str
    path: Path

    @property
    def entry(self) -> Path:
        """The file that is run to import it."""
        return self.path / "__init__.py" if self.path.is_dir() else self.path

    @property
    def prestartup(self) -> Path | None:
        """The script that runs before any pack is imported."""
        script = self.path / "prestartup_script.py"
        return script if self.path.is_dir() and script.is_file() else None

    @property
    def module(self) -> str:
        """The name it is imported under; dots in the folder's name would look like parents."""
        return "custom_nodes." + self.name.replace(".", "_dot_")

    def declared_web(self) -> tuple[str, Path] | None:
        """(name, folder) of the JavaScript that its pyproject.toml declares under [tool.comfy]."""
        file = self.path / "pyproject.toml"
        if not self.path.is_dir() or not file.is_file():
            return None
        try:
            data = tomllib.loads(file.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError):
            return None
        web = data.get("tool", {}).get("comfy", {}).get("web")
        name = data.get("project", {}).get("name") or self.name
        folder = self.path / web if isinstance(web, str) and web else None
        return (str(name), folder) if folder is not None and folder.is_dir() else None


def find_packs(directories: Sequence[Path], *, disabled: bool, whitelist: Collection[str]) -> Iterator[Pack]:
    """Packs in these directories: folders with `__init__.py`, and `.py` files, by name.

    A directory that does not exist has none.

    Args:
        disabled: only those in `whitelist` (folder or file names).
    """
    for directory in directories:
        if not directory.is_dir():
            continue
        for path in sorted(directory.iterdir(), key=lambda path: path.name.lower()):
            if path.name.endswith(".disabled") or path.name.startswith((".", "__")):
                continue
            if not (path.is_dir() and (path / "__init__.py").is_file()) and not (
                path.is_file() and path.suffix == ".py"
            ):
                continue
            if disabled and not {path.name, path.stem} & set(whitelist):
                continue
            yield Pack(path.name if path.is_dir() else path.stem, path.resolve())
