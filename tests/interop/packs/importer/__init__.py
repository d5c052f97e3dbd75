"""Imports the host in every way that packs do."""

import asyncio
import importlib
import importlib.util
import inspect
import os
import sys
from importlib import import_module

from .nodes import VALUE  # binds the name `nodes` to the pack's own package; the import below binds the host's

import comfy
import comfy.ldm.modules.attention
import comfy.ops
import comfy.utils
import nodes
import server
from comfy.ldm.flux.layers import SingleStreamBlock
from app.user_manager import UserManager
from comfy_api.input_impl.video_types import VideoFromFile
from comfy_api.latest._util import VideoCodec
from comfy_extras.nodes_mask import SomethingElse
from utils.install_util import get_missing_requirements_message
from comfy_extras.nodes_nowhere import Imagined
from server import BinaryEventTypes, PromptServer

spec = importlib.util.spec_from_file_location("specimen_loose", os.path.join(os.path.dirname(__file__), "loose.py"))
loose = importlib.util.module_from_spec(spec)
spec.loader.exec_module(loose)


class Local:
    pass


CHECKS = {
    "import and sys.modules agree": sys.modules["nodes"] is nodes and sys.modules.get("server") is server,
    "what the host has imported is in sys.modules": "execution" in sys.modules
    and sys.modules["execution"].full_type_name(int) == "int",
    "import_module agrees": import_module("nodes") is nodes and importlib.import_module("server") is server,
    "a submodule sees the host": VALUE == 16384,
    "a module loaded by path sees the host": loose.INSTANCE is PromptServer.instance,
    "there is no nodes.sampling": importlib.util.find_spec("nodes") is not None and "sampling" not in dir(nodes),
    "unimported submodules are attributes": comfy.samplers.KSampler.SAMPLERS[0] == "euler",
    "unknown names do not exist": not hasattr(comfy.utils, "no_such_function"),
    "kinds": BinaryEventTypes.TEXT == 3,
    "the host's folder is found by its files": {
        os.path.dirname(inspect.getfile(PromptServer)), os.path.dirname(sys.modules["folder_paths"].__file__)
    } == {sys.modules["folder_paths"].base_path} and inspect.getfile(Local) == __file__,
    "sys is sys": sys.version_info >= (3, 11) and "specimen" not in sys.modules,
}
comfy.utils.a_name_of_the_pack = 1
sys.specimen_attribute = 5


class Layer(comfy.ldm.modules.attention.CrossAttention):
    pass


class Uses:
    RETURN_TYPES = ("STRING",)
    FUNCTION = "run"
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"what": (["call", "subclass", "number", "checks"],)}}

    def run(self, what):
        if what == "call":
            comfy.ldm.modules.attention.BasicTransformerBlock(1, 2)
        if what == "subclass":
            Layer(4, 4)
        if what == "number":
            list(SingleStreamBlock.sizes)
        return {"ui": {"failed": [name for name, ok in CHECKS.items() if not ok], "checks": [len(CHECKS)]}}


NODE_CLASS_MAPPINGS = {"Uses": Uses}
placeholders = [SomethingElse, Imagined, UserManager, get_missing_requirements_message, VideoFromFile, VideoCodec]
LOOP = asyncio.get_event_loop()
