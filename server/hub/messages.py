"""What is sent to editors: texts of JSON and binary pictures, encoded once however many sockets get them."""

from __future__ import annotations

import struct
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from graph_runtime.json_text import json_text

__all__ = ["Message", "binary", "message_of_pack", "preview", "preview_with_metadata", "text", "text_on_node"]

IMAGE_TYPES = {"JPEG": 1, "PNG": 2}


@dataclass(frozen=True, slots=True)
class Message:
    """One websocket message.

    Attributes:
        payload: its bytes.
        is_text: text or binary.
        key: a later message with the same key may take its place while it waits; None: never.
        only: which sockets get it: all, or those that did (`metadata`) or did not (`plain`) negotiate previews with
            metadata.
    """

    payload: bytes = field(repr=False)
    is_text: bool = True
    key: Hashable | None = None
    only: Literal["all", "metadata", "plain"] = "all"


def text(kind: str, data: Mapping[str, Any], key: Hashable | None = None) -> Message:
    """`{"type": kind, "data": data}`."""
    return Message(json_text({"type": kind, "data": data}).encode("ascii"), True, key)


def binary(code: int, payload: bytes, key: Hashable | None = None) -> Message:
    """A big-endian event code, then the payload."""
    return Message(struct.pack(">I", code) + payload, False, key)


def preview(image_format: str, image: bytes, key: Hashable | None = None) -> Message:
    """Code 1: the kind of picture, then the picture; for sockets that negotiated nothing."""
    payload = struct.pack(">II", 1, IMAGE_TYPES[image_format]) + image
    return Message(payload, False, key, "plain")


def preview_with_metadata(
    metadata: Mapping[str, Any], image_format: str, image: bytes, key: Hashable | None = None
) -> Message:
    """Code 4: length of the metadata, metadata, picture; for sockets that negotiated it."""
    header = json_text({**metadata, "image_type": f"image/{image_format.lower()}"}).encode()
    return Message(struct.pack(">II", 4, len(header)) + header + image, False, key, "metadata")


def text_on_node(node: str, words: str, key: Hashable | None = None) -> Message:
    """Code 3: a text to show on a node."""
    name = node.encode()
    return binary(3, struct.pack(">I", len(name)) + name + words.encode(), key)


def message_of_pack(event: Mapping[str, Any], blob: bytes) -> Message:
    """What a pack sends: JSON under a name, or bytes under a number (protocol §5.4)."""
    kind = event["type"]
    return binary(kind, blob) if isinstance(kind, int) else text(kind, event["data"])
