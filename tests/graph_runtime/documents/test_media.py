"""Workflows are found in every kind of file that carries them, and damaged files do no harm."""

import io
import json
import struct
import zlib

import pytest
from PIL import Image, PngImagePlugin

from graph_runtime.documents import Embedded, InvalidDocument, UnreadableDocument, load, read_media, to_prompt

PROMPT = {"1": {"class_type": "MakeInt", "inputs": {"value": 7}}}
WORKFLOW = {
    "format": "heddle-workflow",
    "version": 1,
    "name": "grün – 図",
    "nodes": {"1": {"type": "MakeInt", "inputs": {"value": 8}}},
}
TEXTS = {"prompt": json.dumps(PROMPT), "workflow": json.dumps(WORKFLOW)}


def png(write):
    info = PngImagePlugin.PngInfo()
    write(info)
    out = io.BytesIO()
    Image.new("RGB", (4, 4)).save(out, "PNG", pnginfo=info)
    return out.getvalue()


def png_text():
    return png(lambda info: [info.add_text(key, text) for key, text in TEXTS.items()])


def png_itxt():
    return png(lambda info: [info.add_itxt(key, text, zip=True) for key, text in TEXTS.items()])


def png_ztxt():
    return png(lambda info: [info.add_text(key, text, zip=True) for key, text in TEXTS.items()])


def apng_comf():
    def write(info):
        for key, text in TEXTS.items():
            info.add(b"comf", key.encode("latin-1") + b"\0" + text.encode("latin-1"), after_idat=True)

    return png(write)


def webp():
    picture = Image.new("RGB", (4, 4))
    exif = picture.getexif()
    exif[0x0110] = f"prompt:{TEXTS['prompt']}"
    exif[0x010F] = f"workflow:{TEXTS['workflow']}"
    out = io.BytesIO()
    picture.save(out, "WEBP", exif=exif)
    return out.getvalue()


def jpeg():
    picture = Image.new("RGB", (4, 4))
    exif = picture.getexif()
    exif[0x0110] = f"prompt:{TEXTS['prompt']}"
    exif[0x010F] = f"workflow:{TEXTS['workflow']}"
    out = io.BytesIO()
    picture.save(out, "JPEG", exif=exif)
    return out.getvalue()


def vorbis_comments():
    pairs = [f"{key}={text}".encode() for key, text in TEXTS.items()]
    return (
        struct.pack("<I", 3)
        + b"us!"
        + struct.pack("<I", len(pairs))
        + b"".join(struct.pack("<I", len(each)) + each for each in pairs)
    )


def flac():
    body = vorbis_comments()
    stream_info = b"\x00" + (34).to_bytes(3, "big") + bytes(34)
    return b"fLaC" + stream_info + b"\x84" + len(body).to_bytes(3, "big") + body


def ogg():
    def page(packet, number):
        sizes = [255] * (len(packet) // 255) + [len(packet) % 255]
        head = b"OggS\0\0" + bytes(8) + struct.pack("<III", 1, number, 0) + bytes([len(sizes)]) + bytes(sizes)
        return head + packet

    return page(b"OpusHead" + bytes(11), 0) + page(b"OpusTags" + vorbis_comments(), 1)


def mp3():
    def frame(key, text):
        body = b"\x03" + key.encode() + b"\0" + text.encode()
        return b"TXXX" + len(body).to_bytes(4, "big") + b"\0\0" + body

    frames = b"".join(frame(key, text) for key, text in TEXTS.items())
    size = len(frames)
    syncsafe = bytes((size >> shift) & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x03\0\0" + syncsafe + frames + b"\xff\xfb"


def box(kind, *bodies):
    body = b"".join(bodies)
    return struct.pack(">I", 8 + len(body)) + kind + body


def mp4():
    keys = box(b"keys", bytes(4), struct.pack(">I", 2), *(box(b"mdta", key.encode()) for key in TEXTS))
    items = [
        box((index + 1).to_bytes(4, "big"), box(b"data", struct.pack(">II", 1, 0), text.encode()))
        for index, text in enumerate(TEXTS.values())
    ]
    meta = box(b"meta", bytes(4), box(b"hdlr", bytes(25)), keys, box(b"ilst", *items))
    return box(b"ftyp", b"isom") + box(b"moov", box(b"udta", meta))


def element(kind, *bodies):
    body = b"".join(bodies)
    return bytes.fromhex(kind) + (len(body) | 1 << 56).to_bytes(8, "big") + body


def webm():
    tags = [
        element("67c8", element("45a3", key.upper().encode()), element("4487", text.encode()))
        for key, text in TEXTS.items()
    ]
    return element("1a45dfa3", bytes(4)) + element("18538067", element("1254c367", element("7373", *tags)))


def safetensors():
    header = json.dumps({"__metadata__": TEXTS, "x": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}}).encode()
    return struct.pack("<Q", len(header)) + header


def glb():
    content = json.dumps({"asset": {"version": "2.0", "extras": TEXTS}}).encode()
    content += b" " * (-len(content) % 4)
    return b"glTF" + struct.pack("<II", 2, 20 + len(content)) + struct.pack("<I", len(content)) + b"JSON" + content


def svg():
    return f"<svg><metadata><![CDATA[{json.dumps(TEXTS)}]]></metadata></svg>".encode()


WRITERS = [png_text, png_itxt, png_ztxt, apng_comf, webp, jpeg, flac, ogg, mp3, mp4, webm, safetensors, glb, svg]


@pytest.mark.parametrize("write", WRITERS, ids=lambda each: each.__name__)
def test_both_texts_are_found(write):
    found = read_media(write())

    assert {key: json.loads(found.texts[key]) for key in TEXTS} == {"prompt": PROMPT, "workflow": WORKFLOW}


@pytest.mark.parametrize("write", WRITERS, ids=lambda each: each.__name__)
def test_a_file_that_breaks_off_anywhere_is_read_or_refused_but_never_crashes(write):
    data = write()
    for end in range(0, len(data), max(1, len(data) // 97)):
        outcome = outcome_of(data[:end])

        assert outcome.problems[0].fix if isinstance(outcome, InvalidDocument) else isinstance(outcome, Embedded)


def outcome_of(data):
    try:
        return read_media(data)
    except InvalidDocument as error:
        return error


def test_the_workflow_is_preferred_and_the_prompt_stands_in(catalogue):
    assert load(read_media(png_text()).workflow_data(), catalogue).nodes["1"].inputs == {"value": 8}

    only_prompt = png(lambda info: info.add_text("prompt", TEXTS["prompt"]))
    assert load(read_media(only_prompt).workflow_data(), catalogue).nodes["1"].inputs == {"value": 7}


@pytest.mark.parametrize("workflow", ['{"nodes": [', "{}", "null"])
def test_a_broken_or_empty_workflow_text_is_passed_over_for_the_prompt(catalogue, workflow):
    def write(info):
        info.add_text("workflow", workflow)
        info.add_text("prompt", TEXTS["prompt"])

    assert load(read_media(png(write)).workflow_data(), catalogue).nodes["1"].inputs == {"value": 7}


def test_nan_in_change_tokens_is_tolerated(catalogue):
    text = '{"1": {"class_type": "MakeInt", "inputs": {"value": 7}, "is_changed": [NaN]}}'

    document = load(read_media(png(lambda info: info.add_text("prompt", text))).workflow_data(), catalogue)

    assert to_prompt(document, catalogue)["1"]["inputs"] == {"value": 7}


def test_a_picture_without_a_workflow_says_so():
    with pytest.raises(UnreadableDocument, match="This PNG file carries no workflow"):
        read_media(png(lambda info: None)).workflow_data()


def test_an_unknown_file_says_how_it_begins():
    with pytest.raises(UnreadableDocument, match="it begins with 47 49 46 38"):
        read_media(b"GIF89a......")


def test_a_compression_bomb_is_refused():
    body = b"workflow\0\0" + zlib.compress(bytes(70 * 2**20), 9)
    chunk = struct.pack(">I", len(body)) + b"zTXt" + body + bytes(4)

    with pytest.raises(UnreadableDocument, match="longer than"):
        read_media(b"\x89PNG\r\n\x1a\n" + chunk)


PARAMETERS = """a red circle <lora:shapes:0.8>, flat
Negative prompt: blurry,
low quality
Steps: 25, Sampler: DPM++ 2M Karras, CFG scale: 6.5, Seed: 1234567890123, Size: 640x384, \
Model hash: abc, Model: shapes, Clip skip: 2"""


def test_a_parameters_text_becomes_a_small_graph():
    data = read_media(png(lambda info: info.add_text("parameters", PARAMETERS))).workflow_data()

    assert data["3"]["inputs"] | {} == {
        "seed": 1234567890123,
        "steps": 25,
        "cfg": 6.5,
        "sampler_name": "dpmpp_2m",
        "scheduler": "karras",
        "denoise": 1.0,
        "model": ["10", 0],
        "positive": ["6", 0],
        "negative": ["7", 0],
        "latent_image": ["5", 0],
    }
    assert data["6"]["inputs"] == {"text": "a red circle , flat", "clip": ["2", 0]}
    assert data["7"]["inputs"]["text"] == "blurry,\nlow quality"
    assert data["10"]["inputs"]["lora_name"] == "shapes.safetensors"
    assert data["10"]["inputs"]["strength_model"] == 0.8
    assert data["2"]["inputs"]["stop_at_clip_layer"] == -2
    assert data["5"]["inputs"] == {"width": 640, "height": 384, "batch_size": 1}
    assert data["4"]["inputs"] == {"ckpt_name": "shapes.safetensors"}


def test_a_parameters_text_without_settings_is_refused():
    with pytest.raises(UnreadableDocument, match="Steps"):
        read_media(png(lambda info: info.add_text("parameters", "just a prompt"))).workflow_data()
