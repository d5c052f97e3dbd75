"""The host's modules as packs call them."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.interop.conftest import House, Open


@pytest.fixture
def host(house: Open) -> Any:
    """Imports a host module."""
    house("sinks")

    def module(name: str) -> ModuleType:
        return importlib.import_module(name)

    return module


def test_folders_are_the_engines(host: Any, tmp_path: Path) -> None:
    folder_paths = host("folder_paths")

    assert folder_paths.get_output_directory() == str(tmp_path / "output")
    assert folder_paths.get_input_directory() == folder_paths.get_directory_by_type("input") == str(tmp_path / "input")
    assert folder_paths.get_directory_by_type("nowhere") is None
    assert folder_paths.models_dir == str(tmp_path / "models")
    assert folder_paths.get_folder_paths("unet") == folder_paths.get_folder_paths("diffusion_models")
    assert ".safetensors" in folder_paths.supported_pt_extensions
    folder_paths.set_output_directory(str(tmp_path / "elsewhere"))
    assert folder_paths.get_output_directory() == folder_paths.output_directory == str(tmp_path / "elsewhere")


def test_files_are_listed_by_key_with_the_keys_extensions(host: Any, tmp_path: Path) -> None:
    folder_paths = host("folder_paths")
    loras = tmp_path / "models" / "loras"
    for name in ("b.safetensors", "deep/a.pt", "notes.txt"):
        (loras / name).parent.mkdir(parents=True, exist_ok=True)
        (loras / name).touch()

    assert folder_paths.get_filename_list("loras") == ["b.safetensors", "deep/a.pt"]
    assert folder_paths.get_full_path("loras", "deep/a.pt") == str(loras / "deep/a.pt")
    assert folder_paths.get_full_path("loras", "../../../etc/passwd") is None
    assert folder_paths.get_full_path("loras", "missing.pt") is None
    with pytest.raises(FileNotFoundError, match=r"'missing\.pt' not found \(searched .*loras"):
        folder_paths.get_full_path_or_raise("loras", "missing.pt")
    with pytest.raises(KeyError, match="no model folder 'unheard'"):
        folder_paths.get_filename_list("unheard")


async def test_what_packs_add_to_the_tables_is_listed_and_found_by_us(house: Open, tmp_path: Path) -> None:
    opened = house("own_folders")
    models = tmp_path / "models"
    for name in ("specimens/any.thing", "unet/x.gguf", "unet/y.safetensors", "more_loras/z.special", "loras/l.pt"):
        (models / name).parent.mkdir(parents=True, exist_ok=True)
        (models / name).touch()

    ran = await opened.run({"1": {"class_type": "Lists", "inputs": {"lora": "None"}}})

    assert ran.shown("1", "names") == [["any.thing"], ["x.gguf"], ["l.pt", "z.special"]]
    assert opened.folders.find("specimens", "any.thing") == models / "specimens" / "any.thing"
    assert opened.folders.find("loras", "l.pt") == models / "loras" / "l.pt"
    assert opened.folders.names("gguf") == ["x.gguf"]
    told = {
        (key, Path(path).name, tuple(suffixes))
        for key, path, _, suffixes in opened.report("own_folders").to_data()["folders"]
    }
    assert {("specimens", "specimens", ()), ("gguf", "unet", (".gguf",))} < told
    assert "more_loras" in {name for key, name, _ in told if key == "loras"}


def test_annotated_names_say_their_folder(host: Any, tmp_path: Path) -> None:
    folder_paths = host("folder_paths")
    (tmp_path / "output" / "a.png").touch()

    assert folder_paths.annotated_filepath("a.png [output]") == ("a.png", str(tmp_path / "output"))
    assert folder_paths.annotated_filepath("a.png") == ("a.png", None)
    assert folder_paths.get_annotated_filepath("a.png") == str(tmp_path / "input" / "a.png")
    assert folder_paths.exists_annotated_filepath("a.png [output]")
    assert not folder_paths.exists_annotated_filepath("a.png [temp]")


def test_the_next_file_of_a_prefix_gets_the_next_number(host: Any, tmp_path: Path) -> None:
    folder_paths = host("folder_paths")
    output = str(tmp_path / "output")
    (tmp_path / "output" / "sub").mkdir()
    for name in ("p_00001_.png", "p_00007_.png", "p_x_.png", "pq_00050_.png"):
        (tmp_path / "output" / "sub" / name).touch()

    assert folder_paths.get_save_image_path("sub/p", output) == (f"{output}/sub", "p", 8, "sub", "sub/p")
    assert folder_paths.get_save_image_path("new_%width%x%height%", output, 4, 5)[1:3] == ("new_4x5", 1)
    with pytest.raises(ValueError, match="Saving outside the folder is not allowed"):
        folder_paths.get_save_image_path("../out", output)


def test_kinds_of_files_are_told_by_their_names(host: Any) -> None:
    folder_paths = host("folder_paths")
    files = ["a.png", "b.mp4", "c.wav", "d.webp", "e.fbx", "f.txt"]

    assert folder_paths.filter_files_content_types(files, ["image"]) == ["a.png", "d.webp"]
    assert folder_paths.filter_files_content_types(files, ["video", "audio"]) == ["b.mp4", "c.wav"]
    assert folder_paths.filter_files_extensions(files, {".png"}) == ["a.png"]


def test_launch_options_that_this_engine_lacks_are_off(house: Open) -> None:
    opened = house("sinks", settings={"disable_metadata": True, "preview_method": "latent2rgb"})
    args = importlib.import_module("comfy.cli_args").args

    assert opened.packs.host.settings["disable_metadata"] is True
    assert args.disable_metadata is True
    assert args.preview_method.value == "latent2rgb"
    assert args.some_option_of_a_later_version is False
    assert args.base_directory is None
    assert not hasattr(args, "__len__")


def test_a_progress_bar_can_be_taken_over(host: Any) -> None:
    utils = host("comfy.utils")
    told: list[Any] = []
    utils.set_progress_bar_global_hook(lambda *args, **kwargs: told.append((args, kwargs)))

    bar = utils.ProgressBar(4, node_id="9")
    bar.update(1)
    bar.update_absolute(9)

    assert told == [((1, 4, None), {"node_id": "9"}), ((4, 4, None), {"node_id": "9"})]


def test_a_progress_bar_outside_a_node_tells_nobody(host: Any) -> None:
    bar = host("comfy.utils").ProgressBar(2)

    bar.update(1)

    assert bar.current == 1


def test_tensors_are_resized_and_repeated_as_established(host: Any) -> None:
    import torch

    utils = host("comfy.utils")
    picture = torch.arange(2 * 3 * 4 * 8, dtype=torch.float32).reshape(2, 3, 4, 8) / 200

    assert utils.common_upscale(picture, 4, 4, "bilinear", "center").shape == (2, 3, 4, 4)
    assert torch.equal(utils.common_upscale(picture, 8, 4, "nearest-exact", "disabled"), picture)
    assert utils.common_upscale(picture[:, :, None], 4, 2, "area", "disabled").shape == (2, 3, 1, 2, 4)
    assert utils.lanczos(picture, 16, 8).shape == (2, 3, 8, 16)
    assert utils.bislerp(picture, 16, 8).shape == (2, 3, 8, 16)
    assert utils.repeat_to_batch_size(picture, 5).shape[0] == 5
    assert utils.resize_to_batch_size(torch.arange(5), 3).tolist() == [0, 2, 4]
    assert utils.reshape_mask(torch.ones(4, 8), (2, 3, 2, 2)).shape == (2, 3, 2, 2)


def test_tiles_that_overlap_give_the_whole(host: Any) -> None:
    import torch

    utils = host("comfy.utils")
    torch.manual_seed(1)
    picture = torch.rand(2, 3, 37, 50)
    calls: list[int] = []

    class Bar:
        def update(self, value: int) -> None:
            calls.append(value)

    def bigger(part: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.interpolate(part, scale_factor=2, mode="nearest")

    result = utils.tiled_scale(picture, bigger, 16, 12, 4, upscale_amount=2, pbar=Bar())

    assert torch.allclose(result, bigger(picture), atol=1e-5)
    assert len(calls) == 2 * utils.get_tiled_scale_steps(50, 37, 16, 12, 4)
    one_axis = utils.tiled_scale_multidim(torch.rand(1, 2, 30), lambda x: x[:, :1, ::2], (10,), 2, 2, 1, downscale=True)
    assert one_axis.shape == (1, 1, 15)


def test_state_dicts_are_read_without_running_them(host: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pickle

    import torch

    utils = host("comfy.utils")
    tensors = {"a.weight": torch.ones(2, 3), "b.weight": torch.zeros(4, dtype=torch.float16)}
    utils.save_torch_file(tensors, tmp_path / "x.safetensors", {"title": "t"})
    torch.save({"state_dict": tensors}, tmp_path / "x.ckpt")

    class Bomb:
        def __reduce__(self) -> Any:
            return (Path(tmp_path / "exploded").touch, ())

    (tmp_path / "bomb.pt").write_bytes(pickle.dumps({"a": Bomb()}))

    loaded, metadata = utils.load_torch_file(str(tmp_path / "x.safetensors"), return_metadata=True)
    assert metadata == {"title": "t"}
    assert torch.equal(loaded["a.weight"], tensors["a.weight"])
    with pytest.raises(ValueError, match="--allow-pickle"):
        utils.load_torch_file(tmp_path / "x.ckpt")
    monkeypatch.setattr("diffusion.pickle_permission._permitted", True)
    assert set(utils.load_torch_file(tmp_path / "x.ckpt")) == set(tensors)
    with pytest.raises(ValueError, match="holds a program"):
        utils.load_torch_file(tmp_path / "bomb.pt")
    assert not (tmp_path / "exploded").exists()
    assert utils.calculate_parameters(tensors) == 10
    assert utils.weight_dtype(tensors) == torch.float32
    assert set(utils.state_dict_prefix_replace(dict(tensors), {"a.": "z."}, filter_keys=True)) == {"z.weight"}


def test_attributes_are_reached_by_dotted_paths(host: Any) -> None:
    import torch

    utils = host("comfy.utils")
    model = torch.nn.Sequential(torch.nn.Linear(2, 2))

    before = utils.set_attr_param(model, "0.weight", torch.zeros(2, 2))

    assert before.abs().sum() > 0
    assert utils.get_attr(model, "0.weight").abs().sum() == 0
    utils.copy_to_param(model, "0.bias", torch.ones(2))
    assert model[0].bias.tolist() == [1, 1]


def test_devices_say_what_this_machine_has(host: Any) -> None:
    import torch

    mm = host("comfy.model_management")

    assert mm.get_torch_device().type in ("cpu", "cuda", "mps")
    assert mm.intermediate_device() == mm.unet_offload_device() == torch.device("cpu")
    assert mm.get_total_memory(torch.device("cpu")) > mm.get_free_memory(torch.device("cpu")) > 0
    assert mm.dtype_size(torch.float16) == 2
    assert mm.cast_to_device(torch.ones(1), torch.device("cpu"), torch.float16).dtype == torch.float16
    assert mm.is_device_cpu(torch.device("cpu"))
    assert not mm.is_device_cuda(torch.device("cpu"))
    assert issubclass(mm.OOM_EXCEPTION, RuntimeError)
    assert mm.vram_state in mm.VRAMState
    assert mm.load_models_gpu([]) is None
    assert mm.module_size(torch.nn.Linear(3, 2)) == 32
    mm.throw_exception_if_processing_interrupted()
    mm.interrupt_current_processing()
    assert mm.processing_interrupted()
    assert not mm.processing_interrupted()


def test_conditioning_values_are_set_on_a_copy(host: Any) -> None:
    helpers = host("node_helpers")
    original = [["embedding", {"a": [1]}]]

    assert helpers.conditioning_set_values(original, {"b": 2}) == [["embedding", {"a": [1], "b": 2}]]
    assert helpers.conditioning_set_values(original, {"a": [2]}, append=True) == [["embedding", {"a": [1, 2]}]]
    assert original == [["embedding", {"a": [1]}]]


def test_any_socket_name_equals_all_and_a_union_its_parts(host: Any) -> None:
    io = host("comfy.comfy_types").IO

    assert (io.ANY != "ANYTHING") is False
    assert (io.NUMBER != "INT") is False
    assert io.IMAGE != "MASK"
    assert io.IMAGE == "IMAGE"


def test_sampler_lists_are_lists_that_packs_extend(host: Any) -> None:
    samplers = host("comfy.samplers")
    samplers.KSampler.SCHEDULERS.append("of a pack")

    assert samplers.SCHEDULER_NAMES[-1] == "of a pack"
    assert (len(samplers.SAMPLER_NAMES), samplers.KSampler.SAMPLERS[0]) == (42, "euler")


async def test_classes_built_on_save_image_save(house: Open, tmp_path: Path) -> None:
    opened: House = house("subclasses")
    prompt = {
        "1": {"class_type": "MakesPicture", "inputs": {"level": 0.5}},
        "2": {"class_type": "SaveElsewhere", "inputs": {"images": ["1", 0], "filename_prefix": "d/p", "extra": "x"}},
        "3": {"class_type": "PreviewBridge", "inputs": {"images": ["1", 0]}},
        "4": {"class_type": "SaveElsewhere", "inputs": {"images": ["3", 0], "filename_prefix": "e", "extra": ""}},
    }

    ran = await opened.run(prompt, extra_pnginfo={"workflow": {"nodes": []}})

    assert ran.outcome.status == "succeeded", ran.outcome.error
    saved = ran.shown("2", "images")
    assert saved == [{"filename": f"px_mine_0000{n}_.png", "subfolder": "d", "type": "output"} for n in (1, 2)]
    assert ran.shown("3", "images")[0]["type"] == "temp"
    from PIL import Image

    with Image.open(tmp_path / "output" / "d" / "px_mine_00001_.png") as file:
        assert json.loads(file.text["workflow"]) == {"nodes": []}
        assert set(json.loads(file.text["prompt"])) == {"1", "2", "3", "4"}
        assert file.getpixel((0, 0)) == (127, 127, 127)


async def test_built_in_nodes_can_be_called_as_classes(house: Open, tmp_path: Path) -> None:
    opened = house("subclasses")

    ran = await opened.run({"1": {"class_type": "Calls", "inputs": {"size": 64}}})

    assert ran.outcome.status == "succeeded", ran.outcome.error
    assert ran.shown("1", "told") == [
        [2, 4, 8, 8],
        [1, 4, 8, 8],
        "LATENT",
        ["width", "height", "batch_size"],
        16384,
        str(tmp_path / "output"),
    ]


def test_calling_a_built_in_node_wrongly_says_how_it_is_called(house: Open) -> None:
    opened = house("sinks")
    nodes = opened.packs.imports.module("nodes")

    with pytest.raises(TypeError, match=r"EmptyLatentImage has no input 'wide'\. It has: width, height, batch_size"):
        nodes.EmptyLatentImage().generate(wide=3)
    with pytest.raises(TypeError, match="VAEDecode needs the input 'samples'"):
        nodes.VAEDecode().decode(None)
    assert nodes.NODE_CLASS_MAPPINGS["Number"] is opened.module("sinks").Number


def test_nodes_that_a_pack_puts_into_the_hosts_table_are_its_nodes(house: Open, tmp_path: Path) -> None:
    pack = tmp_path / "custom_nodes" / "direct"
    pack.mkdir(parents=True)
    (pack / "__init__.py").write_text(
        "import nodes\n"
        "class Direct:\n"
        "    RETURN_TYPES, FUNCTION = (), 'run'\n"
        "    INPUT_TYPES = classmethod(lambda cls: {'required': {}})\n"
        "    def run(self): return ()\n"
        "nodes.NODE_CLASS_MAPPINGS['Direct'] = Direct\n"
        "NODE_CLASS_MAPPINGS = {}\n"
    )

    opened = house()

    assert opened.engine.catalogue["Direct"].module == "custom_nodes.direct"


def test_built_in_nodes_answer_the_calls_of_v3_classes(house: Open) -> None:
    house("sinks")
    module = importlib.import_module("comfy_extras.nodes_made_up")
    inverted = module.ImageInvert if hasattr(module, "ImageInvert") else None
    assert inverted is not None

    import torch

    (image,) = inverted.execute(torch.zeros(1, 2, 2, 3))

    assert image.min() == 1


def test_every_javascript_folder_of_a_pack_is_served(house: Open, tmp_path: Path) -> None:
    pack = tmp_path / "custom_nodes" / "writes"
    for folder in ("scripts", "own", "declared"):
        (pack / folder).mkdir(parents=True)
    (pack / "pyproject.toml").write_text("[project]\nname = 'project'\n[tool.comfy]\nweb = 'declared'\n")
    (pack / "__init__.py").write_text(
        "import os, nodes\n"
        "WEB_DIRECTORY = './own'\n"
        "nodes.EXTENSION_WEB_DIRS['nowhere'] = 'none'\n"
        "nodes.EXTENSION_WEB_DIRS['another-name'] = os.path.join(os.path.dirname(__file__), 'scripts')\n"
        "NODE_CLASS_MAPPINGS = {}\n"
    )

    report = house().report("writes")

    folders = {"project": "declared", "writes": "own", "another-name": "scripts"}
    assert report.web == {name: str(pack / folder) for name, folder in folders.items()}
    (warning,) = report.warnings
    assert "EXTENSION_WEB_DIRS['nowhere']" in warning
