"""What packs see when they import, and what our own code sees."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from interop.errors import NotSupported
from interop.namespace import SHARED, SURFACE
from tests.interop.conftest import SPECIMENS, Open


async def test_every_way_to_import_gives_the_host(house: Open) -> None:
    opened = house("importer")
    assert opened.report("importer").ok, opened.report("importer").error

    ran = await opened.run({"1": {"class_type": "Uses", "inputs": {"what": "checks"}}})

    assert ran.shown("1", "failed") == []
    assert ran.shown("1", "checks") == [11]


def test_generic_names_and_the_loop_of_the_host_are_there_for_packs_alone(house: Open) -> None:
    from interop.placeholders import is_placeholder

    module = house("importer").module("importer")

    assert [is_placeholder(value) for value in module.placeholders] == [True, True, True, True, False, False]
    assert module.LOOP.is_running()
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("utils.install_util")


def test_a_pack_behind_a_link_sees_the_host_in_all_its_modules(house: Open, tmp_path: Path) -> None:
    import shutil

    elsewhere = tmp_path / "elsewhere" / "linked"
    shutil.copytree(SPECIMENS / "importer", elsewhere, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "custom_nodes").mkdir()
    (tmp_path / "custom_nodes" / "linked").symlink_to(elsewhere)

    opened = house()

    assert opened.report("linked").ok, opened.report("linked").error
    assert all(opened.module("linked").CHECKS.values())


def test_our_code_keeps_its_own_modules(house: Open) -> None:
    import nodes

    house("importer")

    assert importlib.import_module("nodes") is nodes
    assert nodes.catalogue().__class__.__name__ == "Catalogue"
    assert not hasattr(nodes, "MAX_RESOLUTION")
    assert sys.specimen_attribute == 5  # packs change the real module where nothing stands in
    del sys.specimen_attribute


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("call", "comfy.ldm.modules.attention.BasicTransformerBlock was called, but it is not supported"),
        ("subclass", "comfy.ldm.modules.attention.CrossAttention was instantiated through its subclass Layer"),
        ("number", "comfy.ldm.flux.layers.SingleStreamBlock.sizes was iterated over"),
    ],
)
async def test_an_unsupported_name_fails_only_when_it_is_used(house: Open, what: str, message: str) -> None:
    opened = house("importer")

    ran = await opened.run({"1": {"class_type": "Uses", "inputs": {"what": what}}})

    assert ran.outcome.status == "failed"
    assert message in ran.message


def test_every_counted_host_name_can_be_imported(house: Open) -> None:
    opened = house("sinks")
    missing = []
    for module_name, names in SURFACE.items():
        shared = module_name in SHARED
        module = opened.packs.imports.module(module_name) if shared else importlib.import_module(module_name)
        missing += [f"{module_name}.{name}" for name in names.split() if not hasattr(module, name)]

    assert missing == []


def test_placeholders_can_be_mixed_compared_and_annotated() -> None:
    from abc import ABC

    from interop.placeholders import is_placeholder, placeholder

    base = placeholder("comfy.controlnet.ControlBase")

    class Mixed(ABC, base):  # type: ignore[misc, valid-type]
        kind = base.StrengthType.CONSTANT

        def method(self, other: base | None) -> bool:  # type: ignore[valid-type]
            return isinstance(other, base)

    assert is_placeholder(Mixed)
    assert not isinstance(5, base)
    assert base.StrengthType.CONSTANT is Mixed.kind
    assert not hasattr(base, "__iter__nothing")
    with pytest.raises(NotSupported, match=r"through its subclass Mixed"):
        Mixed()
    with pytest.raises(NotSupported, match=r"used as a number"):
        int(base.size)
