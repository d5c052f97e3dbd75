"""Host module `comfy_api.latest._ui` (`ui` for packs): what V3 nodes show."""

from interop.v3.ui import (
    AudioSaveHelper,
    ImageSaveHelper,
    PreviewAudio,
    PreviewImage,
    PreviewMask,
    PreviewText,
    PreviewUI3D,
    PreviewVideo,
    SavedAudios,
    SavedImages,
    SavedResult,
)

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
