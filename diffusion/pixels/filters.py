"""Blur, sharpening and morphology of images."""

from __future__ import annotations

from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from diffusion.pixels.planes import to_image, to_planes

OPERATIONS: Final = ("erode", "dilate", "open", "close", "gradient", "bottom_hat", "top_hat")


def gaussian_kernel(radius: int, sigma: float, device: torch.device | None = None) -> Tensor:
    """A square Gaussian kernel [2 radius + 1, 2 radius + 1] with sum 1.

    Args:
        sigma: width of the bell where the kernel's half side is 1, whatever its radius in pixels.
    """
    line = torch.linspace(-1, 1, 2 * radius + 1, device=device)
    bell = torch.exp(-(line[:, None] ** 2 + line[None, :] ** 2) / (2 * sigma**2))
    return bell / bell.sum()


def convolve(planes: Tensor, kernel: Tensor) -> Tensor:
    """Convolve every plane with one odd square kernel; borders are mirrored, however small the plane is."""
    radius = kernel.shape[0] // 2
    channels = planes.shape[1]
    padded = mirror_pad(planes, radius)
    return F.conv2d(padded, kernel.to(planes).expand(channels, 1, -1, -1), groups=channels)


def mirror_pad(planes: Tensor, radius: int) -> Tensor:
    """Pad all four sides by mirroring at the border pixel; again and again where the plane is smaller than that."""
    for axis in (-1, -2):
        size = planes.shape[axis]
        at = torch.arange(-radius, size + radius, device=planes.device)
        period = max(2 * (size - 1), 1)
        at = at.remainder(period)
        planes = planes.index_select(axis, torch.where(at < size, at, period - at))
    return planes


def blur(image: Tensor, radius: int, sigma: float) -> Tensor:
    """Gaussian blur; see `gaussian_kernel` for sigma."""
    bell = gaussian_kernel(radius, sigma, image.device)
    return to_image(convolve(to_planes(image), bell))


def sharpen(image: Tensor, radius: int, sigma: float, alpha: float) -> Tensor:
    """Add `10 alpha` times the difference to the blurred image; clamped to 0..1."""
    return to_image(convolve(to_planes(image), sharpening_kernel(radius, sigma, alpha, image.device))).clamp(0, 1)


def sharpening_kernel(radius: int, sigma: float, alpha: float, device: torch.device | None = None) -> Tensor:
    """A kernel with sum 1 that adds `10 alpha` times the difference to a blur."""
    kernel = gaussian_kernel(radius, sigma, device) * -(alpha * 10)
    kernel[radius, radius] = kernel[radius, radius] - kernel.sum() + 1.0
    return kernel


def morphology(image: Tensor, operation: str, size: int) -> Tensor:
    """Grow and shrink bright areas with a square of `size` pixels.

    Args:
        operation: one of `OPERATIONS`.
    Raises:
        ValueError: for another operation.
    """
    planes = to_planes(image)
    if operation == "erode":
        result = _erode(planes, size)
    elif operation == "dilate":
        result = _dilate(planes, size)
    elif operation == "open":
        result = _dilate(_erode(planes, size), size)
    elif operation == "close":
        result = _erode(_dilate(planes, size), size)
    elif operation == "gradient":
        result = _dilate(planes, size) - _erode(planes, size)
    elif operation == "bottom_hat":
        result = _erode(_dilate(planes, size), size) - planes
    elif operation == "top_hat":
        result = planes - _dilate(_erode(planes, size), size)
    else:
        raise ValueError(f"There is no operation {operation!r}. Known: {', '.join(OPERATIONS)}.")
    return to_image(result)


def _dilate(planes: Tensor, size: int) -> Tensor:
    """The maximum over a square whose middle is at `size // 2`; beyond the border there is nothing."""
    before, after = size // 2, size - size // 2 - 1
    planes = F.pad(planes, (before, after, 0, 0), value=float("-inf"))
    planes = F.max_pool2d(planes, (1, size), stride=1)
    planes = F.pad(planes, (0, 0, before, after), value=float("-inf"))
    return F.max_pool2d(planes, (size, 1), stride=1)


def _erode(planes: Tensor, size: int) -> Tensor:
    return -_dilate(-planes, size)


__all__ = [
    "OPERATIONS",
    "blur",
    "convolve",
    "gaussian_kernel",
    "mirror_pad",
    "morphology",
    "sharpen",
    "sharpening_kernel",
]
