"""Serving: addresses, signals, and the way out."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import signal
import ssl
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack

from aiohttp import web

from server import api
from server.assembly import Server, assemble
from server.errors import SettingsError
from server.logs import LogBook, begin_logging
from server.pools.framed import Deadlines, FramedPool
from server.pools.launched import Launched, Launcher
from server.settings import Settings

__all__ = ["serve"]

log = logging.getLogger("heddle.server")

LOAD_API_AFTER = 1.0
"""Seconds after the start at which what only our own API needs is imported, unless a request came before."""


async def serve(settings: Settings, launcher: Launcher, first: Sequence[Launched]) -> int:
    """Serve until SIGTERM or SIGINT; a second one does not wait for running jobs.

    Raises:
        SettingsError: if an address cannot be listened on.
        StoreError: if the database cannot be opened.
    """
    logs = LogBook()
    begin_logging(settings.log_level, logs, settings.log_format)
    pool = FramedPool(launcher, settings.workers, Deadlines.within(settings.lease_seconds), first)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(assemble(settings, pool, logs))
        runner = web.AppRunner(server.app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        ports = await _listen(runner, settings)
        _greet(settings, ports)
        loading = asyncio.create_task(_load_api(), name="load the API")
        stack.callback(loading.cancel)
        await _until_told(server, settings.grace_seconds)
    return 0


async def _load_api() -> None:
    """Bring in our own API once the first requests of waiting clients have been answered."""
    await asyncio.sleep(LOAD_API_AFTER)
    await asyncio.to_thread(api.load)


async def _listen(runner: web.AppRunner, settings: Settings) -> list[tuple[str, int]]:
    """Open every address; the port can be used again at once after the process has ended."""
    context = _tls(settings)
    opened: list[tuple[str, int]] = []
    port = settings.port
    for host in settings.hosts:
        site = web.TCPSite(runner, host, port, ssl_context=context, reuse_address=True, backlog=512)
        try:
            await site.start()
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise SettingsError(
                    f"Port {port} on {host} is in use, perhaps by another server. "
                    f"Stop that one, or choose another port with --port {port + 1}."
                ) from error
            if error.errno == errno.EAFNOSUPPORT and len(settings.hosts) > 1:
                log.info("%s is not available on this machine", host)
                continue
            raise SettingsError(
                f"Cannot listen on {host}, port {port}: {error.strerror or error}. Choose another one."
            ) from error
        bound = runner.addresses[-1]
        port = bound[1] if port == 0 else port
        opened.append((host, port))
    return opened


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if settings.tls_key is None or settings.tls_certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(settings.tls_certificate, settings.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"The TLS key or certificate cannot be used: {error}.") from error
    return context


def _greet(settings: Settings, opened: Sequence[tuple[str, int]]) -> None:
    scheme = "http" if settings.tls_key is None else "https"
    for host, port in opened:
        shown = f"[{host}]" if ":" in host else host
        print(f"Heddle serves at {scheme}://{shown}:{port}", file=sys.stdout, flush=True)  # noqa: T201 - for the terminal


async def _until_told(server: Server, grace: float) -> None:
    """Wait for a signal, then let running jobs end within `grace` seconds or until a second signal."""
    told, told_again = asyncio.Event(), asyncio.Event()

    def tell() -> None:
        (told_again if told.is_set() else told).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, tell)
    await told.wait()
    log.info("stopping; a second signal does not wait for running jobs")
    draining = asyncio.create_task(server.dispatcher.drain(grace))
    hurry = asyncio.create_task(told_again.wait())
    await asyncio.wait([draining, hurry], return_when=asyncio.FIRST_COMPLETED)
    for task in (draining, hurry):
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
