"""Camera pictures are read, drawings are saved with their workflow."""

import io
import json
from types import SimpleNamespace

import pytest
from PIL import Image as Pillow

from graph_runtime.documents import read_media
from graph_runtime.errors import HeddleError
from nodes import captures
from tests.nodes.calling import call


def test_a_camera_picture_is_read_from_the_temporary_folder(data_dir):
    (data_dir / "temp").mkdir()
    Pillow.new("RGB", (3, 2), (255, 0, 0)).save(data_dir / "temp" / "shot.png")

    image = call(captures.webcam_capture, data_dir, image="shot.png [temp]").result

    assert image.shape == (1, 2, 3, 3) and image[0, 0, 0].tolist() == [1, 0, 0]


@pytest.mark.parametrize("drawing", ["<svg width='1'><path/></svg>", "<?xml version='1.0'?><svg width='1'/>"])
def test_a_drawing_carries_its_workflow_even_one_that_would_end_the_element(data_dir, drawing):
    workflow = {"nodes": [], "text": "]]> </metadata>"}
    files = SimpleNamespace(data=[io.BytesIO(drawing.encode())])

    shown = call(
        captures.save_svg,
        data_dir,
        svg=files,
        filename_prefix="d",
        prompt={"1": {}},
        extra_pnginfo={"workflow": workflow},
    )

    entry = shown.ui["images"][0]
    data = (data_dir / "output" / entry["filename"]).read_bytes()
    texts = read_media(data).texts
    assert entry["filename"] == "d_00001_.svg"
    assert data.endswith(b"</svg>")
    assert {key: json.loads(text) for key, text in texts.items()} == {"prompt": {"1": {}}, "workflow": workflow}


def test_what_is_no_drawing_is_refused(data_dir):
    with pytest.raises(HeddleError, match="no <svg> element"):
        call(captures.save_svg, data_dir, svg=SimpleNamespace(data=[io.BytesIO(b"text")]), prompt={})


def test_without_a_workflow_a_drawing_stays_as_it_is():
    assert captures.with_metadata("<svg/>", {}) == "<svg/>"
