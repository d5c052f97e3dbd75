"""`main.py models`: what models there are, and fetching one from the Hugging Face hub.

Nothing else in the project uses the network on its own.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from diffusion.text.vocabulary import CLIP_REPOSITORY, T5_REPOSITORY
from graph_runtime.folders import Folders, UnknownFolder, UnsafePath, confine

__all__ = ["main"]

VOCABULARIES = {CLIP_REPOSITORY: ("vocab.json", "merges.txt"), T5_REPOSITORY: ("tokenizer.json",)}
"""Files of repositories that are fetched for their vocabulary alone, into the hub's own cache."""
SAFE = ("*.json", "*.txt", "*.safetensors", "*.model")
"""What a whole pipeline is made of; pickle files, which could run programs, are left behind."""


def main(argv: Sequence[str]) -> int:
    """Parse the command line of `models` and run it; return the exit status."""
    chosen = _parser().parse_args(argv)
    folders = Folders(chosen.data_dir)
    try:
        return int(chosen.run(chosen, folders))
    except (UnknownFolder, UnsafePath) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1


def _parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--data-dir", type=Path, default=Path("data"), help="where models/ lies (default: data)")
    parser = argparse.ArgumentParser(prog="main.py models", description=__doc__)
    commands = parser.add_subparsers(required=True)
    listing = commands.add_parser("list", parents=[shared], help="name the models that are there, by folder")
    listing.add_argument("folder", nargs="?", help="only this folder")
    listing.set_defaults(run=_list)
    pull = commands.add_parser("pull", parents=[shared], help="fetch a model from the Hugging Face hub")
    pull.add_argument("repository", help="OWNER/NAME on the hub")
    pull.add_argument("file", nargs="*", help="files of it; without any, the whole pipeline or vocabulary")
    pull.add_argument("--to", default="checkpoints", metavar="FOLDER", help="model folder (default: checkpoints)")
    pull.add_argument("--revision", help="branch, tag or commit (default: the newest)")
    pull.set_defaults(run=_pull)
    return parser


def _list(chosen: argparse.Namespace, folders: Folders) -> int:
    for key in [chosen.folder] if chosen.folder else folders.keys:
        for name in folders.names(key):
            sys.stdout.write(f"{key}/{name}\n")
    return 0


def _pull(chosen: argparse.Namespace, folders: Folders) -> int:
    from huggingface_hub.errors import HFValidationError, HTTPError, LocalEntryNotFoundError

    try:
        for path in _fetched(chosen, folders):
            sys.stdout.write(f"{path}\n")
    except HFValidationError as error:
        sys.stderr.write(f"error: '{chosen.repository}' is no name of a repository: {error}\n")
        return 1
    except (LocalEntryNotFoundError, HTTPError, OSError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        sys.stderr.write(
            f"error: '{chosen.repository}' could not be fetched: {first} Check the name and the connection; private "
            "and gated repositories need a token (hf auth login).\n"
        )
        return 1
    return 0


def _fetched(chosen: argparse.Namespace, folders: Folders) -> list[Path]:
    """Fetch what was asked for; where it lies now."""
    from huggingface_hub import hf_hub_download, snapshot_download

    repository, revision = chosen.repository, chosen.revision
    if repository in VOCABULARIES and not chosen.file:
        return [Path(hf_hub_download(repository, name, revision=revision)) for name in VOCABULARIES[repository]]
    target = folders.model_dirs(chosen.to)[0]
    if chosen.file:
        for name in chosen.file:
            confine(target, name)
        return [Path(hf_hub_download(repository, name, revision=revision, local_dir=target)) for name in chosen.file]
    target = confine(target, repository.replace("/", "--"))
    return [Path(snapshot_download(repository, revision=revision, local_dir=target, allow_patterns=list(SAFE)))]
