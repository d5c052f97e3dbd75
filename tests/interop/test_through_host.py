"""Built-in nodes whose classes or methods packs have replaced."""

from __future__ import annotations

from pathlib import Path

from tests.interop.conftest import Open

REPLACES = """
import nodes

class Constant(nodes.EmptyLatentImage):
    def generate(self, width, height, batch_size=1):
        return ({"samples": super().generate(width, height, batch_size)[0]["samples"] + 7},)

nodes.NODE_CLASS_MAPPINGS["EmptyLatentImage"] = Constant

saved = []
before = nodes.SaveImage.save_images
def save_images(self, images, filename_prefix="x", prompt=None, extra_pnginfo=None):
    saved.append((tuple(images.shape), filename_prefix))
    return before(self, images, "changed", prompt, extra_pnginfo)
nodes.SaveImage.save_images = save_images

class Sums:
    RETURN_TYPES, FUNCTION, OUTPUT_NODE = (), "show", True

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"value": ("LATENT",)}}

    def show(self, value):
        return {"ui": {"sum": [float(value["samples"].sum())]}}

NODE_CLASS_MAPPINGS = {"Sums": Sums}
"""


async def test_classes_and_methods_that_a_pack_puts_in_place_of_built_in_ones_run(house: Open, tmp_path: Path) -> None:
    pack = tmp_path / "custom_nodes" / "replaces.py"
    pack.parent.mkdir()
    pack.write_text(REPLACES)
    opened = house()

    ran = await opened.run(
        {
            "1": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}},
            "2": {"class_type": "Sums", "inputs": {"value": ["1", 0]}},
            "3": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 2, "color": 0}},
            "4": {"class_type": "SaveImage", "inputs": {"images": ["3", 0], "filename_prefix": "mine"}},
        }
    )

    assert ran.outcome.status == "succeeded", ran.outcome.error
    assert ran.shown("2", "sum") == [7.0 * 4 * 8 * 8]
    assert opened.engine.catalogue["EmptyLatentImage"].module == "custom_nodes.replaces"
    assert "replaced the built-in node" in opened.report("replaces").warnings[0]
    assert opened.module("replaces").saved == [((2, 8, 8, 3), "mine")]
    assert [file["filename"] for file in ran.shown("4", "images")] == ["changed_00001_.png", "changed_00002_.png"]


def test_a_node_that_may_go_through_the_host_is_found_by_its_function(house: Open) -> None:
    from nodes.sampling import ksampler

    opened = house("sinks")

    assert opened.engine.catalogue.spec_of(ksampler).id == "KSampler"
