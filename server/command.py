"""`serve` and the bare launch: flags become `Settings`, and the server runs until it is told to stop."""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from graph_runtime.sizes import read_size
from server.errors import ServerError, SettingsError
from server.extra_paths import read_extra_paths
from server.settings import CacheSetting, ExtraPath, Settings, read_token

__all__ = ["main", "parse"]

USAGE_ERROR = 2

LEFT_OUT = {
    "--lowvram": "memory is planned from what the device has",
    "--highvram": "memory is planned from what the device has",
    "--normalvram": "memory is planned from what the device has",
    "--novram": "memory is planned from what the device has",
    "--gpu-only": "memory is planned from what the device has",
    "--force-fp16": "the number format follows the device and the file",
    "--force-fp32": "the number format follows the device and the file",
    "--auto-launch": "open the printed address in a browser",
    "--disable-auto-launch": "no browser is ever opened",
    "--dont-print-server": "use --verbose WARNING",
    "--quick-test-for-ci": "use `main.py run WORKFLOW`",
    "--windows-standalone-build": "it is not needed",
    "--fast": "there is one precise way to compute",
}
"""Flags of the established server that have no meaning here, and what to do instead."""


class _Parser(argparse.ArgumentParser):
    """Reports an unknown flag with the nearest known one."""

    def error(self, message: str) -> NoReturn:
        raise SettingsError(f"{message[:1].upper()}{message[1:]}. See --help.")

    def parse_known(self, arguments: Sequence[str]) -> argparse.Namespace:
        parsed, unknown = self.parse_known_args(list(arguments))
        if unknown:
            raise SettingsError(self._describe(unknown[0]))
        return parsed

    def _describe(self, flag: str) -> str:
        name = flag.split("=", 1)[0]
        if not name.startswith("-"):
            return f"Unexpected argument {flag!r}. Flags begin with --; see --help."
        if name in LEFT_OUT:
            return f"The flag {name} is not needed: {LEFT_OUT[name]}. Leave it out."
        near = difflib.get_close_matches(name, sorted(self._option_string_actions), n=1, cutoff=0.6)
        hint = f" Did you mean {near[0]}?" if near else ""
        return f"Unknown flag {name}.{hint} See --help for all flags."


def _size(text: str) -> int:
    try:
        return read_size(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _parser() -> _Parser:
    parser = _Parser(
        prog="main.py serve", description="Serve the editor and the API.", allow_abbrev=False, exit_on_error=True
    )
    address = parser.add_argument_group("address")
    address.add_argument("--host", action="append", metavar="ADDRESS", help="address to listen on (default 127.0.0.1)")
    address.add_argument(
        "--listen", nargs="?", const="0.0.0.0,::", metavar="ADDRESSES", help="comma list; alone: every address"
    )
    address.add_argument("--port", type=int, default=8188)
    address.add_argument("--tls-keyfile", type=Path, metavar="FILE")
    address.add_argument("--tls-certfile", type=Path, metavar="FILE")
    address.add_argument("--token", metavar="SECRET", help="password for every request; @FILE reads it from a file")
    address.add_argument("--insecure", action="store_true", help="listen beyond this machine without a password")
    address.add_argument("--allow-host", action="append", default=[], metavar="NAME", help="accept this Host name")
    address.add_argument("--enable-cors-header", nargs="?", const="*", metavar="ORIGIN")
    address.add_argument("--enable-compress-response-body", action="store_true")
    address.add_argument("--max-upload-size", type=float, default=100.0, metavar="MB")

    folders = parser.add_argument_group("folders")
    folders.add_argument("--data-dir", type=Path, metavar="DIR", help="models, input, output, temp and the job table")
    folders.add_argument("--base-directory", type=Path, metavar="DIR", help="the established name of --data-dir")
    folders.add_argument("--models-dir", type=Path, action="append", default=[], metavar="DIR")
    for name in ("input", "output", "temp", "user"):
        folders.add_argument(f"--{name}-directory", type=Path, metavar="DIR")
    folders.add_argument(
        "--extra-model-paths-config", type=Path, nargs="+", action="append", default=[], metavar="FILE"
    )
    folders.add_argument("--front-end-root", type=Path, metavar="DIR", help="serve another web client")
    folders.add_argument(
        "--database", metavar="URL", help="job table: postgresql://USER@HOST/NAME, or sqlite:///FILE (default: in DATA)"
    )
    folders.add_argument("--multi-user", action="store_true")
    folders.add_argument("--default-hashing-function", choices=("md5", "sha1", "sha256", "sha512"), default="sha256")

    work = parser.add_argument_group("work")
    work.add_argument("--workers", type=int, default=1, help="worker processes (default 1)")
    work.add_argument("--cpu", action="store_true", help="use no accelerator")
    cache = work.add_mutually_exclusive_group()
    cache.add_argument("--cache-classic", action="store_true", help="keep results of the last workflow only")
    cache.add_argument("--cache-lru", type=int, metavar="N", help="keep the newest N results; 0 is --cache-classic")
    cache.add_argument("--cache-none", action="store_true", help="keep no results")
    work.add_argument("--disk-cache", type=_size, metavar="SIZE", help="results kept on disk, such as 20GB (0: none)")
    work.add_argument("--memory-limit", type=_size, metavar="SIZE", help="memory of each worker, such as 12GB")
    work.add_argument(
        "--checkpoint-steps", type=int, default=0, metavar="K", help="sampling can resume after every K steps (0: not)"
    )
    work.add_argument("--no-warm-up", action="store_true", help="bring torch in only when a job needs it")
    work.add_argument("--lease", type=float, default=60.0, metavar="SECONDS", help="silence that ends an attempt")
    work.add_argument("--preview-method", choices=("none", "auto", "latent2rgb", "taesd"), default="auto")
    work.add_argument("--preview-size", type=int, default=512, metavar="PIXELS")
    work.add_argument(
        "--allow-pickle", action="store_true", help="open .ckpt and .pt models too; only weights are taken from them"
    )
    work.add_argument("--disable-metadata", action="store_true", help="write no workflow into saved files")
    work.add_argument("--disable-all-custom-nodes", action="store_true")
    work.add_argument("--whitelist-custom-nodes", nargs="+", default=[], metavar="PACK")
    work.add_argument("--keep-jobs", type=int, default=10_000, metavar="N", help="finished jobs kept in history")
    work.add_argument("--keep-days", type=float, metavar="DAYS", help="drop finished jobs older than this as well")
    work.add_argument("--grace", type=float, default=20.0, metavar="SECONDS", help="time a running job gets at SIGTERM")
    work.add_argument(
        "--verbose", nargs="?", const="DEBUG", default="INFO", choices=("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
    )
    work.add_argument("--log-format", choices=("text", "json"), default="text", help="lines for people or programs")
    return parser


def parse(arguments: Sequence[str]) -> Settings:
    """Read launch flags.

    Raises:
        SettingsError: naming the flag, what is wrong with it, and the nearest known one.
        SystemExit: with status 0, after printing help.
    """
    flags = _parser().parse_known(arguments)
    if flags.host and flags.listen:
        raise SettingsError("--host and --listen say the same thing; give one of them.")
    if flags.data_dir and flags.base_directory:
        raise SettingsError("--data-dir and --base-directory say the same thing; give one of them.")
    if flags.cache_lru is not None and flags.cache_lru < 0:
        raise SettingsError(f"--cache-lru {flags.cache_lru}: give a number of results from 0 on.")
    if flags.checkpoint_steps < 0:
        raise SettingsError(f"--checkpoint-steps {flags.checkpoint_steps}: give a number of steps, or 0 for none.")
    if flags.max_upload_size <= 0:
        raise SettingsError(f"--max-upload-size {flags.max_upload_size}: give a size in MB above 0.")
    hosts = flags.host or [part.strip() for part in (flags.listen or "127.0.0.1").split(",") if part.strip()]
    front_end = flags.front_end_root
    if front_end is not None and not (front_end / "index.html").is_file():
        raise SettingsError(f"--front-end-root {front_end}: there is no index.html in it. Name a built web client.")
    extra: list[ExtraPath] = []
    files = tuple(file for group in flags.extra_model_paths_config for file in group)
    for file in files:
        extra += read_extra_paths(file)
    return Settings(
        data_dir=flags.data_dir or flags.base_directory or Path("data"),
        hosts=tuple(hosts),
        port=flags.port,
        models_dirs=tuple(flags.models_dir),
        input_dir=flags.input_directory,
        output_dir=flags.output_directory,
        temp_dir=_temp(flags.temp_directory),
        user_dir=flags.user_directory,
        extra_paths=tuple(extra),
        extra_paths_files=files,
        workers=flags.workers,
        cpu=flags.cpu,
        cache=_cache(flags),
        disk_cache=flags.disk_cache,
        memory_limit=flags.memory_limit,
        checkpoint_steps=flags.checkpoint_steps,
        warm_up=not flags.no_warm_up,
        lease_seconds=flags.lease,
        preview_method=flags.preview_method,
        preview_size=flags.preview_size,
        disable_metadata=flags.disable_metadata,
        allow_pickle=flags.allow_pickle,
        disable_custom_nodes=flags.disable_all_custom_nodes,
        whitelist_custom_nodes=tuple(flags.whitelist_custom_nodes),
        front_end_root=front_end,
        cors_origin=flags.enable_cors_header,
        compress=flags.enable_compress_response_body,
        max_upload_bytes=int(flags.max_upload_size * 1024 * 1024),
        multi_user=flags.multi_user,
        hashing=flags.default_hashing_function,
        token=read_token(flags.token),
        insecure=flags.insecure,
        allowed_hosts=tuple(flags.allow_host),
        tls_key=flags.tls_keyfile,
        tls_certificate=flags.tls_certfile,
        database=flags.database,
        grace_seconds=flags.grace,
        keep_jobs=flags.keep_jobs,
        keep_days=flags.keep_days,
        log_level=flags.verbose,
        log_format=flags.log_format,
        arguments=("main.py", *_redacted(arguments)),
    )


def main(arguments: Sequence[str]) -> int:
    """Serve until told to stop; returns the exit status: 0 after a clean end, 2 for a wrong flag, 1 otherwise."""
    try:
        settings = parse(arguments)
    except SettingsError as error:
        print(f"heddle: {error}", file=sys.stderr)  # noqa: T201 - the command's own output
        return USAGE_ERROR
    from server.app import run

    try:
        return run(settings)
    except ServerError as error:
        print(f"heddle: {error}", file=sys.stderr)  # noqa: T201 - the command's own output
        return 1


def _cache(flags: argparse.Namespace) -> CacheSetting:
    if flags.cache_classic:
        return CacheSetting("classic")
    if flags.cache_none:
        return CacheSetting("none")
    if flags.cache_lru is not None:
        return CacheSetting("lru", flags.cache_lru) if flags.cache_lru else CacheSetting("classic")
    return CacheSetting()


def _temp(directory: Path | None) -> Path | None:
    """The established server makes a folder `temp` inside the directory named, and empties only that."""
    return None if directory is None else directory / "temp"


def _redacted(arguments: Sequence[str]) -> list[str]:
    """The command line without its secrets; it is shown by `/system_stats`."""
    shown: list[str] = []
    hide = False
    for argument in arguments:
        if hide:
            shown.append("…")
            hide = False
        elif argument.startswith(("--token=", "--database=")):
            shown.append(argument.split("=", 1)[0] + "=…")
        else:
            hide = argument in ("--token", "--database")
            shown.append(os.fspath(argument))
    return shown
