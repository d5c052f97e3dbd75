"""Settings: everything the server is told at launch, in one immutable value."""

from __future__ import annotations

import ipaddress
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from server.errors import SettingsError

__all__ = ["PROJECT", "CacheSetting", "ExtraPath", "Settings"]

PROJECT = Path(__file__).resolve().parent.parent
"""The folder that holds `main.py`, `web/` and `workflows/`."""

PreviewMethod = Literal["none", "auto", "latent2rgb", "taesd"]
CacheMode = Literal["bytes", "classic", "lru", "none"]


@dataclass(frozen=True, slots=True)
class CacheSetting:
    """How workers keep node results: `mode`, and for `lru` how many."""

    mode: CacheMode = "bytes"
    size: int = 0


@dataclass(frozen=True, slots=True)
class ExtraPath:
    """One directory for one model folder key, from an extra model paths file."""

    key: str
    path: Path
    is_default: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """What `serve` was started with; see `server.command` for the flags that fill it."""

    data_dir: Path = field(default_factory=lambda: Path("data"))
    hosts: tuple[str, ...] = ("127.0.0.1",)
    port: int = 8188
    models_dirs: tuple[Path, ...] = ()
    input_dir: Path | None = None
    output_dir: Path | None = None
    temp_dir: Path | None = None
    user_dir: Path | None = None
    extra_paths: tuple[ExtraPath, ...] = ()
    extra_paths_files: tuple[Path, ...] = ()
    workers: int = 1
    cpu: bool = False
    cache: CacheSetting = CacheSetting()
    disk_cache: int | None = None
    memory_limit: int | None = None
    checkpoint_steps: int = 0
    warm_up: bool = True
    lease_seconds: float = 60.0
    preview_method: PreviewMethod = "auto"
    preview_size: int = 512
    disable_metadata: bool = False
    allow_pickle: bool = False
    disable_custom_nodes: bool = False
    whitelist_custom_nodes: tuple[str, ...] = ()
    front_end_root: Path | None = None
    cors_origin: str | None = None
    compress: bool = False
    max_upload_bytes: int = 100 * 1024 * 1024
    multi_user: bool = False
    hashing: str = "sha256"
    token: str | None = None
    insecure: bool = False
    allowed_hosts: tuple[str, ...] = ()
    tls_key: Path | None = None
    tls_certificate: Path | None = None
    database: str | None = None
    grace_seconds: float = 20.0
    keep_jobs: int = 10_000
    keep_days: float | None = None
    log_level: str = "INFO"
    log_format: Literal["text", "json"] = "text"
    arguments: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise SettingsError(f"--port {self.port} is no port. Choose a number from 0 to 65535 (0 = any free one).")
        if self.workers < 1:
            raise SettingsError(f"--workers {self.workers}: at least one worker is needed to run anything.")
        if self.lease_seconds < 1:
            raise SettingsError(f"--lease {self.lease_seconds:g}: an attempt needs a second at least to be heard of.")
        if self.keep_jobs < 0 or (self.keep_days is not None and self.keep_days <= 0):
            raise SettingsError("--keep-jobs and --keep-days say what stays in history; give a positive number.")
        if (self.tls_key is None) != (self.tls_certificate is None):
            raise SettingsError("TLS needs both --tls-keyfile and --tls-certfile; only one was given.")
        exposed = [host for host in self.hosts if not is_loopback(host)]
        if exposed and not self.token and not self.insecure:
            raise SettingsError(
                f"Listening on {', '.join(exposed)} lets other machines run workflows here. "
                "Give a password with --token SECRET, or accept the risk with --insecure."
            )

    @property
    def disk_cache_bytes(self) -> int:
        """Bytes of results kept on disk: as asked; else 10 GiB, but no more than a tenth of what is free.

        Where another way of forgetting results was chosen (`--cache-none`, …), nothing is kept on disk unless asked.
        """
        if self.disk_cache is not None:
            return self.disk_cache
        if self.cache.mode != "bytes":
            return 0
        place = self.data_dir if self.data_dir.exists() else self.data_dir.absolute().parent
        try:
            return min(10 * 1024**3, shutil.disk_usage(place).free // 10)
        except OSError:
            return 0

    @property
    def is_exposed(self) -> bool:
        """Whether other machines can reach the server."""
        return any(not is_loopback(host) for host in self.hosts)

    @property
    def database_url(self) -> str:
        """SQLAlchemy URL of the job database: SQLite in the data folder unless `--database` names another."""
        if self.database is None:
            return f"sqlite+aiosqlite:///{self.data_dir.absolute() / 'heddle.sqlite3'}"
        return self.database


def is_loopback(host: str) -> bool:
    """Whether an address to listen on can be reached from this machine only."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def read_token(value: str | None) -> str | None:
    """The token itself, or the content of a file when written `@FILE`.

    Raises:
        SettingsError: if it is empty or the file cannot be read.
    """
    if value is None:
        value = os.environ.get("HEDDLE_TOKEN")
        if value is None:
            return None
    if value.startswith("@"):
        try:
            value = Path(value[1:]).expanduser().read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingsError(f"--token {value}: the file cannot be read ({error.strerror}).") from error
    if not value.strip():
        raise SettingsError("--token is empty. Give a secret of your own, or @FILE to read it from a file.")
    return value
