"""What V3 nodes show: saved pictures and sounds, texts.

Source: protocol §5.3.
"""

from __future__ import annotations

import io
import wave
from collections.abc import Mapping, Sequence
from typing import Any

from interop import saving
from interop.v3.widgets import FolderType

__all__ = [
    "AudioSaveHelper",
    "ImageSaveHelper",
    "PreviewAudio",
    "PreviewImage",
    "PreviewMask",
    "PreviewText",
    "PreviewUI3D",
    "PreviewVideo",
    "SavedAudios",
    "SavedImages",
    "SavedResult",
]


class SavedResult(dict):  # type: ignore[type-arg]
    """Where a file is, as clients take it."""

    def __init__(self, filename: str, subfolder: str, type: Any) -> None:
        super().__init__(filename=filename, subfolder=subfolder, type=getattr(type, "value", type))

    @property
    def filename(self) -> str:
        """The file's name."""
        return str(self["filename"])

    @property
    def subfolder(self) -> str:
        """The folder below the root."""
        return str(self["subfolder"])

    @property
    def type(self) -> FolderType:
        """The root."""
        return FolderType(self["type"])


class _Shown:
    """Something a node shows under one key."""

    key = "images"
    animated: tuple[bool, ...] | None = None

    def __init__(self, values: Sequence[Any], **kwargs: Any) -> None:
        self.values = list(values)

    def as_dict(self) -> dict[str, Any]:
        """The established `ui` entries."""
        extra = {} if self.animated is None else {"animated": self.animated}
        return {self.key: self.values, **extra}


class SavedImages(_Shown):
    """Pictures that were saved."""

    def __init__(self, results: Sequence[SavedResult], is_animated: bool = False) -> None:
        super().__init__(results)
        self.results = self.values
        self.animated = (True,) if is_animated else None


class SavedAudios(_Shown):
    """Sounds that were saved."""

    key = "audio"

    def __init__(self, results: Sequence[SavedResult]) -> None:
        super().__init__(results)
        self.results = self.values


def _chunks(cls: Any) -> dict[str, str]:
    """The texts for a saved picture, from the hidden values of the class that saves it."""
    hidden = getattr(cls, "hidden", None)
    return {} if hidden is None else saving.texts(hidden.prompt, hidden.extra_pnginfo)


def _random_prefix() -> str:
    import secrets
    import string

    return "ComfyUI_temp_" + "".join(secrets.choice(string.ascii_lowercase) for _ in range(5))


class ImageSaveHelper:
    """Saves pictures."""

    @staticmethod
    def save_images(
        images: Any, filename_prefix: str, folder_type: Any, cls: Any, compress_level: int = 4
    ) -> list[SavedResult]:
        """Write each image of a batch as a PNG file."""
        folder = FolderType(folder_type).value
        saved = saving.save_pictures(
            images, filename_prefix, folder=folder, chunks=_chunks(cls), compress_level=compress_level
        )
        return [SavedResult(item.filename, item.subfolder, item.type) for item in saved]

    @staticmethod
    def get_save_images_ui(images: Any, filename_prefix: str, cls: Any, compress_level: int = 4) -> SavedImages:
        """Write into the output folder, and show."""
        return SavedImages(ImageSaveHelper.save_images(images, filename_prefix, FolderType.output, cls, compress_level))

    @staticmethod
    def save_animated_png(
        images: Any, filename_prefix: str, folder_type: Any, cls: Any, fps: float, compress_level: int
    ) -> SavedResult:
        """Write a batch as one animated PNG file."""
        return _animation(
            images, filename_prefix, folder_type, "PNG", {"compress_level": compress_level, "duration": int(1000 / fps)}
        )

    @staticmethod
    def get_save_animated_png_ui(
        images: Any, filename_prefix: str, cls: Any, fps: float, compress_level: int
    ) -> SavedImages:
        """Write into the output folder, and show."""
        helper = ImageSaveHelper.save_animated_png
        return SavedImages([helper(images, filename_prefix, FolderType.output, cls, fps, compress_level)], True)

    @staticmethod
    def save_animated_webp(
        images: Any,
        filename_prefix: str,
        folder_type: Any,
        cls: Any,
        fps: float,
        lossless: bool,
        quality: int,
        method: int,
    ) -> SavedResult:
        """Write a batch as one animated WebP file."""
        options = {"duration": int(1000 / fps), "lossless": lossless, "quality": quality, "method": method}
        return _animation(images, filename_prefix, folder_type, "WEBP", options)

    @staticmethod
    def get_save_animated_webp_ui(
        images: Any, filename_prefix: str, cls: Any, fps: float, lossless: bool, quality: int, method: int
    ) -> SavedImages:
        """Write into the output folder, and show."""
        helper = ImageSaveHelper.save_animated_webp
        saved = helper(images, filename_prefix, FolderType.output, cls, fps, lossless, quality, method)
        return SavedImages([saved], True)


def _animation(images: Any, prefix: str, folder_type: Any, kind: str, options: Mapping[str, Any]) -> SavedResult:
    from PIL import Image

    from nodes.pictures import to_bytes

    frames = [Image.fromarray(to_bytes(image)) for image in images]
    buffer = io.BytesIO()
    frames[0].save(buffer, kind, save_all=True, append_images=frames[1:], **options)
    saved = saving.files().write(
        prefix,
        f".{kind.lower()}",
        buffer.getvalue(),
        folder=FolderType(folder_type).value,
        width=frames[0].width,
        height=frames[0].height,
    )
    return SavedResult(saved.filename, saved.subfolder, saved.type)


class PreviewImage(_Shown):
    """Pictures in the temp folder."""

    def __init__(self, image: Any, animated: bool = False, cls: Any = None, **kwargs: Any) -> None:
        super().__init__(ImageSaveHelper.save_images(image, _random_prefix(), FolderType.temp, cls, 1))
        self.animated = (animated,)


class PreviewMask(PreviewImage):
    """Masks [batch, height, width] as grey pictures."""

    def __init__(self, mask: Any, animated: bool = False, cls: Any = None, **kwargs: Any) -> None:
        grey = mask.reshape((-1, 1, mask.shape[-2], mask.shape[-1])).movedim(1, -1).expand(-1, -1, -1, 3)
        super().__init__(grey, animated, cls, **kwargs)


class PreviewVideo(_Shown):
    """Videos that are files already."""

    animated = (True,)


class PreviewText(_Shown):
    """A text."""

    key = "text"

    def __init__(self, value: str, **kwargs: Any) -> None:
        super().__init__([value])
        self.value = value


class PreviewUI3D(_Shown):
    """A 3-D model file with a camera."""

    key = "result"

    def __init__(self, model_file: Any, camera_info: Any = None, **kwargs: Any) -> None:
        super().__init__([model_file, camera_info, *([kwargs["bg_image"]] if "bg_image" in kwargs else [])])


class AudioSaveHelper:
    """Saves sounds, as 16-bit WAV files: this engine has no other encoder."""

    @staticmethod
    def save_audio(
        audio: Any, filename_prefix: str, folder_type: Any, cls: Any, *args: Any, **kwargs: Any
    ) -> list[SavedResult]:
        """Write each sound of a batch as a file."""
        saved = []
        for index, waveform in enumerate(audio["waveform"].cpu()):
            data = _wav(waveform, int(audio["sample_rate"]))
            folder = FolderType(folder_type).value
            file = saving.files().write(filename_prefix, ".wav", data, folder=folder, batch=index)
            saved.append(SavedResult(file.filename, file.subfolder, file.type))
        return saved

    @staticmethod
    def get_save_audio_ui(audio: Any, filename_prefix: str, cls: Any, *args: Any, **kwargs: Any) -> SavedAudios:
        """Write into the output folder, and show."""
        return SavedAudios(AudioSaveHelper.save_audio(audio, filename_prefix, FolderType.output, cls))


def _wav(waveform: Any, rate: int) -> bytes:
    import torch

    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(int(waveform.shape[0]))
        file.setsampwidth(2)
        file.setframerate(rate)
        samples = (waveform.float().clamp(-1, 1) * 32767).round().to(torch.int16)
        file.writeframes(samples.T.contiguous().numpy().tobytes())
    return buffer.getvalue()


class PreviewAudio(_Shown):
    """Sounds in the temp folder."""

    key = "audio"

    def __init__(self, audio: Any, cls: Any = None, **kwargs: Any) -> None:
        super().__init__(AudioSaveHelper.save_audio(audio, _random_prefix(), FolderType.temp, cls))
