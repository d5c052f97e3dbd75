"""Where a text encoder's vocabulary comes from.

A file that carries its own is served first; then `models/tokenizers/`, an installed open_clip package, and the Hugging
Face cache, in this order. Nothing is fetched from the network.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

from diffusion.errors import TokenizerMissing

CLIP_REPOSITORY = "openai/clip-vit-large-patch14"
T5_REPOSITORY = "google-t5/t5-base"  # the same pieces as T5 1.1, which has no tokenizer.json


class Tokenizer(Protocol):
    """Text to token ids, without start and end."""

    def __call__(self, text: str) -> list[int]: ...


class ClipTokenizer:
    """CLIP's byte-pair encoding.

    Args:
        vocabulary: token → id.
        merges: pairs in the order in which they apply.
    """

    def __init__(self, vocabulary: dict[str, int], merges: Iterable[Sequence[str]]) -> None:
        from transformers import CLIPTokenizer

        pairs = [(str(a), str(b)) for a, b in merges]
        self._tokenizer: Any = CLIPTokenizer(vocab=vocabulary, merges=pairs)
        self.start, self.end = vocabulary["<|startoftext|>"], vocabulary["<|endoftext|>"]
        self.words = {index: token for token, index in vocabulary.items()}

    def __call__(self, text: str) -> list[int]:
        return list(self._tokenizer(text, verbose=False)["input_ids"])[1:-1]


class T5Tokenizer:
    """T5's sentence pieces, from a `tokenizer.json`."""

    def __init__(self, path: Path) -> None:
        import tokenizers

        self._tokenizer = tokenizers.Tokenizer.from_file(str(path))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    def __call__(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)


def carried_clip(text: str) -> ClipTokenizer:
    """The tokenizer a model file carries in its metadata (`heddle.tokenizer`)."""
    data = json.loads(text)
    return ClipTokenizer(data["vocab"], [line.split(" ") for line in data["merges"]])


def find_clip(folders: Sequence[Path]) -> ClipTokenizer:
    """CLIP's own vocabulary.

    Args:
        folders: `tokenizers` folders to search first.
    Raises:
        TokenizerMissing: naming every place that was searched.
    """
    for folder in _with_children(folders):
        if (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file():
            return _from_folder(folder / "vocab.json", folder / "merges.txt")
    package = importlib.util.find_spec("open_clip")
    for place in (package.submodule_search_locations or []) if package else []:
        archive = Path(place) / "bpe_simple_vocab_16e6.txt.gz"
        if archive.is_file():
            return _from_open_clip(archive)
    cached = [_from_cache(CLIP_REPOSITORY, name) for name in ("vocab.json", "merges.txt")]
    if cached[0] and cached[1]:
        return _from_folder(cached[0], cached[1])
    raise TokenizerMissing(
        "CLIP's vocabulary was not found. Put vocab.json and merges.txt into "
        f"{_named(folders, 'models/tokenizers/clip/')}, or install the package open_clip_torch, or have "
        f"'{CLIP_REPOSITORY}' in the Hugging Face cache (python main.py models pull {CLIP_REPOSITORY})."
    )


def find_t5(folders: Sequence[Path]) -> T5Tokenizer:
    """T5's own vocabulary.

    Raises:
        TokenizerMissing: naming every place that was searched.
    """
    for folder in _with_children(folders):
        named = "t5" in folder.name.lower() or (folder / "spiece.model").is_file()
        if named and (folder / "tokenizer.json").is_file():
            return T5Tokenizer(folder / "tokenizer.json")
    cached = _from_cache(T5_REPOSITORY, "tokenizer.json")
    if cached:
        return T5Tokenizer(cached)
    raise TokenizerMissing(
        f"T5's vocabulary was not found. Put its tokenizer.json into {_named(folders, 'models/tokenizers/t5/')}, "
        f"or have '{T5_REPOSITORY}' in the Hugging Face cache (python main.py models pull {T5_REPOSITORY})."
    )


def folders_near(path: Path) -> list[Path]:
    """`tokenizers` folders beside the folders a model file lies in."""
    return [parent / "tokenizers" for parent in path.absolute().parents[:4] if (parent / "tokenizers").is_dir()]


def _with_children(folders: Sequence[Path]) -> list[Path]:
    found = []
    for folder in folders:
        if folder.is_dir():
            found += [folder, *sorted(child for child in folder.iterdir() if child.is_dir())]
    return found


def _named(folders: Sequence[Path], default: str) -> str:
    return " or ".join(f"'{folder}'" for folder in folders) or f"'{default}'"


def _from_folder(vocabulary: Path, merges: Path) -> ClipTokenizer:
    lines = merges.read_text(encoding="utf-8").split("\n")
    pairs = [line.split(" ") for line in lines if line and not line.startswith("#version")]
    return ClipTokenizer(json.loads(vocabulary.read_text(encoding="utf-8")), pairs)


def _from_open_clip(archive: Path) -> ClipTokenizer:
    lines = gzip.decompress(archive.read_bytes()).decode("utf-8").split("\n")
    pairs = [line.split() for line in lines[1 : 49152 - 256 - 2 + 1]]
    characters = byte_characters()
    tokens = [
        *characters,
        *(c + "</w>" for c in characters),
        *("".join(p) for p in pairs),
        "<|startoftext|>",
        "<|endoftext|>",
    ]
    return ClipTokenizer({token: index for index, token in enumerate(tokens)}, pairs)


def byte_characters() -> list[str]:
    """The 256 characters that stand for bytes, in CLIP's order. Source: Radford et al. 2019 (GPT-2)."""
    shown = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    hidden = 256 - len(shown)
    return [*(chr(code) for code in shown), *(chr(256 + extra) for extra in range(hidden))]


def _from_cache(repository: str, name: str) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(repository, name)
    return Path(found) if isinstance(found, str) else None


__all__ = [
    "CLIP_REPOSITORY", "T5_REPOSITORY", "ClipTokenizer", "T5Tokenizer", "Tokenizer", "byte_characters",
    "carried_clip", "find_clip", "find_t5", "folders_near",
]  # fmt: skip
