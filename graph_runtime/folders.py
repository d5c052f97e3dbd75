"""Folders: where models, inputs, outputs and temporary files live, and how a name becomes a path.

A model folder is known by a key ("checkpoints", "loras", …) and may be spread over several directories; the first
directory that holds a name wins. Names are relative, with forward slashes. Everything a client can name is confined
to its root: absolute names, `..` and symbolic links that lead out are refused. Only model files may lie elsewhere:
owners keep large files on another disk and link to them. Such a link is followed for names that are listed, never to
any other file behind a linked directory.

Source: the folder keys, defaults and extensions of the established layout (protocol §1.7, §5.5).
"""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from graph_runtime.errors import HeddleError

__all__ = [
    "MODEL_SUFFIXES",
    "ExtraFolder",
    "Folders",
    "UnknownFolder",
    "UnsafePath",
    "confine",
    "content_of",
]

MODEL_SUFFIXES = frozenset({".ckpt", ".pt", ".pt2", ".bin", ".pth", ".safetensors", ".pkl", ".sft"})
"""Extensions that may be model weights. Which of them are opened is for the loader to say."""
_SHAPE_SUFFIXES = frozenset({".glb", ".gltf", ".obj", ".fbx", ".stl", ".ply", ".usdz"})
_UNLISTED_TYPES = {
    ".webp": "image/webp", ".avif": "image/avif", ".apng": "image/apng", ".jfif": "image/jpeg", ".webm": "video/webm",
    ".mkv": "video/x-matroska", ".opus": "audio/ogg", ".flac": "audio/flac", ".m4a": "audio/mp4",
    ".latent": "latent/safetensors",
}  # fmt: skip
"""Types that some systems' tables lack."""

_ANY: frozenset[str] = frozenset()

_DEFAULTS: dict[str, tuple[tuple[str, ...], frozenset[str]]] = {
    "checkpoints": (("checkpoints",), MODEL_SUFFIXES),
    "configs": (("configs",), frozenset({".yaml"})),
    "loras": (("loras",), MODEL_SUFFIXES),
    "vae": (("vae",), MODEL_SUFFIXES),
    "text_encoders": (("text_encoders", "clip"), MODEL_SUFFIXES),
    "diffusion_models": (("unet", "diffusion_models"), MODEL_SUFFIXES),
    "clip_vision": (("clip_vision",), MODEL_SUFFIXES),
    "style_models": (("style_models",), MODEL_SUFFIXES),
    "embeddings": (("embeddings",), MODEL_SUFFIXES),
    "diffusers": (("diffusers",), _ANY),
    "vae_approx": (("vae_approx",), MODEL_SUFFIXES),
    "controlnet": (("controlnet", "t2i_adapter"), MODEL_SUFFIXES),
    "gligen": (("gligen",), MODEL_SUFFIXES),
    "upscale_models": (("upscale_models",), MODEL_SUFFIXES),
    "custom_nodes": ((), _ANY),
    "hypernetworks": (("hypernetworks",), MODEL_SUFFIXES),
    "photomaker": (("photomaker",), MODEL_SUFFIXES),
    "classifiers": (("classifiers",), frozenset({""})),
    "model_patches": (("model_patches",), MODEL_SUFFIXES),
    "audio_encoders": (("audio_encoders",), MODEL_SUFFIXES),
}
"""Key → (directories below a models root, extensions). No extensions means every file."""

_FROM_OUTPUT = {
    "checkpoints": "checkpoints",
    "text_encoders": "clip",
    "vae": "vae",
    "diffusion_models": "diffusion_models",
    "loras": "loras",
}
"""Keys that also read what save nodes wrote below the output folder."""

TINY_AUTOENCODERS = ("taesd", "taesdxl", "taesd3", "taef1")
"""Names under which the `_encoder` and `_decoder` files of `vae_approx` are offered as one autoencoder."""

_PIPELINE_KEYS = frozenset({"checkpoints", "diffusers"})
"""Keys under which a folder that diffusers saved counts as one model."""

_LEGACY_KEYS = {"unet": "diffusion_models", "clip": "text_encoders"}


class UnsafePath(HeddleError):
    """A name that would lead outside the folder it belongs to."""


class UnknownFolder(HeddleError):
    """A folder key that nothing defines."""


class ExtraFolder(NamedTuple):
    """One more directory for a key, in front of the usual ones when `is_default`.

    Attributes:
        suffixes: lower-case extensions of a key that nobody knew before; none means every file.
    """

    key: str
    path: Path
    is_default: bool = False
    suffixes: frozenset[str] = frozenset()


class _Listing(NamedTuple):
    names: tuple[str, ...]
    mtimes: dict[str, int]


def content_of(name: str) -> str:
    """The kind of content a file's extension promises: "image", "video", "audio", "model" (3-D), "text", …; or ""."""
    suffix = os.path.splitext(name)[1].lower()
    if suffix in _SHAPE_SUFFIXES:
        return "model"
    kind = mimetypes.guess_type(f"x{suffix}")[0] or _UNLISTED_TYPES.get(suffix, "")
    return kind.partition("/")[0]


def confine(root: Path, relative: str | os.PathLike[str]) -> Path:
    """Turn a name given by a client into a path below `root`, after following symbolic links.

    The path need not exist.

    Raises:
        UnsafePath: if the name is absolute, contains a NUL byte, or leads outside `root`.
    """
    name = os.fspath(relative)
    if "\0" in name:
        raise UnsafePath(f"The name {name!r} contains a NUL byte. Use an ordinary file name.")
    portable = name.replace("\\", "/")
    if _is_absolute(name):
        raise UnsafePath(f"The name {name!r} is absolute. Give it relative to {root.name!r}.")
    if ".." in portable.split("/"):
        raise UnsafePath(f"The name {name!r} contains '..'. Give a name inside {root.name!r}.")
    base = os.path.realpath(root)  # Path.resolve does the same in twice the time
    resolved = os.path.realpath(os.path.join(base, *[part for part in portable.split("/") if part not in ("", ".")]))
    if resolved != base and not resolved.startswith(os.path.join(base, "")):
        raise UnsafePath(
            f"The name {name!r} leads outside {root.name!r} through a symbolic link. Move the file inside it."
        )
    return Path(resolved)


class Folders:
    """Every directory a run may read or write.

    Args:
        data_dir: holds `models/ input/ output/ temp/ user/ custom_nodes/`.
        models_dirs: further model roots, each with one directory a key.
        input: the input folder, where it is not `data_dir/input`; likewise `output`, `temp` and `user`.
        extra: single directories for single keys (models shipped with the project, extra model paths files).

    Attributes:
        added: directories that came later, in their order.
    """

    __slots__ = (
        "_dirs", "_listings", "_suffixes", "added", "data_dir", "input", "models_dirs", "output", "temp", "user",
    )  # fmt: skip

    def __init__(
        self,
        data_dir: Path,
        models_dirs: Iterable[Path] = (),
        input: Path | None = None,
        output: Path | None = None,
        temp: Path | None = None,
        user: Path | None = None,
        extra: Iterable[ExtraFolder | tuple[str, Path] | tuple[str, Path, bool]] = (),
    ) -> None:
        self.data_dir = _absolute(data_dir)
        self.input = _absolute(input or self.data_dir / "input")
        self.output = _absolute(output or self.data_dir / "output")
        self.temp = _absolute(temp or self.data_dir / "temp")
        self.user = _absolute(user or self.data_dir / "user")
        self.models_dirs = (self.data_dir / "models", *(_absolute(path) for path in models_dirs))
        self._dirs: dict[str, list[Path]] = {}
        self._suffixes: dict[str, frozenset[str]] = {}
        self._listings: dict[str, _Listing] = {}
        for key, (directories, suffixes) in _DEFAULTS.items():
            self._suffixes[key] = suffixes
            self._dirs[key] = [root / directory for root in self.models_dirs for directory in directories]
            if key in _FROM_OUTPUT:
                self._dirs[key].append(self.output / _FROM_OUTPUT[key])
        self._dirs["custom_nodes"].append(self.data_dir / "custom_nodes")
        self.added: list[ExtraFolder] = []
        for item in extra:
            self.add(*item)
        self.added.clear()

    @property
    def keys(self) -> tuple[str, ...]:
        """Every folder key, the established ones first."""
        return tuple(self._dirs)

    def create(self) -> None:
        """Make the folders that are written to, and the usual model folders so that people find them."""
        for path in (self.input, self.output, self.temp, self.user, self.data_dir / "custom_nodes"):
            path.mkdir(parents=True, exist_ok=True)
        for key in _DEFAULTS:
            if key != "custom_nodes":
                (self.data_dir / "models" / key).mkdir(parents=True, exist_ok=True)

    def add(self, key: str, path: Path, is_default: bool = False, suffixes: frozenset[str] = frozenset()) -> None:
        """Read one more directory for `key`; a new key accepts files of these extensions, or of every one."""
        key = _LEGACY_KEYS.get(key, key)
        directories = self._dirs.setdefault(key, [])
        self._suffixes.setdefault(key, suffixes or _ANY)
        path = _absolute(path)
        if path in directories:
            if not is_default:
                return
            directories.remove(path)
        directories.insert(0 if is_default else len(directories), path)
        self.added.append(ExtraFolder(key, path, is_default, suffixes))
        self._listings.pop(key, None)

    def model_dirs(self, key: str) -> list[Path]:
        """The directories of a key, in the order in which they are searched; they need not exist.

        Raises:
            UnknownFolder: naming the keys that exist.
        """
        key = _LEGACY_KEYS.get(key, key)
        if key not in self._dirs:
            raise UnknownFolder(f"There is no model folder {key!r}. Known folders: {', '.join(self._dirs)}.")
        return list(self._dirs[key])

    def suffixes(self, key: str) -> frozenset[str]:
        """Lower-case extensions listed for a key; empty means all."""
        self.model_dirs(key)
        return self._suffixes[_LEGACY_KEYS.get(key, key)]

    def names(self, key: str) -> list[str]:
        """Files of a key, relative with forward slashes, sorted; directories below are searched as well.

        The answer is kept until the modification time of any directory involved changes.
        """
        directories = self.model_dirs(key)
        known = self._listings.get(key)
        if known is not None and all(_mtime(path) == mtime for path, mtime in known.mtimes.items()):
            return list(known.names)
        found: set[str] = set()
        mtimes: dict[str, int] = {}
        for directory in directories:
            found.update(_list(directory, self._keeps(key), mtimes, folders_too=key in _PIPELINE_KEYS))
        listing = _Listing(tuple(sorted(found)), mtimes)
        self._listings[key] = listing
        return list(listing.names)

    def find(self, key: str, name: str) -> Path | None:
        """The file that a name means in the first directory that has it; None when none has or the name is unsafe.

        A file that lies outside the directories of the key, behind a symbolic link, is found only if it is listed.
        """
        parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
        if not parts or ".." in parts or _is_absolute(name) or "\0" in name:
            return None
        for directory in self.model_dirs(key):
            path = directory.joinpath(*parts)
            if path.exists() and (self.holds(key, path) or "/".join(parts) in self.names(key)):
                return path
        return None

    def holds(self, key: str, path: Path) -> bool:
        """Whether a path lies in the directories of a key, or in a root of models, after following links."""
        resolved = path.resolve()
        roots = (*self.model_dirs(key), *self.models_dirs)
        return any(root.resolve() in resolved.parents for root in roots)

    def root(self, kind: str) -> Path:
        """The folder called "input", "output" or "temp".

        Raises:
            UnknownFolder: for any other word.
        """
        roots = {"input": self.input, "output": self.output, "temp": self.temp}
        if kind not in roots:
            raise UnknownFolder(f"There is no folder {kind!r}. Use input, output or temp.")
        return roots[kind]

    def names_in(self, kind: str) -> list[str]:
        """File names directly inside "input", "output" or "temp", sorted."""
        root = self.root(kind)
        if not root.is_dir():
            return []
        with os.scandir(root) as entries:
            return sorted(entry.name for entry in entries if entry.is_file())

    def choices(self, folder: str) -> list[str]:
        """What an input that chooses from a folder offers.

        Args:
            folder: a model key, or "input", "output" or "temp"; "input/image" offers only pictures, and likewise for
                "video", "audio", "latent" and "model" (3-D), and "input/folders" offers the folders in it; "vae" offers
                the complete tiny autoencoders as well.
        """
        kind, _, content = folder.partition("/")
        if kind == "vae":
            return [*self.names("vae"), *(name for name in TINY_AUTOENCODERS if self.tiny_halves(name) is not None)]
        if kind not in ("input", "output", "temp"):
            return self.names(folder)
        if content == "folders":
            root = self.root(kind)
            return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_dir())
        names = self.names_in(kind)
        return [name for name in names if content_of(name) == content] if content else names

    def tiny_half(self, name: str, half: str) -> Path | None:
        """The "encoder" or "decoder" file of a tiny autoencoder, whatever its extension; None if it is not there."""
        found = next((n for n in self.names("vae_approx") if n.startswith(f"{name}_{half}.")), None)
        return None if found is None else self.find("vae_approx", found)

    def tiny_halves(self, name: str) -> tuple[Path, Path] | None:
        """Encoder and decoder file of a tiny autoencoder; None unless both are there."""
        encoder, decoder = self.tiny_half(name, "encoder"), self.tiny_half(name, "decoder")
        return None if encoder is None or decoder is None else (encoder, decoder)

    def annotated(self, name: str, default: str = "input") -> Path:
        """The path of a name that may end in ` [input]`, ` [output]` or ` [temp]`.

        Args:
            name: relative to that folder.
            default: the folder of a name without such an ending.
        Raises:
            UnsafePath: if the name leads outside its folder.
        """
        kind = default
        for candidate in ("input", "output", "temp"):
            ending = f"[{candidate}]"
            if name.endswith(ending):
                name, kind = name[: -len(ending)].rstrip(), candidate
                break
        return confine(self.root(kind), name)

    def _keeps(self, key: str) -> Callable[[str], bool]:
        suffixes = self.suffixes(key)
        if key == "diffusers":
            return lambda name: False  # folders alone
        return lambda name: not suffixes or os.path.splitext(name)[1].lower() in suffixes


def _is_absolute(name: str) -> bool:
    return name[:1] in ("/", "\\") or (name[1:2] == ":" and name[0].isalpha())


def _absolute(path: Path | str) -> Path:
    return Path(os.path.abspath(Path(path).expanduser()))


def _mtime(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return -1


def _list(
    root: Path, keeps: Callable[[str], bool], mtimes: dict[str, int], *, folders_too: bool = False
) -> Iterable[str]:
    """Relative names below `root`, following links but no circle of links; notes each directory's time.

    Args:
        folders_too: a folder with a `model_index.json` stands for itself, and what is in it is not listed.
    """
    seen: set[tuple[int, int]] = set()
    mtimes[str(root)] = -1
    for directory, subdirectories, names in os.walk(root, followlinks=True):
        try:
            status = os.stat(directory)
        except FileNotFoundError:  # removed while we were walking
            subdirectories.clear()
            continue
        if (status.st_dev, status.st_ino) in seen:
            subdirectories.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        mtimes[directory] = status.st_mtime_ns
        subdirectories[:] = [name for name in subdirectories if name != ".git"]
        prefix = os.path.relpath(directory, root).replace(os.sep, "/")
        if folders_too and "model_index.json" in names and prefix != ".":
            subdirectories.clear()
            yield prefix
            continue
        for name in filter(keeps, names):
            yield name if prefix == "." else f"{prefix}/{name}"
