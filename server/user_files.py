"""Users and their files: settings and whatever editors keep under their name. Blocking; call in a thread.

Every path is confined to the user's folder, symbolic links included, and every file is written whole or not at all.
"""

from __future__ import annotations

import json
import logging
import re
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from graph_runtime.folders import confine
from server.files import write_file

__all__ = ["DEFAULT_USER", "UnknownUser", "Users"]

log = logging.getLogger("heddle.users")

DEFAULT_USER = "default"
_SETTINGS_FILE = "comfy.settings.json"
_USERS_FILE = "users.json"


class UnknownUser(LookupError):
    """A user id that nobody has."""


class DuplicateUser(ValueError):
    """A user name that somebody has already."""


class Users:
    """The user folder.

    Args:
        root: holds one folder a user.
        multi: whether there are several users, chosen by request header.
    """

    def __init__(self, root: Path, multi: bool) -> None:
        self.root = root
        self.multi = multi
        self._lock = threading.Lock()

    def names(self) -> dict[str, str]:
        """User id → name."""
        known = self._read(self.root / _USERS_FILE)
        return {str(key): str(value) for key, value in known.items()}

    def add(self, name: str) -> str:
        """Make a user and return the id.

        Raises:
            DuplicateUser: if the name is taken.
            ValueError: if the name is empty.
        """
        clean = re.sub(r"[^a-zA-Z0-9-_]+", "-", name).strip()
        if not clean:
            raise ValueError("The user name is empty.")
        with self._lock:
            known = self.names()
            if name in known.values():
                raise DuplicateUser("Duplicate username.")
            user = f"{clean}_{uuid.uuid4()}"
            write_file(self.root / _USERS_FILE, json.dumps({**known, user: name}).encode())
        (self.root / user).mkdir(parents=True, exist_ok=True)
        return user

    def folder(self, user: str | None) -> Path:
        """The folder of a user; without `multi` there is only one user.

        Raises:
            UnknownUser: if nobody has this id.
        """
        if not self.multi:
            return self.root / DEFAULT_USER
        if user is None or user not in self.names():
            raise UnknownUser(f"There is no user {user!r}. Choose one of /users, or make one.")
        return confine(self.root, user)

    def settings(self, user: str | None) -> dict[str, Any]:
        """Settings of a user; empty when there are none or the file is damaged."""
        return self._read(self.folder(user) / _SETTINGS_FILE)

    def change_settings(self, user: str | None, change: Callable[[dict[str, Any]], None]) -> None:
        """Change settings and store them."""
        folder = self.folder(user)
        with self._lock:
            settings = self._read(folder / _SETTINGS_FILE)
            change(settings)
            write_file(folder / _SETTINGS_FILE, json.dumps(settings, indent=4).encode())

    def _read(self, path: Path) -> dict[str, Any]:
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as error:
            log.error("%s cannot be read and counts as empty: %s", path, error)
            return {}
        return data if isinstance(data, dict) else {}
