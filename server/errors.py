"""What can go wrong in the server.

    ServerError
    ├── SettingsError      a launch flag or a folder that cannot be used
    ├── StoreError         the job database cannot be opened or is another version's
    ├── NoWorker           nothing can answer: no worker process is alive
    └── Refused            a request that is answered with an HTTP status and a JSON error body

Each message says what happened, where, and what to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["NoWorker", "Refused", "ServerError", "SettingsError", "StoreError"]


class ServerError(Exception):
    """Base of every error that the server raises on purpose."""


class SettingsError(ServerError):
    """A launch flag, an address or a folder that cannot be used."""


class StoreError(ServerError):
    """The job database cannot be opened, or was written by another version."""


class NoWorker(ServerError):
    """No worker process is alive to answer; one is being started."""


class Refused(ServerError):
    """A request answered with an error status.

    Args:
        status: the HTTP status.
        code: a short name for programs.
        what: what is wrong, for people.
        fix: what to do about it.
        headers: headers of the answer.
        extra: further keys of the JSON body.
    """

    def __init__(
        self,
        status: int,
        code: str,
        what: str,
        fix: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(f"{what} {fix}".strip())
        self.status = status
        self.code = code
        self.what = what
        self.fix = fix
        self.headers = dict(headers or {})
        self.extra = extra
