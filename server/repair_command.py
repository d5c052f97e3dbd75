"""`main.py repair`: find and mend what does not fit together in a data folder and its job database."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from server.assembly import folders_of
from server.errors import ServerError, SettingsError
from server.lock import lock_data_folder, lock_database
from server.repair import Repair
from server.settings import Settings
from server.store.database import open_database
from server.store.writer import Writer

__all__ = ["main"]


def main(arguments: Sequence[str]) -> int:
    """Mend; returns the exit status: 0 when all fits together now, 1 when something is left, 2 for a wrong flag."""
    chosen = _parser().parse_args(list(arguments))
    settings = Settings(
        data_dir=chosen.data_dir, output_dir=chosen.output_directory, temp_dir=_temp(chosen), database=chosen.database
    )
    try:
        _check(settings)
        with lock_data_folder(settings.data_dir), lock_database(settings.database_url):
            return asyncio.run(_repair(settings, chosen.dry_run))
    except ServerError as error:
        print(f"heddle: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="main.py repair", description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=Path("data"), metavar="DIR", help="as given to serve")
    parser.add_argument("--database", metavar="URL", help="as given to serve")
    parser.add_argument("--output-directory", type=Path, metavar="DIR", help="as given to serve")
    parser.add_argument("--temp-directory", type=Path, metavar="DIR", help="as given to serve")
    parser.add_argument("--dry-run", action="store_true", help="only say what was found")
    return parser


def _check(settings: Settings) -> None:
    """Refuse to make what is not there: an empty folder or database needs no repair.

    Raises:
        SettingsError: naming what is missing.
    """
    if not settings.data_dir.is_dir():
        raise SettingsError(f"There is no data folder {settings.data_dir}. Name it with --data-dir.")
    kind, _, path = settings.database_url.partition(":///")
    if kind.startswith("sqlite") and not Path(path).is_file():
        raise SettingsError(f"There is no job database {path}. Name it with --database, or its folder with --data-dir.")


def _temp(chosen: argparse.Namespace) -> Path | None:
    return None if chosen.temp_directory is None else chosen.temp_directory / "temp"


async def _repair(settings: Settings, only_look: bool) -> int:
    database = await open_database(settings.database_url)
    writer = Writer(database, lambda events: None)
    await writer.start()
    left = found = 0
    try:
        async for finding in Repair(folders_of(settings), database, writer, only_look).run():
            found += 1
            left += only_look or finding.mend is None
            done = "To do" if only_look else "Done"
            print(f"{finding.what} {f'{done}: {finding.mend}' if finding.mend else 'Look at it yourself'}.")
    finally:
        await writer.close()
        await database.close()
    print("Files and jobs fit together." if not found else f"{found} finding(s), {left} left.")
    return 1 if left else 0
