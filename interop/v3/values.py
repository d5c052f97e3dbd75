"""Values of the V3 API that are more than tensors: videos, and names for the rest.

Source: protocol §5.3, §5.7.
"""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any, TypedDict

from interop.errors import NotSupported

__all__ = [
    "AudioInput",
    "File3D",
    "LatentInput",
    "Mesh",
    "VideoCodec",
    "VideoComponents",
    "VideoContainer",
    "VideoFromComponents",
    "VideoFromFile",
    "VideoInput",
    "Voxel",
]


class VideoCodec(enum.StrEnum):
    """How pictures of a video are compressed."""

    AUTO = "auto"
    H264 = "h264"

    @classmethod
    def as_input(cls) -> list[str]:
        """The choices for an input."""
        return [member.value for member in cls]


class VideoContainer(enum.StrEnum):
    """The file format of a video."""

    AUTO = "auto"
    MP4 = "mp4"

    @classmethod
    def as_input(cls) -> list[str]:
        """The choices for an input."""
        return [member.value for member in cls]

    @classmethod
    def get_extension(cls, value: Any) -> str:
        """The extension of a format's files."""
        return "mp4" if cls(value) in (cls.AUTO, cls.MP4) else ""


class AudioInput(TypedDict):
    """Sound: `waveform` float [batch, channels, samples]."""

    waveform: Any
    sample_rate: int


class LatentInput(TypedDict):
    """Latents: `samples` [batch, channels, height, width]."""

    samples: Any


@dataclass
class Mesh:
    """Surfaces: `vertices` float [batch, vertices, 3], `faces` int [batch, faces, 3]."""

    vertices: Any
    faces: Any


@dataclass
class Voxel:
    """Cells in space: `data` [batch, depth, height, width]."""

    data: Any


@dataclass
class File3D:
    """A file with a model in space.

    Args:
        source: its path, or what is in it.
        file_format: "glb", "obj", …; found from the path where it is empty.
    """

    source: Any
    file_format: str = ""

    @property
    def format(self) -> str:
        """The format, in small letters."""
        named = isinstance(self.source, str | Path) and not self.file_format
        return (Path(self.source).suffix if named else self.file_format).lstrip(".").lower()

    @property
    def is_disk_backed(self) -> bool:
        """Whether it lies on disk."""
        return isinstance(self.source, str | Path)

    def get_data(self) -> BytesIO:
        """What is in it, from its beginning."""
        if isinstance(self.source, str | Path):
            return BytesIO(Path(self.source).read_bytes())
        self.source.seek(0)
        return BytesIO(self.source.read())

    def get_source(self) -> Any:
        """Its path, or a stream at its beginning."""
        return self.source if self.is_disk_backed else self.get_data()

    def save_to(self, path: str) -> str:
        """Write it; returns the path."""
        Path(path).write_bytes(self.get_data().getvalue())
        return path


@dataclass
class VideoComponents:
    """What a video consists of: pictures [frames, height, width, 3], sound, frames per second."""

    images: Any
    frame_rate: Fraction
    audio: Any = None
    metadata: dict[str, Any] | None = None


class VideoInput(ABC):
    """A video."""

    @abstractmethod
    def get_components(self) -> VideoComponents:
        """Its pictures and sound."""

    @abstractmethod
    def save_to(
        self, path: Any, format: Any = VideoContainer.AUTO, codec: Any = VideoCodec.AUTO, metadata: Any = None
    ) -> None:
        """Write it as a file."""

    def get_stream_source(self) -> Any:
        """The file it comes from."""
        raise NotSupported("VideoInput.get_stream_source", "asked of a video that is no file")

    def get_dimensions(self) -> tuple[int, int]:
        """Width and height."""
        images = self.get_components().images
        return int(images.shape[2]), int(images.shape[1])

    def get_duration(self) -> float:
        """Seconds."""
        parts = self.get_components()
        return float(parts.images.shape[0] / parts.frame_rate)

    def get_container_format(self) -> str:
        """The file format."""
        return "mp4"


class VideoFromComponents(VideoInput):
    """A video of pictures in memory."""

    def __init__(self, components: VideoComponents) -> None:
        self._components = components

    def get_components(self) -> VideoComponents:
        """Its pictures and sound."""
        return self._components

    def save_to(
        self, path: Any, format: Any = VideoContainer.AUTO, codec: Any = VideoCodec.AUTO, metadata: Any = None
    ) -> None:
        """Refused: this engine encodes no video.

        Raises:
            NotSupported: always.
        """
        raise NotSupported("VideoFromComponents.save_to", "called", "Save the frames as pictures instead.")


class VideoFromFile(VideoInput):
    """A video file; it can be passed on and copied, not decoded."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def get_stream_source(self) -> Any:
        """The path or open file."""
        return self._file

    def get_components(self) -> VideoComponents:
        """Refused: this engine decodes no video.

        Raises:
            NotSupported: always.
        """
        raise NotSupported("VideoFromFile.get_components", "called", "Load the frames as pictures instead.")

    def save_to(
        self, path: Any, format: Any = VideoContainer.AUTO, codec: Any = VideoCodec.AUTO, metadata: Any = None
    ) -> None:
        """Copy the file as it is; other formats and codecs are refused.

        Raises:
            NotSupported: if it would have to be encoded anew.
        """
        if codec != VideoCodec.AUTO or format != VideoContainer.AUTO:
            raise NotSupported("VideoFromFile.save_to", "asked to encode", "Leave format and codec at 'auto'.")
        data = Path(self._file).read_bytes() if isinstance(self._file, str | Path) else self._file.getvalue()
        Path(path).write_bytes(data)
