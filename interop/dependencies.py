"""Which package a pack has to be given when a module is missing.

The name under which a package is installed is often another than the one it is imported under. A pack's own
`requirements.txt` knows best; it is read, never installed.
"""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["cure_for_missing", "package_of"]

_PACKAGES = {
    "Crypto": "pycryptodome",
    "OpenSSL": "pyopenssl",
    "PIL": "pillow",
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "cairosvg": "CairoSVG",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "fitz": "pymupdf",
    "git": "gitpython",
    "google.generativeai": "google-generativeai",
    "imageio_ffmpeg": "imageio-ffmpeg",
    "insightface": "insightface",
    "magic": "python-magic",
    "matplotlib": "matplotlib",
    "mediapipe": "mediapipe",
    "pkg_resources": "setuptools",
    "psd_tools": "psd-tools",
    "sam2": "SAM-2",
    "segment_anything": "segment-anything",
    "serial": "pyserial",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}
"""Module → package, where the names differ or people have to be told which of several it is."""


def package_of(module: str) -> str:
    """The package that brings a module."""
    top = module.partition(".")[0]
    return _PACKAGES.get(module) or _PACKAGES.get(top) or top.replace("_", "-")


def cure_for_missing(module: str, pack: Path) -> str:
    """What to do about a missing module.

    Args:
        pack: folder or file of the pack that needs it.
    """
    package = package_of(module)
    requirements = pack / "requirements.txt" if pack.is_dir() else None
    if requirements is None or not requirements.is_file():
        return f"Run: pip install {package}"
    listed = _listed(requirements)
    known = next((name for name in listed if _same(name, package) or _same(name, module)), None)
    what = f"It is brought by '{known}', which the pack lists. " if known else f"It is brought by '{package}'. "
    return f"{what}Run: pip install -r '{requirements}'"


def _listed(requirements: Path) -> list[str]:
    """Names of the packages in a requirements file."""
    try:
        lines = requirements.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    found = (re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", line.strip()) for line in lines)
    return [match.group() for match in found if match is not None]


def _same(first: str, second: str) -> bool:
    """Whether two names mean the same package."""
    plain = [re.sub(r"[-_.]+", "-", name).lower().removesuffix("-headless") for name in (first, second)]
    return plain[0] == plain[1]
