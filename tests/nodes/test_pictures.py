"""What is in a picture file, to the last bit."""

import io
import json

import numpy as np
import pytest
from PIL import Image as Pillow

from nodes.pictures import UnreadablePicture, embedded_texts, encode_png, read_picture, to_bytes


def save(path, picture, **options):
    picture.save(path, **options)
    return path


def test_an_opaque_picture_has_an_empty_mask_of_64_by_64(tmp_path):
    pixels = np.array([[[0, 51, 255], [255, 102, 0]]], np.uint8)

    picture = read_picture(save(tmp_path / "a.png", Pillow.fromarray(pixels)))

    assert picture.images.dtype == np.float32 and picture.images.shape == (1, 1, 2, 3)
    np.testing.assert_allclose(picture.images[0], pixels / 255, atol=1e-7)
    assert picture.masks.shape == (1, 64, 64) and not picture.masks.any()


def test_the_mask_is_one_where_the_picture_is_transparent(tmp_path):
    pixels = np.array([[[9, 9, 9, 255], [200, 100, 50, 0], [1, 2, 3, 51]]], np.uint8)

    picture = read_picture(save(tmp_path / "a.png", Pillow.fromarray(pixels)))

    np.testing.assert_allclose(picture.masks[0], [[0, 1, 0.8]], atol=1e-6)
    np.testing.assert_allclose(picture.images[0, 0, 1] * 255, [200, 100, 50], atol=1e-4)


def test_sixteen_bit_greys_keep_their_precision(tmp_path):
    grey = np.array([[0, 1, 256, 32768, 65535]], np.uint16)
    for name in ("a.png", "a.tiff"):
        picture = read_picture(save(tmp_path / name, Pillow.fromarray(grey)))

        np.testing.assert_allclose(picture.images[0, 0, :, 0], np.minimum(grey[0] / 255**2, 1), atol=1e-7)
        assert (picture.images[..., 0] == picture.images[..., 2]).all()


@pytest.mark.parametrize(("orientation", "corner"), [(1, (0, 0)), (2, (0, 1)), (3, (1, 1)), (6, (0, 1)), (8, (1, 0))])
def test_a_photograph_is_turned_as_its_exif_says(tmp_path, orientation, corner):
    pixels = np.zeros((16, 16, 3), np.uint8)
    pixels[:8, :8] = 255
    exif = Pillow.Exif()
    exif[0x0112] = orientation

    picture = read_picture(save(tmp_path / "a.jpg", Pillow.fromarray(pixels), exif=exif, quality=100))

    quarters = picture.images[0, :, :, 0].reshape(2, 8, 2, 8).mean((1, 3))
    assert np.unravel_index(quarters.argmax(), (2, 2)) == corner


def test_a_palette_with_a_transparent_colour_gives_colours_and_a_mask(tmp_path):
    palette = Pillow.new("P", (2, 1))
    palette.putpalette([255, 0, 0, 0, 255, 0])
    palette.putpixel((1, 0), 1)

    picture = read_picture(save(tmp_path / "a.png", palette, transparency=1))

    np.testing.assert_array_equal(picture.images[0, 0, 0], [1, 0, 0])
    np.testing.assert_array_equal(picture.masks[0], [[0, 1]])


def test_every_frame_of_an_animation_is_an_image(tmp_path):
    frames = [Pillow.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    save(tmp_path / "a.webp", frames[0], save_all=True, append_images=frames[1:], lossless=True)

    picture = read_picture(tmp_path / "a.webp")

    assert picture.images.shape == (3, 8, 8, 3)
    np.testing.assert_array_equal(picture.images[:, 4, 4], np.eye(3))
    assert picture.masks.shape == (3, 64, 64)


def test_one_transparent_frame_gives_every_frame_a_mask_of_its_size(tmp_path):
    frames = [Pillow.new("RGBA", (8, 8), (255, 0, 0, 255)), Pillow.new("RGBA", (8, 8), (0, 255, 0, 0))]
    save(tmp_path / "a.png", frames[0], save_all=True, append_images=frames[1:])

    picture = read_picture(tmp_path / "a.png")

    assert picture.masks.shape[1:] == (8, 8)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "CMYK", "YCbCr"])
def test_every_colour_mode_becomes_rgb(tmp_path, mode):
    white = {"CMYK": (0, 0, 0, 0), "LA": (255, 255), "YCbCr": (255, 128, 128)}.get(mode, 255 if mode == "L" else 1)
    path = tmp_path / ("a.jpg" if mode in ("CMYK", "YCbCr") else "a.png")

    picture = read_picture(save(path, Pillow.new(mode, (8, 8), white)))

    assert picture.images.shape == (1, 8, 8, 3)
    assert picture.images.min() > 0.98


@pytest.mark.parametrize("cut", [0, 20, 60])
def test_a_damaged_file_is_named_with_what_to_do(tmp_path, cut):
    stream = io.BytesIO()
    Pillow.effect_noise((64, 64), 50).save(stream, "PNG")
    (tmp_path / "cat.png").write_bytes(stream.getvalue()[:cut])

    with pytest.raises(UnreadablePicture, match=r"'cat.png' (is not a picture|cannot be read)"):
        read_picture(tmp_path / "cat.png")


def test_values_are_clipped_and_truncated_not_rounded():
    image = np.array([[[-1.0, 0.999, 1.5], [0.5, np.nan, 254.9 / 255]]], np.float32)

    assert to_bytes(image).tolist() == [[[0, 254, 255], [127, 0, 254]]]


def test_a_png_carries_its_prompt_and_workflow_as_ascii_json():
    prompt = {"3": {"class_type": "CLIPTextEncode", "inputs": {"text": "été ☀"}}}
    data = encode_png(np.zeros((1, 1, 3), np.uint8), embedded_texts(prompt, {"workflow": {"version": 0.4}}))

    texts = Pillow.open(io.BytesIO(data)).text

    assert json.loads(texts["prompt"]) == prompt and texts["prompt"].isascii()
    assert json.loads(texts["workflow"]) == {"version": 0.4}
    assert b"tEXtprompt\0" in data and b"iTXt" not in data


def test_grey_and_transparent_images_are_saved_as_such():
    for channels, mode in ((1, "L"), (3, "RGB"), (4, "RGBA")):
        data = encode_png(np.full((2, 3, channels), 7, np.uint8), {})

        with Pillow.open(io.BytesIO(data)) as picture:
            assert (picture.mode, picture.size) == (mode, (3, 2))
