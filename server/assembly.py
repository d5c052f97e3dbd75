"""The parts of a server put together around a pool: database, dispatcher, hub, routes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from aiohttp import ClientSession, web

from graph_runtime.folders import ExtraFolder, Folders
from graph_runtime.shipped import copy_examples, shipped_models
from server import keys
from server.api import add_api
from server.dispatcher import Dispatcher
from server.feed import Feed
from server.hub.hub import Hub
from server.journal import Journal
from server.leftovers import Leftovers
from server.lock import lock_database
from server.login import add_login
from server.logs import LogBook
from server.middleware import middlewares
from server.packs import Packs
from server.pools.protocol import CataloguePublished, RunEvent, WorkerLog, WorkerLost, WorkerPool, WorkerReady
from server.published import Published
from server.retention import retain
from server.routes import (
    extensions,
    gallery,
    history,
    jobs,
    metrics,
    models,
    object_info,
    pages,
    prompt,
    queue,
    system,
    upload,
    userdata,
    users,
    view,
    websocket,
)
from server.routes.route import add_routes
from server.settings import PROJECT, Settings
from server.store.catalogues import load_catalogue, save_catalogue
from server.store.control import QueueControl
from server.store.database import open_database
from server.store.jobs import JobTable
from server.store.reads import JobReads
from server.store.writer import StoredEvent, Writer
from server.submission import Submissions
from server.user_files import Users
from server.vault import Vault

__all__ = ["Server", "assemble", "folders_of"]

log = logging.getLogger("heddle.server")

_MODULES = (
    prompt, queue, history, jobs, view, upload, object_info, models, extensions, gallery, system, users, userdata,
    websocket, metrics,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Server:
    """A server that works: its application, and the part that is asked to drain."""

    app: web.Application
    dispatcher: Dispatcher


def folders_of(settings: Settings) -> Folders:
    """The folders of these settings; the models that ship are among them."""
    extra = [ExtraFolder(path.key, path.path, path.is_default) for path in settings.extra_paths]
    return Folders(
        settings.data_dir,
        settings.models_dirs,
        settings.input_dir,
        settings.output_dir,
        settings.temp_dir,
        settings.user_dir,
        [*extra, *shipped_models(PROJECT)],
    )


@contextlib.asynccontextmanager
async def assemble(settings: Settings, pool: WorkerPool, logs: LogBook | None = None) -> AsyncIterator[Server]:
    """Open the database, connect the parts, and hand out jobs until the context ends.

    Raises:
        StoreError: if the database cannot be opened.
    """
    logs = logs or LogBook()
    folders = folders_of(settings)
    await asyncio.to_thread(_prepare_folders, folders)
    hub = Hub()
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(lock_database(settings.database_url))
        database = await open_database(settings.database_url)
        stack.push_async_callback(database.close)
        reads = JobReads(database)
        feed = Feed(reads)
        journal = Journal()
        tell: list[Dispatcher] = []

        def committed(events: Sequence[StoredEvent]) -> None:
            journal.note(events)
            for dispatcher in tell:
                dispatcher.committed(events)

        writer = Writer(database, committed)
        await writer.start()
        stack.push_async_callback(writer.close)
        table = JobTable(writer)
        recovered = await table.recover()
        if recovered:
            log.info("%d job(s) were running when the last server ended; they are queued again", recovered)
        leftovers = Leftovers(folders, reads)
        await leftovers.settle_all()
        published, vault = Published(folders), Vault()
        known = await load_catalogue(database)
        if known is not None:
            published.remember(*known)
        dispatcher = Dispatcher(table, pool, hub, feed, leftovers, vault, settings.lease_seconds)
        tell.append(dispatcher)
        feed.start_at(writer.last_seq)
        session = await stack.enter_async_context(ClientSession())
        app = _application(settings)
        app[keys.SETTINGS], app[keys.FOLDERS], app[keys.LOGS] = settings, folders, logs
        app[keys.TABLE], app[keys.READS], app[keys.FEED] = table, reads, feed
        app[keys.CONTROL] = QueueControl(writer, table.turns)
        app[keys.POOL], app[keys.HUB], app[keys.DISPATCHER] = pool, hub, dispatcher
        app[keys.PUBLISHED], app[keys.PACKS] = published, Packs(session)
        app[keys.USERS] = Users(folders.user, settings.multi_user)
        app[keys.SUBMISSIONS] = Submissions(table, published, pool, vault, await table.next_ticket(), dispatcher.expect)
        app[keys.JOURNAL] = journal
        logs.tell(hub.send_logs)
        stack.callback(logs.tell, None)
        await pool.open()
        pump = asyncio.create_task(_pump(pool, dispatcher, published, logs, writer, journal), name="worker events")
        stack.push_async_callback(_end, pump)
        retaining = asyncio.create_task(retain(table, settings), name="drop old history")
        stack.push_async_callback(_end, retaining)
        stack.push_async_callback(pool.close)
        dispatcher.start(await reads.remaining())
        stack.push_async_callback(dispatcher.close)
        stack.callback(feed.close)
        stack.callback(hub.close)
        yield Server(app, dispatcher)
        await dispatcher.drain(0)


async def _pump(
    pool: WorkerPool, dispatcher: Dispatcher, published: Published, logs: LogBook, writer: Writer, journal: Journal
) -> None:
    """Hand what workers say to whom it concerns."""
    async for event in pool.events():
        try:
            match event:
                case CataloguePublished():
                    if published.take(event):
                        await save_catalogue(writer, event.digest, event.entries, event.packs)
                case WorkerReady():
                    published.warm(event)
                case WorkerLog():
                    logs.add(list(event.entries))
                case RunEvent():
                    journal.heard(event.event)
                case WorkerLost():
                    journal.lost_workers += 1
            await dispatcher.take(event)
        except Exception:  # one odd frame must not deafen the server
            log.exception("an event of %s could not be handled", event.worker)


async def _say_goodbye(app: web.Application) -> None:
    """End what would keep connections open."""
    app[keys.FEED].close()
    await app[keys.HUB].say_goodbye()


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _application(settings: Settings) -> web.Application:
    app = web.Application(middlewares=middlewares(settings), client_max_size=settings.max_upload_bytes)
    for module in _MODULES:
        add_routes(app, module.ROUTES)
    add_login(app, settings)
    add_api(app, pages.any_path)
    app.on_shutdown.append(_say_goodbye)
    pages.add_pages(app)
    return app


def _prepare_folders(folders: Folders) -> None:
    """Make the folders, and empty the one for temporary files."""
    shutil.rmtree(folders.temp, ignore_errors=True)
    folders.create()
    copy_examples(PROJECT / "workflows" / "inputs", folders)
