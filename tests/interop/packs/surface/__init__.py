"""Uses every name of tier 1 of the established host, and says of each whether it does what it should.

A check returns something true, or raises. `import_…` checks ran while the pack was imported, as packs do it.
"""

import os
import sys
import tempfile

import comfy.cli_args
import comfy.comfy_types.node_typing
import comfy.model_management as mm
import comfy.samplers
import comfy.utils
import comfy_api.feature_flags
import comfy_api.torch_helpers
import comfy_execution.graph
import comfy_execution.graph_utils
import execution
import folder_paths
import node_helpers
import nodes
import numpy as np
import torch
from aiohttp import web
from comfy_api.latest import ComfyExtension, InputImpl, Types, io, ui
from PIL import Image
from server import BinaryEventTypes, PromptServer

server = PromptServer.instance
args = comfy.cli_args.args
Method = comfy.cli_args.LatentPreviewMethod
IO = comfy.comfy_types.node_typing.IO
BASE = "comfy.model_management."
CPU = torch.device("cpu")


@server.routes.get("/surface/get")
async def get(request):
    return web.json_response({"method": "get"})


@server.routes.post("/surface/post")
async def post(request):
    return web.json_response(await request.json())


@server.routes.patch("/surface/patch")
async def patch(request):
    return web.json_response({"method": "patch"})


async def added(request):
    return web.Response(text="added")


FROZEN = server.app.frozen
server.app.add_routes([web.get("/surface/added", added)])
server.app.router.add_get("/surface/router", added)
server.add_on_prompt_handler(lambda data: data)
server._easyuse_chooser_node = "mine"
folder_paths.folder_names_and_paths["surface"] = ([os.path.join(folder_paths.models_dir, "surface")], {".dat"})
folder_paths.add_model_folder_path("surface_more", os.path.join(folder_paths.models_dir, "surface"))

class Saves(nodes.SaveImage):
    def __init__(self):
        super().__init__()
        self.prefix_append = "_mine"


class Previews(nodes.PreviewImage):
    pass


class Extension(ComfyExtension):
    async def get_node_list(self):
        return []


class Schema(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="SurfaceSchema", inputs=[io.Int.Input("x", default=1)], outputs=[io.Int.Output()]
        )

    @classmethod
    def execute(cls, x):
        return io.NodeOutput(x, ui=ui.PreviewText("text"))


def raises(kind, function, *arguments):
    try:
        function(*arguments)
    except kind:
        return True
    return False


def close(a, b):
    return torch.allclose(a, b, atol=1e-5)


def in_input(name, content=b"x"):
    path = os.path.join(folder_paths.get_input_directory(), name)
    with open(path, "wb") as file:
        file.write(content)
    return path


def in_models(folder, name):
    path = os.path.join(folder_paths.models_dir, folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    open(path, "wb").close()
    return path


def picture():
    return torch.linspace(0, 1, 2 * 8 * 8 * 3).reshape(2, 8, 8, 3)


def resizes():
    channels_first = picture().movedim(-1, 1)
    same = comfy.utils.common_upscale(channels_first, 8, 8, "nearest-exact", "disabled")
    wide = comfy.utils.common_upscale(channels_first, 16, 8, "bilinear", "center")
    return close(same, channels_first) and wide.shape == (2, 3, 8, 16)


def bar():
    bar = comfy.utils.ProgressBar(4)
    bar.update(1)
    bar.update_absolute(3, 4)
    return bar.current == 3 and bar.total == 4


def tensors():
    path = os.path.join(tempfile.mkdtemp(), "x.safetensors")
    comfy.utils.save_torch_file({"a": torch.ones(2)}, path, metadata={"k": "v"})
    state, metadata = comfy.utils.load_torch_file(path, return_metadata=True)
    return state["a"].tolist() == [1, 1] and metadata["k"] == "v"


def module():
    return torch.nn.Sequential(torch.nn.Linear(2, 2, bias=False))


def parameter_set(function):
    one = module()
    function(one, "0.weight", torch.full((2, 2), 7.0))
    return close(one[0].weight.data, torch.full((2, 2), 7.0))


def attribute_set():
    one = module()
    before = comfy.utils.set_attr(one, "0.training", "mine")
    return before is True and one[0].training == "mine"


def tiles(function):
    whole = torch.rand(1, 3, 24, 24)
    return close(function(whole), whole * 2)


def doubled(part):
    return part * 2


def prefixes():
    out = comfy.utils.state_dict_prefix_replace({"a.x": 1, "b": 2}, {"a.": "c."}, filter_keys=True)
    return out == {"c.x": 1}


def saved(cls, kind):
    node = cls()
    found = getattr(node, node.FUNCTION)(picture(), "surface")["ui"]["images"]
    folder = folder_paths.get_directory_by_type(kind)
    return len(found) == 2 and all(
        one["type"] == kind and os.path.isfile(os.path.join(folder, one["subfolder"], one["filename"])) for one in found
    )


def loaded():
    path = in_input("surface.png")
    Image.fromarray(np.full((4, 6, 3), 255, np.uint8)).save(path)
    image, mask = nodes.LoadImage().load_image("surface.png")[:2]
    return image.shape == (1, 4, 6, 3) and float(image.min()) == 1.0 and float(mask.max()) == 0.0


def scaled():
    (out,) = nodes.ImageScale().upscale(picture(), "nearest-exact", 4, 4, "disabled")
    (half,) = nodes.ImageScaleBy().upscale(picture(), "nearest-exact", 0.5)
    return out.shape == half.shape == (2, 4, 4, 3)


def video():
    parts = Types.VideoComponents(images=picture(), frame_rate=8, audio=None)
    made = InputImpl.VideoFromComponents(parts)
    return made.get_components().images.shape == (2, 8, 8, 3) and made.get_dimensions() == (8, 8)


def builds():
    graph = comfy_execution.graph_utils.GraphBuilder()
    first = graph.node("A", x=1)
    second = graph.node("B", y=first.out(0))
    made = graph.finalize()
    return made[second.id]["inputs"]["y"] == [first.id, 0] and made[first.id]["class_type"] == "A"


def wraps_execution():
    before = execution.PromptExecutor.handle_execution_error
    execution.PromptExecutor.handle_execution_error = lambda *a, **k: None
    execution.PromptExecutor.handle_execution_error = before
    return before is not None


def save_path():
    folder, name, counter, subfolder, prefix = folder_paths.get_save_image_path(
        "deep/%width%", folder_paths.get_output_directory(), 5, 6
    )
    return os.path.isdir(folder) and (name, counter, subfolder, prefix) == ("5", 1, "deep", "deep/5")


def opened():
    with node_helpers.pillow(Image.open, in_png()) as image:
        return image.size == (2, 2)


def alpha():
    a, b = node_helpers.image_alpha_fix(torch.zeros(1, 2, 2, 3), torch.zeros(1, 2, 2, 4))
    return a.shape == b.shape == (1, 2, 2, 4) and float(a[..., 3].min()) == 1.0


def conditioned():
    changed = node_helpers.conditioning_set_values([[0, {"a": 1}]], {"b": 2})
    return changed == [[0, {"a": 1, "b": 2}]]


CHECKS = {
    "comfy.cli_args.LatentPreviewMethod": lambda: Method.from_string("taesd") is Method.TAESD,
    "comfy.cli_args.LatentPreviewMethod.Auto": lambda: Method.Auto.value == "auto",
    "comfy.cli_args.LatentPreviewMethod.Latent2RGB": lambda: Method.Latent2RGB.value == "latent2rgb",
    "comfy.cli_args.LatentPreviewMethod.NoPreviews": lambda: Method.NoPreviews.value == "none",
    "comfy.cli_args.LatentPreviewMethod.TAESD": lambda: Method.TAESD.value == "taesd",
    "comfy.cli_args.args": lambda: args.an_option_that_nobody_knows is False,
    "comfy.cli_args.args.base_directory": lambda: args.base_directory is None,
    "comfy.cli_args.args.disable_api_nodes": lambda: args.disable_api_nodes is False,
    "comfy.cli_args.args.disable_metadata": lambda: args.disable_metadata is False,
    "comfy.cli_args.args.fast": lambda: list(args.fast) == [],
    "comfy.cli_args.args.gpu_only": lambda: args.gpu_only is False,
    "comfy.cli_args.args.highvram": lambda: args.highvram is False,
    "comfy.cli_args.args.listen": lambda: args.listen == "127.0.0.1",
    "comfy.cli_args.args.port": lambda: args.port == server.port,
    "comfy.cli_args.args.preview_method": lambda: isinstance(args.preview_method, Method),
    "comfy.cli_args.args.use_split_cross_attention": lambda: args.use_split_cross_attention is False,
    "comfy.comfy_types.node_typing.IO": lambda: IO.IMAGE == "IMAGE" and isinstance(IO.MODEL, str),
    "comfy.comfy_types.node_typing.IO.ANY": lambda: not (IO.ANY != "IMAGE") and not ("IMAGE" != IO.ANY),
    BASE + "InterruptProcessingException": lambda: issubclass(mm.InterruptProcessingException, Exception),
    BASE + "cast_to": lambda: mm.cast_to(torch.ones(1), torch.float16).dtype == torch.float16,
    BASE + "cast_to_device": lambda: mm.cast_to_device(torch.ones(1), CPU, torch.float64).dtype == torch.float64,
    BASE + "device_supports_non_blocking": lambda: mm.device_supports_non_blocking(CPU) is False,
    BASE + "dtype_size": lambda: mm.dtype_size(torch.float16) == 2,
    BASE + "get_autocast_device": lambda: mm.get_autocast_device(CPU) == "cpu",
    BASE + "get_free_memory": lambda: mm.get_free_memory(CPU) > 0,
    BASE + "get_torch_device": lambda: isinstance(mm.get_torch_device(), torch.device),
    BASE + "get_torch_device_name": lambda: mm.get_torch_device_name(CPU) == "cpu",
    BASE + "intermediate_device": lambda: mm.intermediate_device() == CPU,
    BASE + "intermediate_dtype": lambda: mm.intermediate_dtype() == torch.float32,
    BASE + "is_device_mps": lambda: mm.is_device_mps(CPU) is False,
    BASE + "is_directml_enabled": lambda: mm.is_directml_enabled() is False,
    BASE + "is_intel_xpu": lambda: mm.is_intel_xpu() is False,
    BASE + "is_nvidia": lambda: mm.is_nvidia() == (mm.get_torch_device().type == "cuda"),
    BASE + "should_use_fp16": lambda: mm.should_use_fp16(CPU) is False,
    BASE + "soft_empty_cache": lambda: mm.soft_empty_cache() is None,
    BASE + "text_encoder_device": lambda: mm.text_encoder_device() == mm.get_torch_device(),
    BASE + "text_encoder_dtype": lambda: mm.text_encoder_dtype(CPU) == torch.float32,
    BASE + "text_encoder_offload_device": lambda: mm.text_encoder_offload_device() == CPU,
    BASE + "throw_exception_if_processing_interrupted": lambda: mm.throw_exception_if_processing_interrupted() is None,
    BASE + "unet_dtype": lambda: mm.unet_dtype(CPU) == torch.float32,
    BASE + "unet_dtype_orig": lambda: mm.unet_dtype_orig(CPU) == torch.float32,
    BASE + "unet_offload_device": lambda: mm.unet_offload_device() == CPU,
    BASE + "unload_all_models": lambda: mm.unload_all_models() is None,
    BASE + "vae_device": lambda: mm.vae_device() == mm.get_torch_device(),
    BASE + "vae_dtype": lambda: mm.vae_dtype(CPU) == torch.float32,
    BASE + "vae_offload_device": lambda: mm.vae_offload_device() == CPU,
    "comfy.samplers.KSampler.SAMPLERS": lambda: len(comfy.samplers.KSampler.SAMPLERS) == 42,
    "comfy.samplers.KSampler.SCHEDULERS": lambda: comfy.samplers.KSampler.SCHEDULERS[0] == "simple",
    "comfy.samplers.SAMPLER_NAMES": lambda: comfy.samplers.SAMPLER_NAMES[-1] == "uni_pc_bh2",
    "comfy.samplers.SCHEDULER_NAMES": lambda: "kl_optimal" in comfy.samplers.SCHEDULER_NAMES,
    "comfy.utils.PROGRESS_BAR_ENABLED": lambda: comfy.utils.PROGRESS_BAR_ENABLED is True,
    "comfy.utils.ProgressBar": bar,
    "comfy.utils.calculate_parameters": lambda: comfy.utils.calculate_parameters({"a.b": torch.ones(3)}, "a.") == 3,
    "comfy.utils.common_upscale": resizes,
    "comfy.utils.copy_to_param": lambda: parameter_set(comfy.utils.copy_to_param),
    "comfy.utils.get_attr": lambda: comfy.utils.get_attr(module(), "0.weight").shape == (2, 2),
    "comfy.utils.lanczos": lambda: comfy.utils.lanczos(torch.rand(1, 3, 8, 8), 4, 2).shape == (1, 3, 2, 4),
    "comfy.utils.load_torch_file": tensors,
    "comfy.utils.repeat_to_batch_size": lambda: comfy.utils.repeat_to_batch_size(torch.ones(2, 1), 5).shape == (5, 1),
    "comfy.utils.save_torch_file": tensors,
    "comfy.utils.set_attr": attribute_set,
    "comfy.utils.set_attr_param": lambda: parameter_set(comfy.utils.set_attr_param),
    "comfy.utils.state_dict_prefix_replace": prefixes,
    "comfy.utils.tiled_scale": lambda: tiles(
        lambda x: comfy.utils.tiled_scale(x, doubled, tile_x=16, tile_y=16, overlap=4, upscale_amount=1)
    ),
    "comfy.utils.tiled_scale_multidim": lambda: tiles(
        lambda x: comfy.utils.tiled_scale_multidim(x, doubled, tile=(16, 16), overlap=4, upscale_amount=1)
    ),
    "comfy_api.feature_flags.supports_feature": lambda: comfy_api.feature_flags.supports_feature(
        {"s": {"feature_flags": {"f": True}}}, "s", "f"
    )
    and not comfy_api.feature_flags.supports_feature({}, "s", "f"),
    "comfy_api.latest.ComfyExtension": lambda: callable(Extension().get_node_list) and callable(Extension().on_load),
    "comfy_api.latest.InputImpl": lambda: InputImpl.VideoFromFile is not None,
    "comfy_api.latest.InputImpl.VideoFromComponents": video,
    "comfy_api.latest.Types": lambda: Types.VideoCodec is not None,
    "comfy_api.latest.Types.VideoCodec": lambda: "h264" in Types.VideoCodec.as_input(),
    "comfy_api.latest.Types.VideoComponents": video,
    "comfy_api.latest.Types.VideoContainer": lambda: "mp4" in Types.VideoContainer.as_input(),
    "comfy_api.latest.io": lambda: Schema.GET_SCHEMA().node_id == "SurfaceSchema",
    "comfy_api.latest.ui": lambda: list(ui.PreviewText("a").as_dict()["text"]) == ["a"],
    "comfy_api.torch_helpers.set_torch_compile_wrapper": lambda: comfy_api.torch_helpers.set_torch_compile_wrapper(
        None, "inductor"
    )
    is None,
    "comfy_execution.graph.ExecutionBlocker": lambda: comfy_execution.graph.ExecutionBlocker("why").message == "why",
    "comfy_execution.graph_utils.GraphBuilder": builds,
    "comfy_execution.graph_utils.is_link": lambda: comfy_execution.graph_utils.is_link(["1", 0])
    and not comfy_execution.graph_utils.is_link([1, 0]),
    "execution.PromptExecutor.handle_execution_error": wraps_execution,
    "folder_paths.__file__": lambda: os.path.dirname(folder_paths.__file__) == folder_paths.base_path,
    "folder_paths.add_model_folder_path": lambda: in_models("surface", "a.any")
    and "a.any" in folder_paths.get_filename_list("surface_more"),
    "folder_paths.annotated_filepath": lambda: folder_paths.annotated_filepath("a.png [temp]")
    == ("a.png", folder_paths.get_temp_directory()),
    "folder_paths.base_path": lambda: os.path.isdir(os.path.join(folder_paths.base_path, "custom_nodes")),
    "folder_paths.exists_annotated_filepath": lambda: in_input("there.txt")
    and folder_paths.exists_annotated_filepath("there.txt")
    and not folder_paths.exists_annotated_filepath("not there.txt"),
    "folder_paths.folder_names_and_paths": lambda: in_models("surface", "b.dat")
    and folder_paths.get_filename_list("surface") == ["b.dat"],
    "folder_paths.get_annotated_filepath": lambda: folder_paths.get_annotated_filepath("a.png")
    == os.path.join(folder_paths.input_directory, "a.png"),
    "folder_paths.get_directory_by_type": lambda: folder_paths.get_directory_by_type("temp")
    == folder_paths.temp_directory,
    "folder_paths.get_filename_list": lambda: in_models("loras", "c.safetensors")
    and folder_paths.get_filename_list("loras") == ["c.safetensors"],
    "folder_paths.get_folder_paths": lambda: os.path.join(folder_paths.models_dir, "loras")
    in folder_paths.get_folder_paths("loras"),
    "folder_paths.get_full_path": lambda: folder_paths.get_full_path("loras", "c.safetensors")
    == in_models("loras", "c.safetensors"),
    "folder_paths.get_full_path_or_raise": lambda: raises(
        FileNotFoundError, folder_paths.get_full_path_or_raise, "loras", "nothing"
    ),
    "folder_paths.get_input_directory": lambda: folder_paths.get_input_directory() == folder_paths.input_directory,
    "folder_paths.get_output_directory": lambda: os.path.isdir(folder_paths.get_output_directory()),
    "folder_paths.get_save_image_path": save_path,
    "folder_paths.get_temp_directory": lambda: folder_paths.get_temp_directory() == folder_paths.temp_directory,
    "folder_paths.input_directory": lambda: os.path.isdir(folder_paths.input_directory),
    "folder_paths.models_dir": lambda: os.path.isdir(folder_paths.models_dir),
    "folder_paths.output_directory": lambda: os.path.isdir(folder_paths.output_directory),
    "folder_paths.supported_pt_extensions": lambda: {".safetensors", ".sft", ".ckpt"}
    <= folder_paths.supported_pt_extensions,
    "folder_paths.temp_directory": lambda: os.path.isabs(folder_paths.temp_directory),
    "node_helpers.conditioning_set_values": conditioned,
    "node_helpers.image_alpha_fix": alpha,
    "node_helpers.pillow": opened,
    "nodes.ImageScale": scaled,
    "nodes.ImageScale.upscale_methods": lambda: "lanczos" in nodes.ImageScale.upscale_methods,
    "nodes.ImageScaleBy": scaled,
    "nodes.LoadImage": loaded,
    "nodes.MAX_RESOLUTION": lambda: nodes.MAX_RESOLUTION == 16384,
    "nodes.NODE_CLASS_MAPPINGS": lambda: nodes.NODE_CLASS_MAPPINGS["KSampler"].FUNCTION == "sample",
    "nodes.PreviewImage": lambda: saved(Previews, "temp"),
    "nodes.SaveImage": lambda: saved(Saves, "output"),
    "server.BinaryEventTypes": lambda: (BinaryEventTypes.PREVIEW_IMAGE, BinaryEventTypes.TEXT) == (1, 3),
    "server.PromptServer": lambda: isinstance(server, PromptServer),
    "server.PromptServer.instance": lambda: sys.modules["server"].PromptServer.instance is server,
    "server.PromptServer.instance._easyuse_chooser_node": lambda: server._easyuse_chooser_node == "mine",
    "server.PromptServer.instance.add_on_prompt_handler": lambda: len(server.on_prompt_handlers) == 1,
    "server.PromptServer.instance.app": lambda: isinstance(server.app, web.Application),
    "server.PromptServer.instance.app.add_routes": lambda: True,  # asked over HTTP, by the test
    "server.PromptServer.instance.app.frozen": lambda: FROZEN is False,
    "server.PromptServer.instance.app.router": lambda: True,  # asked over HTTP, by the test
    "server.PromptServer.instance.client_id": lambda: server.client_id == "me",
    "server.PromptServer.instance.last_node_id": lambda: server.last_node_id == "7",
    "server.PromptServer.instance.number": lambda: counted(),
    "server.PromptServer.instance.prompt_queue": lambda: server.prompt_queue.get_tasks_remaining() == 1,
    "server.PromptServer.instance.prompt_queue.currently_running": lambda: [
        item[1] for item in server.prompt_queue.currently_running.values()
    ]
    == ["job-1"],
    "server.PromptServer.instance.prompt_queue.put": lambda: raises(
        RuntimeError, server.prompt_queue.put, (0, "id", {}, {}, [])
    ),
    "server.PromptServer.instance.routes": lambda: isinstance(server.routes, web.RouteTableDef),
    "server.PromptServer.instance.routes.get": lambda: True,  # asked over HTTP, by the test
    "server.PromptServer.instance.routes.patch": lambda: True,  # asked over HTTP, by the test
    "server.PromptServer.instance.routes.post": lambda: True,  # asked over HTTP, by the test
    "server.PromptServer.instance.send": lambda: sent_async(),
    "server.PromptServer.instance.send_progress_text": lambda: server.send_progress_text("half", "7") is None,
    "server.PromptServer.instance.send_sync": lambda: server.send_sync("surface", {"a": 1}) is None,
    "server.PromptServer.instance.supports": lambda: "custom_nodes_from_web" in server.supports,
}


def in_png():
    path = in_input("small.png")
    Image.new("RGB", (2, 2)).save(path)
    return path


def counted():
    server.number += 1
    return server.number >= 1


def sent_async():
    import asyncio

    asyncio.run(server.send("surface.async", {}))
    return True


class Surface:
    """Runs every check."""

    RETURN_TYPES = ()
    FUNCTION = "check"
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {}}

    def check(self):
        failed = []
        for name, check in CHECKS.items():
            try:
                if not check():
                    failed.append(f"{name}: is not as it should be")
            except Exception as error:
                failed.append(f"{name}: {type(error).__name__}: {error}")
        return {"ui": {"failed": failed, "checked": list(CHECKS)}}


NODE_CLASS_MAPPINGS = {"Surface": Surface}
