"""Host module `comfyui_version`: the version of the interface that packs find here."""

__version__ = "0.3.64"
