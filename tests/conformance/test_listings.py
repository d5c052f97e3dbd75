"""What the server tells about nodes, models, packs and itself (protocol §1.6, §1.7, §1.9)."""

from __future__ import annotations

import io

import aiohttp
import pytest
from PIL import Image

from tests.conformance.client import Client, node

KEYS = [
    "checkpoints", "configs", "loras", "vae", "text_encoders", "diffusion_models", "clip_vision", "style_models",
    "embeddings", "diffusers", "vae_approx", "controlnet", "gligen", "upscale_models", "custom_nodes",
    "hypernetworks", "photomaker", "classifiers", "model_patches", "audio_encoders",
]  # fmt: skip

SHIPPED = "heddle-pastel-lora.safetensors"
"""A LoRA for the embedded model."""


async def test_a_class_is_described_with_every_key(client: Client) -> None:
    info = (await client.get("/object_info/ProbeText"))["ProbeText"]

    assert info == {
        "input": {"required": {"text": ["STRING", {"default": "a", "multiline": True, "odd_key": 7}]}},
        "input_order": {"required": ["text"]},
        "output": ["STRING"],
        "output_is_list": [False],
        "output_name": ["STRING"],
        "output_tooltips": ["the text"],
        "name": "ProbeText",
        "display_name": "A text (probe)",
        "description": "Gives its text.",
        "python_module": "custom_nodes.probe",
        "category": "probe/text",
        "output_node": False,
    }


async def test_flags_appear_only_where_a_class_has_them(client: Client) -> None:
    old = (await client.get("/object_info/ProbeOld"))["ProbeOld"]
    plain = (await client.get("/object_info/ProbeSplit"))["ProbeSplit"]

    assert (old["deprecated"], old["experimental"], old["api_node"]) == (True, True, True)
    assert old["output"] == [["one", "two"], "A,B"]
    assert old["output_name"] == ["pick", "either"]
    assert old["input"]["required"]["seed"][1]["max"] == 2**64 - 1
    assert not {"deprecated", "experimental", "api_node", "output_tooltips"} & set(plain)
    assert (plain["category"], plain["description"], plain["display_name"]) == ("sd", "", "ProbeSplit")
    assert (plain["output_is_list"], plain["output_name"]) == ([True, False], ["letters", "whole"])


async def test_hidden_inputs_are_texts_or_lists_by_convention(client: Client) -> None:
    classic = (await client.get("/object_info/ProbeHidden"))["ProbeHidden"]
    schema = (await client.get("/object_info/SchemaPlain"))["SchemaPlain"]

    assert classic["input"]["hidden"]["me"] == "UNIQUE_ID"
    assert classic["input"]["hidden"]["own"] == "MY_OWN_KIND"
    assert classic["input_order"]["hidden"] == ["me", "prompt", "extra", "dyn", "token", "key", "own"]
    assert schema["input"]["hidden"] == {
        "unique_id": ["UNIQUE_ID"],
        "prompt": ["PROMPT"],
        "extra_pnginfo": ["EXTRA_PNGINFO"],
    }


async def test_a_schema_is_described_with_every_key(client: Client) -> None:
    info = (await client.get("/object_info/SchemaPlain"))["SchemaPlain"]

    given = info["input"]["required"]
    assert given["whole"] == ["INT", {"default": 3, "min": 0, "max": 9, "step": 2, "display": "slider"}]
    assert given["real"][1]["round"] == 0.01
    assert given["words"] == [
        "STRING",
        {"default": "a", "multiline": True, "placeholder": "say", "dynamicPrompts": True},
    ]
    assert given["flag"] == ["BOOLEAN", {"default": True, "label_on": "on", "label_off": "off"}]
    assert given["pick"][0] == "COMBO"
    assert given["pick"][1]["options"] == ["x", "y"]
    assert (given["pick"][1]["default"], given["pick"][1]["tooltip"]) == ("y", "one of two")
    assert list(info["input"]["optional"]) == ["image"]
    assert (info["output"], info["output_name"]) == (["INT", "STRING"], ["number", "STRING"])
    assert info["output_tooltips"] == ["a number", None]
    assert (info["deprecated"], info["experimental"], info["api_node"]) == (False, False, False)
    assert (info["output_node"], info["python_module"]) == (True, "custom_nodes.schema_probe")


async def test_a_class_that_cannot_be_described_is_left_out(client: Client) -> None:
    everything = await client.get("/object_info")

    assert "ProbeBroken" not in everything
    assert {"ProbeText", "SchemaPlain", "KSampler"} <= set(everything)
    assert all(name == info["name"] for name, info in everything.items())
    assert await client.get("/object_info/NoSuchNode") == {}


async def test_file_lists_are_live(client: Client) -> None:
    new = client.host.base / "input" / "just now.png"
    before = (await client.get("/object_info/LoadImage"))["LoadImage"]["input"]["required"]["image"]
    Image.new("RGB", (4, 4)).save(new)

    after = (await client.get("/object_info/LoadImage"))["LoadImage"]["input"]["required"]["image"]
    whole = (await client.get("/object_info"))["LoadImage"]["input"]["required"]["image"]

    new.unlink()
    assert "just now.png" not in before[0] and "just now.png" in after[0]
    assert after == whole
    assert after[1]["image_upload"] is True


async def test_embeddings_are_listed_without_extensions(client: Client) -> None:
    assert await client.get("/embeddings") == ["sub/good"]


async def test_the_keys_of_model_folders_are_listed(client: Client) -> None:
    found = await client.get("/models")

    assert found[: len(KEYS)] == KEYS
    assert not {"unet", "clip"} & set(found)


async def test_model_files_are_listed_by_folder(client: Client) -> None:
    assert await client.get("/models/loras") == ["bare.safetensors", "deep/one.safetensors", SHIPPED]
    assert "old.safetensors" in await client.get("/models/text_encoders")
    assert "old.safetensors" in await client.get("/models/diffusion_models")
    for unknown in ("unet", "clip", "nowhere"):
        assert (await client.ask("GET", f"/models/{unknown}"))[0] == 404


async def test_models_are_listed_with_their_places(client: Client) -> None:
    folders = {entry["name"]: entry["folders"] for entry in await client.get("/experiment/models")}

    assert not {"configs", "custom_nodes"} & set(folders)
    assert folders["loras"][0] == str(client.host.base / "models" / "loras")
    assert str(client.host.base / "output" / "loras") in folders["loras"]
    assert folders["diffusion_models"][0].endswith("unet")
    files = await client.get("/experiment/models/loras")
    assert {entry["name"] for entry in files} == {"bare.safetensors", "deep/one.safetensors", SHIPPED}
    assert set(files[0]) == {"name", "pathIndex", "modified", "created", "size"}
    assert (await client.ask("GET", "/experiment/models/nowhere"))[0] == 404


async def test_a_model_has_the_picture_beside_it(client: Client) -> None:
    path = "/experiment/models/preview/loras/0/deep%2Fone.safetensors"
    async with client.session.get(client.host.url + path) as answer:
        assert (answer.status, answer.headers["Content-Type"]) == (200, "image/webp")
        with Image.open(io.BytesIO(await answer.read())) as image:
            assert image.format == "WEBP"
    assert (await client.ask("GET", "/experiment/models/preview/loras/0/bare.safetensors"))[0] == 404
    assert (await client.ask("GET", "/experiment/models/preview/loras/9/bare.safetensors"))[0] == 404


async def test_scripts_of_packs_are_listed_and_served(client: Client) -> None:
    found = [path for path in await client.get("/extensions") if "/probe/" in path]

    assert found == ["/extensions/probe/probe.js", "/extensions/probe/sub/deep.js"]
    for path in found:
        status, body, headers = await client.ask("GET", path)
        assert (status, "export const" in body) == (200, True)
        assert "javascript" in headers["Content-Type"]


async def test_help_pages_of_packs_are_served(client: Client) -> None:
    assert (await client.ask("GET", "/extensions/probe/docs/ProbeText.md"))[:2] == (200, "# ProbeText\n")
    assert (await client.ask("GET", "/extensions/probe/docs/ProbeText/en.md"))[0] == 404
    assert (await client.ask("GET", "/extensions/probe/docs/..%2F__init__.py"))[0] == 404


async def test_example_workflows_of_packs_are_listed_and_served(client: Client) -> None:
    assert (await client.get("/workflow_templates"))["probe"] == ["first steps"]
    assert (await client.get("/api/workflow_templates/probe/first%20steps.json"))["version"] == 0.4
    assert (await client.ask("GET", "/workflow_templates/probe/first%20steps.json"))[0] == 404


async def test_translations_of_packs_are_merged(client: Client) -> None:
    found = await client.get("/i18n")

    assert found["en"] == {
        "hello": "Hello",
        "settings": {"a": {"name": "A"}},
        "nodeDefs": {"ProbeText": {"display_name": "Text of the probe"}},
    }
    assert found["fr"] == {"commands": {"b": {"label": "B"}}}


async def test_the_gallery_is_a_list_of_groups(client: Client) -> None:
    found = await client.get("/templates/index.json")

    assert isinstance(found, list)
    for group in found:
        assert {"moduleName", "title", "type", "templates"} <= set(group)
        for template in group["templates"]:
            assert {"name", "description", "mediaType", "mediaSubtype"} <= set(template)
            document = await client.get(f"/templates/{template['name']}.json")
            assert (document["version"], type(document["nodes"]), type(document["links"])) == (0.4, list, list)
    assert (await client.ask("GET", "/templates/index_logo.json"))[0] in (200, 404)
    assert (await client.ask("GET", "/templates/..%2Fpyproject.json"))[0] == 404


async def test_the_machine_is_described(client: Client) -> None:
    found = await client.get("/system_stats")

    system = found["system"]
    assert set(system) == {
        "os", "ram_total", "ram_free", "comfyui_version", "required_frontend_version", "installed_templates_version",
        "required_templates_version", "python_version", "pytorch_version", "embedded_python", "argv",
    }  # fmt: skip
    assert system["os"] == "posix" and system["embedded_python"] is False
    assert system["argv"][0] == "main.py" and "--cpu" in system["argv"]
    assert system["pytorch_version"].startswith("2.")
    (device,) = found["devices"]
    assert (device["name"], device["type"], device["index"]) == ("cpu", "cpu", None)
    assert set(device) == {
        "name", "type", "index", "vram_total", "vram_free", "torch_vram_total", "torch_vram_free",
    }  # fmt: skip


async def test_the_log_is_shown_as_text_and_as_lines(client: Client) -> None:
    await client.run({"1": node("ProbeShow", value="x")})

    assert isinstance(await client.get("/internal/logs"), str)
    raw = await client.get("/internal/logs/raw")
    assert set(raw) == {"entries", "size"} and set(raw["size"]) == {"cols", "rows"}
    assert set(raw["entries"][0]) == {"t", "m"}


async def test_folders_are_told_by_key(client: Client) -> None:
    found = await client.get("/internal/folder_paths")

    assert set(KEYS) <= set(found)
    assert found["loras"][0] == str(client.host.base / "models" / "loras")


@pytest.mark.parametrize("kind", ["input", "output", "temp"])
async def test_files_are_listed_newest_first(client: Client, kind: str) -> None:
    folder = client.host.base / kind
    (folder / "newest.txt").write_text("x")
    (folder / ".a.png.1.2.part").write_text("being written")

    found = await client.get(f"/internal/files/{kind}")

    (folder / "newest.txt").unlink()
    (folder / ".a.png.1.2.part").unlink()
    assert found[0] == "newest.txt"
    assert not any("/" in name for name in found)


async def test_other_folders_are_not_listed(client: Client) -> None:
    assert await client.get("/internal/files/models", 400) == {"error": "Invalid directory type"}


async def test_routes_of_packs_are_served_under_both_prefixes(client: Client) -> None:
    for prefix in ("", "/api"):
        assert await client.get(f"{prefix}/probe/hello/you?a=1") == {"hello": "you", "query": {"a": "1"}}
    assert (await client.ask("POST", "/probe/hello/you"))[0] in (404, 405)


async def test_files_of_packs_are_served_in_parts_and_with_their_length(client: Client) -> None:
    status, body, headers = await client.ask("GET", "/probe/file", headers={"Range": "bytes=1-3"})

    assert (status, body, headers["Content-Length"]) == (206, '""S', "3")


async def test_a_pack_talks_over_a_websocket_of_its_own(client: Client) -> None:
    async with client.session.ws_connect(f"{client.host.url}/api/probe/talk") as ws:
        await ws.send_str("hello")
        assert await ws.receive_str(timeout=10) == "you said hello"
        await ws.send_bytes(b"123")
        assert await ws.receive_bytes(timeout=10) == b"321"
        await ws.send_str("bye")
        assert (await ws.receive(timeout=10)).type is aiohttp.WSMsgType.CLOSE
        assert ws.close_code == 4001
