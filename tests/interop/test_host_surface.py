"""Every name of the established host that packs use: tier 1 works, the others import and say clearly what they lack."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from interop.errors import NotSupported
from interop.placeholders import is_placeholder
from tests.interop.conftest import House, Open
from tests.interop.test_routes import key_of

NAMES: dict[str, int] = {
    line.split()[1]: int(line.split()[0])
    for line in (Path(__file__).parent / "host_names.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
}
ASSIGNED = {
    "comfy.model_patcher.ModelPatcher.calculate_weight",
    "server.PromptServer.instance._easyuse_chooser_node",
}
"""Names that exist only once a pack has assigned to them."""


def tier(number: int) -> list[str]:
    return sorted(name for name, own in NAMES.items() if own == number)


def find(opened: House, dotted: str) -> Any:
    """What a pack gets that writes this name."""
    first, *rest = dotted.split(".")
    imports = opened.packs.imports
    found: Any = imports.module(first) if first in ("nodes", "server") else importlib.import_module(first)
    path = first
    for part in rest:
        path = f"{path}.{part}"
        try:
            found = getattr(found, part)
        except AttributeError:
            found = importlib.import_module(path)
    return found


async def test_every_name_of_tier_one_does_what_packs_expect(house: Open) -> None:
    opened = house("surface")

    ran = await opened.run({"7": {"class_type": "Surface", "inputs": {}}}, client_id="me")

    assert ran.outcome.status == "succeeded", ran.outcome.error
    assert sorted(ran.shown("7", "checked")) == tier(1)
    assert ran.shown("7", "failed") == []
    assert [event.type for event in ran.seen.of("custom")] == ["surface.async", 3, "surface"]


async def test_routes_of_every_kind_are_answered(house: Open) -> None:
    report = house("surface").report("surface")
    base = f"http://127.0.0.1:{report.routes_port}"

    async with aiohttp.ClientSession(base, headers=key_of(report)) as session:
        answers = {
            path: (await session.request(method, path, json={"a": 1})).status
            for method, path in (
                ("GET", "/surface/get"),
                ("POST", "/surface/post"),
                ("PATCH", "/surface/patch"),
                ("GET", "/surface/added"),
                ("GET", "/surface/router"),
                ("GET", "/api/surface/get"),
            )
        }

    assert set(answers.values()) == {200}, answers
    assert {"GET /surface/added", "GET /surface/router", "PATCH /surface/patch"} <= set(report.routes)
    assert report.on_prompt


@pytest.mark.parametrize("number", [2, 3])
def test_every_other_name_imports(house: Open, number: int) -> None:
    opened = house("sinks")

    for name in tier(number):
        if name not in ASSIGNED:
            assert find(opened, name) is not None, name


def test_names_that_are_not_supported_can_be_written_anywhere_and_fail_when_they_are_used(house: Open) -> None:
    opened = house("sinks")
    placeholders = [name for name in NAMES if name not in ASSIGNED and is_placeholder(find(opened, name))]
    assert len(placeholders) > 50

    for name in placeholders:
        value = find(opened, name)
        with pytest.raises(NotSupported, match="not supported by this engine"):
            value()
        with pytest.raises(NotSupported, match=f"instantiated through its subclass Mine_{value.__name__}"):
            type(value)(f"Mine_{value.__name__}", (value,), {})()
        assert not isinstance(5, value)
        assert value | None is not None


def test_a_pack_decorates_and_annotates_with_what_is_not_supported(house: Open, tmp_path: Path) -> None:
    pack = tmp_path / "custom_nodes" / "decorates.py"
    pack.parent.mkdir()
    pack.write_text(
        "from typing import Optional\n"
        "from comfy.ldm.modules.attention import wrap_attn, CrossAttention\n"
        "from comfy.hooks import WrapperHook\n"
        "@wrap_attn\n"
        "def attention(q: CrossAttention, hooks: Optional[WrapperHook] = None) -> WrapperHook['x']:\n"
        "    return q\n"
        "class Uses:\n"
        "    RETURN_TYPES, FUNCTION, OUTPUT_NODE = (), 'run', True\n"
        "    INPUT_TYPES = classmethod(lambda cls: {'required': {}})\n"
        "    def run(self):\n"
        "        attention(1)\n"
        "NODE_CLASS_MAPPINGS = {'Uses': Uses}\n"
    )

    opened = house()
    assert opened.report("decorates").error == ""

    with pytest.raises(NotSupported, match="wrap_attn was used as the decorator of attention, but it is not"):
        opened.module("decorates").attention(1)


def test_names_that_nobody_has_listed_import_from_modules_of_models(house: Open, tmp_path: Path) -> None:
    pack = tmp_path / "custom_nodes" / "newer.py"
    pack.parent.mkdir()
    pack.write_text(
        "from comfy.latent_formats import SD15, HunyuanVideo\n"
        "from comfy.model_base import SDXL, WAN21\n"
        "from comfy.ops import manual_cast, SomethingNewer\n"
        "from comfy.ldm.modules.attention import optimized_attention, AttentionOfTomorrow\n"
        "from comfy_extras.nodes_mask import composite, GrowMask, MaskOfTomorrow\n"
        "import comfy.k_diffusion.sampling as k\n"
        "ABSENT = not hasattr(k, 'sample_of_tomorrow') and hasattr(k, 'sample_euler')\n"
        "NODE_CLASS_MAPPINGS = {}\n"
    )

    opened = house()

    assert opened.report("newer").error == ""
    module = opened.module("newer")
    assert module.ABSENT
    assert is_placeholder(module.HunyuanVideo) and is_placeholder(module.MaskOfTomorrow)
    assert not any(is_placeholder(one) for one in (module.SD15, module.SDXL, module.GrowMask, module.composite))
