"""The named colours that the drawn pictures use, as exact sRGB values."""

Rgb = tuple[int, int, int]

COLOURS: dict[str, Rgb] = {
    "red": (217, 36, 42),
    "green": (46, 158, 68),
    "blue": (38, 84, 212),
    "yellow": (252, 214, 32),
    "orange": (246, 130, 22),
    "purple": (132, 52, 176),
    "white": (250, 250, 250),
    "black": (22, 22, 26),
}


def mix(first: Rgb, second: Rgb, share: float) -> Rgb:
    """Return the colour that lies `share` (0..1) of the way from `first` to `second`."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue
