"""Typed keys of the application's parts; handlers reach everything through these."""

from __future__ import annotations

from aiohttp import web

from graph_runtime.folders import Folders
from server.dispatcher import Dispatcher
from server.feed import Feed
from server.hub.hub import Hub
from server.journal import Journal
from server.logs import LogBook
from server.packs import Packs
from server.pools.protocol import WorkerPool
from server.published import Published
from server.settings import Settings
from server.store.control import QueueControl
from server.store.jobs import JobTable
from server.store.reads import JobReads
from server.submission import Submissions
from server.user_files import Users

__all__ = [
    "CONTROL", "DISPATCHER", "FEED", "FOLDERS", "HUB", "JOURNAL", "LOGS", "PACKS", "POOL", "PUBLISHED", "READS",
    "SETTINGS", "SUBMISSIONS", "TABLE", "USERS",
]  # fmt: skip

SETTINGS = web.AppKey("settings", Settings)
FOLDERS = web.AppKey("folders", Folders)
TABLE = web.AppKey("table", JobTable)
CONTROL = web.AppKey("control", QueueControl)
READS = web.AppKey("reads", JobReads)
POOL: web.AppKey[WorkerPool] = web.AppKey("pool", WorkerPool)
HUB = web.AppKey("hub", Hub)
FEED = web.AppKey("feed", Feed)
DISPATCHER = web.AppKey("dispatcher", Dispatcher)
PUBLISHED = web.AppKey("published", Published)
SUBMISSIONS = web.AppKey("submissions", Submissions)
USERS = web.AppKey("users", Users)
JOURNAL = web.AppKey("journal", Journal)
LOGS = web.AppKey("logs", LogBook)
PACKS = web.AppKey("packs", Packs)
