"""Settings of one worker process: folders, device, cache and previews, and the flags that fill them."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from graph_runtime.folders import ExtraFolder, Folders
from graph_runtime.shipped import shipped_models
from graph_runtime.sizes import read_size

__all__ = ["PROJECT", "CacheChoice", "Settings", "add_arguments", "from_arguments"]

PROJECT = Path(__file__).resolve().parent.parent
"""The folder that holds `main.py`, `diffusion/embedded/` and the packs that ship."""

PreviewMethod = Literal["none", "auto", "latent2rgb", "taesd"]


@dataclass(frozen=True, slots=True)
class CacheChoice:
    """How long results are kept: bounded in bytes, by the last prompt, by a count, or not at all."""

    mode: Literal["bytes", "classic", "lru", "none"] = "bytes"
    size: int = 0
    """Bytes for `bytes` (0: a quarter of the memory), entries for `lru`."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What one worker, or a headless run, was started with."""

    data_dir: Path
    models_dirs: tuple[Path, ...] = ()
    input_dir: Path | None = None
    output_dir: Path | None = None
    temp_dir: Path | None = None
    user_dir: Path | None = None
    extra: tuple[ExtraFolder, ...] = ()
    cpu: bool = False
    device: str | None = None
    cache: CacheChoice = CacheChoice()
    disk_cache: int = 0
    memory_limit: int = 0
    checkpoint_steps: int = 0
    warm_up: bool = True
    preview_method: PreviewMethod = "auto"
    preview_size: int = 512
    server_port: int = 8188
    disable_metadata: bool = False
    allow_pickle: bool = False
    disable_custom_nodes: bool = False
    whitelist_custom_nodes: tuple[str, ...] = ()

    def folders(self) -> Folders:
        """The folders these settings describe, with the models that ship."""
        return Folders(
            self.data_dir,
            self.models_dirs,
            self.input_dir,
            self.output_dir,
            self.temp_dir,
            self.user_dir,
            (*self.extra, *shipped_models(PROJECT)),
        )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags that describe a worker; a headless run takes them as well."""
    add = parser.add_argument
    add("--data-dir", type=Path, default=Path("data"), metavar="DIR", help="holds models/ input/ output/ temp/")
    add("--models-dir", type=Path, action="append", default=[], metavar="DIR", help="a further folder of models")
    add("--input-directory", type=Path, metavar="DIR", help="instead of DATA/input")
    add("--output-directory", type=Path, metavar="DIR", help="instead of DATA/output")
    add("--temp-directory", type=Path, metavar="DIR", help="instead of DATA/temp")
    add("--user-directory", type=Path, metavar="DIR", help="instead of DATA/user")
    add("--extra-path", type=_extra, action="append", default=[], metavar="KEY=DIR", help="one more model directory")
    add(
        "--extra-default-path",
        type=_extra_default,
        action="append",
        default=[],
        metavar="KEY=DIR",
        help="one more model directory, searched first",
    )
    add("--cpu", action="store_true", help="compute on the CPU even where there is an accelerator")
    add("--device", metavar="NAME", help="the device to compute on, such as cuda:1")
    cache = parser.add_mutually_exclusive_group()
    cache.add_argument("--cache-bytes", type=_count, metavar="N", help="keep results up to N bytes (the default way)")
    cache.add_argument("--cache-classic", action="store_true", help="keep the results of the last workflow only")
    cache.add_argument("--cache-lru", type=_count, metavar="N", help="keep the last N results")
    cache.add_argument("--cache-none", action="store_true", help="keep no results")
    add(
        "--disk-cache",
        type=_size,
        default=0,
        metavar="SIZE",
        help="keep results on disk too, up to SIZE, such as 20GB (0: no); they outlive the process",
    )
    add("--memory-limit", type=_size, default=0, metavar="SIZE", help="memory this process may use, such as 12GB")
    add(
        "--checkpoint-steps",
        type=_count,
        default=0,
        metavar="K",
        help="keep the state of sampling on disk after every K steps, so that a retried job resumes there (0: no)",
    )
    add("--no-warm-up", action="store_true", help="bring torch in only when a job needs it")
    add("--preview-method", choices=["none", "auto", "latent2rgb", "taesd"], default="auto", help="pictures of steps")
    add("--preview-size", type=_count, default=512, metavar="PIXELS", help="largest side of a preview")
    add("--allow-pickle", action="store_true", help="open .ckpt and .pt files too; only weights are taken from them")
    add("--server-port", type=_count, default=8188, metavar="PORT", help="where the server listens; told to packs")
    add("--disable-metadata", action="store_true", help="do not write the workflow into saved files")
    add("--disable-all-custom-nodes", action="store_true", help="load no pack except the whitelisted")
    add("--whitelist-custom-nodes", nargs="+", default=[], metavar="NAME", help="packs to load all the same")


def from_arguments(arguments: argparse.Namespace) -> Settings:
    """The settings that parsed flags mean."""
    cache = CacheChoice("bytes", arguments.cache_bytes or 0)
    if arguments.cache_classic:
        cache = CacheChoice("classic")
    elif arguments.cache_lru is not None:
        cache = CacheChoice("lru", arguments.cache_lru) if arguments.cache_lru else CacheChoice("classic")
    elif arguments.cache_none:
        cache = CacheChoice("none")
    return Settings(
        data_dir=arguments.data_dir,
        models_dirs=tuple(arguments.models_dir),
        input_dir=arguments.input_directory,
        output_dir=arguments.output_directory,
        temp_dir=arguments.temp_directory,
        user_dir=arguments.user_directory,
        extra=(*arguments.extra_path, *arguments.extra_default_path),
        cpu=arguments.cpu,
        device=arguments.device,
        cache=cache,
        disk_cache=arguments.disk_cache,
        memory_limit=arguments.memory_limit,
        checkpoint_steps=arguments.checkpoint_steps,
        server_port=arguments.server_port,
        warm_up=not arguments.no_warm_up,
        preview_method=arguments.preview_method,
        preview_size=arguments.preview_size,
        disable_metadata=arguments.disable_metadata,
        allow_pickle=arguments.allow_pickle,
        disable_custom_nodes=arguments.disable_all_custom_nodes,
        whitelist_custom_nodes=tuple(arguments.whitelist_custom_nodes),
    )


def _size(text: str) -> int:
    try:
        return read_size(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _extra(text: str) -> ExtraFolder:
    key, separator, path = text.partition("=")
    if not separator or not key or not path:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=DIR, such as loras=/mnt/loras")
    return ExtraFolder(key, Path(path))


def _extra_default(text: str) -> ExtraFolder:
    return _extra(text)._replace(is_default=True)


def _count(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = -1
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 up")
    return number
