"""A small catalogue with one node of every shape that documents care about."""

import pytest

from graph_runtime.catalogue import Catalogue


def _input(name, kind, required=True, **more):
    widget = more.pop("widget", kind in ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO"))
    options = {key: more.pop(key) for key in list(more) if key not in ("default", "choices", "combo_form", "aliases")}
    if options.get("forceInput"):
        widget = False
    return {"name": name, "type": kind, "required": required, "widget": widget, "options": options, **more}


def _node(node_id, inputs=(), outputs=(), title=None, **more):
    return {
        "id": node_id,
        "display_name": title or node_id,
        "inputs": list(inputs),
        "outputs": [{"name": each.split(":")[0], "type": each.split(":")[-1]} for each in outputs],
        **more,
    }


NODES = [
    _node(
        "CheckpointLoaderSimple",
        [_input("ckpt_name", "COMBO", choices=["a.safetensors"])],
        ["MODEL", "CLIP", "VAE"],
        "Load Checkpoint",
    ),
    _node("CLIPTextEncode", [_input("text", "STRING", multiline=True), _input("clip", "CLIP")], ["CONDITIONING"]),
    _node(
        "EmptyLatentImage",
        [
            _input(name, "INT", default=default, min=1)
            for name, default in (("width", 512), ("height", 512), ("batch_size", 1))
        ],
        ["LATENT"],
    ),
    _node(
        "KSampler",
        [
            _input("model", "MODEL"),
            _input("seed", "INT", default=0, control_after_generate=True),
            _input("steps", "INT", default=20),
            _input("cfg", "FLOAT", default=8.0),
            _input("sampler_name", "COMBO", choices=["euler", "dpmpp_2m"]),
            _input("scheduler", "COMBO", choices=["normal", "karras"]),
            _input("positive", "CONDITIONING"),
            _input("negative", "CONDITIONING"),
            _input("latent_image", "LATENT"),
            _input("denoise", "FLOAT", default=1.0),
        ],
        ["LATENT"],
    ),
    _node("VAEDecode", [_input("samples", "LATENT"), _input("vae", "VAE")], ["IMAGE"]),
    _node("SaveImage", [_input("images", "IMAGE"), _input("filename_prefix", "STRING", default="pic")], terminal=True),
    _node("LoadImage", [_input("image", "COMBO", choices=[], image_upload=True)], ["IMAGE", "MASK"]),
    _node("ImageScale", [_input("image", "IMAGE"), _input("width", "INT", default=64)], ["IMAGE"]),
    _node(
        "ImageBlend", [_input("image1", "IMAGE"), _input("image2", "IMAGE"), _input("mask", "MASK", False)], ["IMAGE"]
    ),
    _node("Swap", [_input("a", "LATENT"), _input("b", "IMAGE")], ["IMAGE", "IMAGE", "other:MASK"]),
    _node("Forced", [_input("amount", "INT", forceInput=True), _input("text", "STRING", default="t")], ["STRING"]),
    _node("ForcedSeed", [_input("seed", "INT", forceInput=True), _input("text", "STRING", default="t")], ["STRING"]),
    _node("PickFile", [_input("file", "COMBO", choices=["x", "y"], control_after_generate=True), _input("n", "INT")]),
    _node("Renamed", [_input("strength", "FLOAT", default=1.0, aliases=["weight"])], ["FLOAT"]),
    _node("Webcam", [_input("image", "WEBCAM"), _input("width", "INT", default=0)], ["IMAGE"]),
    _node("Either", [_input("a", "INT,FLOAT", widgetType="INT", default=1), _input("b", "INT", default=2)]),
    _node("MakeInt", [_input("value", "INT", default=3)], ["INT"]),
    _node("ListTaker", [_input("items", "*")], ["*"]),
    _node("ControlNetLoader", [_input("control_net_name", "COMBO", choices=["c"])], ["CONTROL_NET"]),
]


@pytest.fixture(scope="session")
def catalogue():
    return Catalogue.from_data({each["id"]: each for each in NODES})
