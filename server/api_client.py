"""A small client of our own API, for commands that talk to a server which runs already."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from server.errors import ServerError

__all__ = ["ApiClient", "NotAnswered"]

SECONDS = 30.0


class NotAnswered(ServerError):
    """The server does not answer, or refuses; says why and what to do."""


class ApiClient:
    """Asks the server at an address.

    Args:
        address: such as `http://127.0.0.1:8188`.
        token: the server's password, if it has one.
    """

    def __init__(self, address: str, token: str | None = None) -> None:
        self._address = address.rstrip("/") if "://" in address else f"http://{address.rstrip('/')}"
        self._token = token

    def get(self, path: str, **query: Any) -> Any:
        """GET below /api/v1; query parameters that are None are left out."""
        given = {key: value for key, value in query.items() if value is not None}
        return self._ask("GET", f"{path}?{urllib.parse.urlencode(given)}" if given else path)

    def post(self, path: str, body: Any = None) -> Any:
        """POST below /api/v1."""
        return self._ask("POST", path, body)

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Accept": "application/json"}
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body).encode()
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        try:
            request = urllib.request.Request(f"{self._address}/api/v1{path}", data, headers, method=method)
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                raise NotAnswered(_refusal(error.status or 0, error.read())) from None
        except (OSError, ValueError) as error:
            raise NotAnswered(self._unreachable(error)) from None

    def _unreachable(self, error: Exception) -> str:
        reason = getattr(error, "reason", error)
        if isinstance(reason, ssl.SSLError):
            todo = "Name the server as https://… if it uses TLS, with a certificate that this machine trusts."
        elif isinstance(error, json.JSONDecodeError):
            return f"What answers at {self._address} is no Heddle server. Name another address with --server."
        else:
            todo = "Start one with `main.py serve`, or name another address with --server."
        return f"No server answers at {self._address}: {getattr(reason, 'strerror', None) or reason}. {todo}"


def _refusal(status: int, body: bytes) -> str:
    """What the server says, in one text."""
    try:
        problems = json.loads(body)["problems"]
        texts = [f"{problem['what']} {problem.get('fix') or ''}".strip() for problem in problems]
    except (ValueError, KeyError, TypeError):
        texts = []
    if status == 401:
        texts = texts or ["The server asks for its password."]
        texts.append("Give it with --token SECRET, or in the environment as HEDDLE_TOKEN.")
    return " ".join(texts) or f"The server answered with status {status}."
