"""Previews fit a square, and are small."""

import io

import pytest
from PIL import Image

from nodes.preview_encoding import encode_preview


@pytest.mark.parametrize(
    ("size", "expected"),
    [((64, 64), (512, 512)), ((2000, 1000), (512, 256)), ((8, 1000), (4, 512)), ((1, 9999), (1, 512))],
)
def test_a_preview_is_scaled_up_or_down_to_fit(size, expected):
    format, data = encode_preview(Image.new("RGB", size, "red"), 512)

    with Image.open(io.BytesIO(data)) as picture:
        assert (format, picture.format, picture.size) == ("JPEG", "JPEG", expected)
        assert picture.getpixel((0, 0))[0] > 240


def test_what_packs_give_says_format_and_size_itself():
    format, data = encode_preview(("PNG", Image.new("RGBA", (30, 20)), None), 512)
    _, limited = encode_preview(["JPEG", Image.new("RGBA", (30, 20)), 15], 512)
    _, large = encode_preview(("JPEG", Image.new("RGB", (30, 20)), 600), 512)

    assert format == "PNG" and Image.open(io.BytesIO(data)).size == (30, 20)
    assert Image.open(io.BytesIO(limited)).size == (15, 10)
    assert Image.open(io.BytesIO(large)).size == (600, 400)


def test_an_unknown_format_is_refused():
    with pytest.raises(ValueError, match=r"'GIF' cannot be sent\. Use JPEG or PNG"):
        encode_preview(("GIF", Image.new("RGB", (1, 1)), None))
