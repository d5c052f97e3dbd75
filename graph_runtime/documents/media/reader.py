"""Finds the texts that a media file carries, whatever its kind."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from graph_runtime.documents.errors import InvalidDocument, UnreadableDocument
from graph_runtime.documents.media import containers, images, models, sounds
from graph_runtime.documents.parameters import parameters_prompt
from graph_runtime.documents.reading import read_json

PREFERRED: Final = ("workflow", "prompt", "parameters")


@dataclass(frozen=True, slots=True)
class Embedded:
    """The texts of one file by key: `workflow`, `prompt`, `parameters`, and whatever else was stored.

    Attributes:
        kind: what the file is, e.g. `PNG`.
        texts: key → text, JSON where other programs wrote JSON.
    """

    kind: str
    texts: Mapping[str, str]

    def workflow_data(self) -> Any:
        """The best workflow in the file, as plain data for `load`: `workflow`, else `prompt`, else `parameters`.

        A workflow that cannot be read is passed over if there is another, and so is an empty one, which programs write
        that know no saved document.

        Raises:
            UnreadableDocument: if there is none, or none of them can be read.
        """
        first: InvalidDocument | None = None
        for key in PREFERRED:
            text = self.texts.get(key)
            if not text:
                continue
            try:
                data = parameters_prompt(text) if key == "parameters" else _tolerant(text)
            except InvalidDocument as error:
                first = first or error
                continue
            if isinstance(data, Mapping) and data:
                return data
        if first is not None:
            raise first
        raise UnreadableDocument(
            f"This {self.kind} file carries no workflow.",
            "Pictures lose it when they are edited or sent through a messenger; open the original file.",
            code="no_workflow",
        )


def _tolerant(text: str) -> Any:
    """Embedded JSON: NaN in a prompt's change tokens is dropped with them; JSON inside a JSON text is opened."""
    data = read_json(text)
    if isinstance(data, str):
        data = read_json(data)
    if isinstance(data, dict):
        for node in data.values():
            if isinstance(node, dict) and "class_type" in node:
                node.pop("is_changed", None)
    return data


_KINDS: Final[tuple[tuple[str, Callable[[bytes], bool], Callable[[bytes], dict[str, str]]], ...]] = (
    ("PNG", lambda data: data.startswith(images.PNG_SIGNATURE), images.read_png),
    ("WEBP", lambda data: data[:4] == b"RIFF" and data[8:12] == b"WEBP", images.read_webp),
    ("JPEG", lambda data: data[:3] == b"\xff\xd8\xff", images.read_jpeg),
    ("FLAC", lambda data: data[:4] == b"fLaC", sounds.read_flac),
    ("Ogg", lambda data: data[:4] == b"OggS", sounds.read_ogg),
    ("MP3", lambda data: data[:3] == b"ID3", sounds.read_mp3),
    ("MP4", lambda data: data[4:8] == b"ftyp", containers.read_mp4),
    ("WebM", lambda data: data[:4] == b"\x1a\x45\xdf\xa3", containers.read_webm),
    ("GLB", lambda data: data[:4] == b"glTF", models.read_glb),
    ("SVG", models.is_svg, models.read_svg),
    ("JSON", models.is_json, models.read_json_text),
    ("safetensors", models.is_safetensors, models.read_safetensors),
)


def read_media(data: bytes) -> Embedded:
    """The texts that a file carries.

    Reads PNG (also animated), WEBP, JPEG, FLAC, Ogg, MP3, MP4, WebM, SVG, GLB, safetensors and `.latent`, and
    plain JSON (as `workflow`). A file that breaks off gives what was found before the break.

    Raises:
        UnreadableDocument: if the file is of none of these kinds.
    """
    for kind, fits, read in _KINDS:
        if fits(data):
            try:
                return Embedded(kind, read(data))
            except (IndexError, ValueError, KeyError, struct.error) as error:
                raise UnreadableDocument(
                    f"The {kind} file is damaged: {error}.", "Open another copy of it.", code="damaged_file"
                ) from error
    start = data[:8].hex(" ") or "nothing"
    raise UnreadableDocument(
        f"This is no file that can carry a workflow; it begins with {start}.",
        "Open JSON, PNG, WEBP, JPEG, FLAC, MP3, Ogg, MP4, WebM, SVG, GLB or safetensors.",
        code="unknown_file",
    )
