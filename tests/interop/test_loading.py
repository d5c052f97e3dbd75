"""Packs that load, and packs that must not hinder others."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from interop import PackReport
from tests.interop.conftest import SPECIMENS, Open

HOSTILE = tuple(sorted(f"hostile/{path.name}" for path in (SPECIMENS / "hostile").iterdir()))


def test_hostile_packs_are_reported_with_place_and_cure_and_stop_nobody(house: Open) -> None:
    began = time.monotonic()
    told: list[PackReport] = []

    opened = house(*HOSTILE, idle=0.2, deadline=1.0, on_report=lambda loaded, report: told.append(report))

    assert time.monotonic() - began < 10
    reports = {report.name: report for report in opened.packs}
    assert sorted(report.name for report in told) == sorted(reports)
    failed = {name: (report.where, report.error) for name, report in reports.items() if not report.ok}
    assert set(reports) - set(failed) == {"z_good"}
    assert "Survivor" in opened.engine.catalogue
    expected = {
        "a_syntax_error": ("a_syntax_error/__init__.py:4", "SyntaxError", "Correct that line"),
        "b_exits": ("b_exits/__init__.py:3", "called sys.exit(3) while being imported", "Remove that call"),
        "c_blocks": ("", "still importing after 1 seconds, at c_blocks/__init__.py:3", "disable the pack"),
        "d_spins": ("", "still importing after 1 seconds, at d_spins/__init__.py:", "disable the pack"),
        "e_missing_module": ("e_missing_module/__init__.py:1", "'no_such_module_at_all'", "requirements.txt"),
        "f_raises": ("f_raises/inner.py:3", "KeyError: 'key'", "Report this to its author"),
        "g_no_nodes": ("", "declares no nodes", "Add one of them"),
        "h_wrong_mapping": ("", "NODE_CLASS_MAPPINGS is a list", "Make it a dict"),
        "i_uses_unsupported": (
            "i_uses_unsupported/__init__.py:3",
            "comfy.ldm.flux.layers.apply was called",
            "not supp",
        ),
    }
    assert set(failed) == set(expected)
    for name, (where, what, cure) in expected.items():
        assert failed[name][0] == where, name
        assert what in failed[name][1], failed[name]
        assert cure in failed[name][1], failed[name]


def test_a_slow_pack_still_loads_and_does_not_hold_up_the_next(house: Open, tmp_path: Path) -> None:
    slow = tmp_path / "custom_nodes" / "a_slow"
    slow.mkdir(parents=True)
    (slow / "__init__.py").write_text("import time\ntime.sleep(0.5)\nNODE_CLASS_MAPPINGS = {}\n")
    order: list[str] = []

    house("sinks", idle=0.1, deadline=20, on_report=lambda loaded, report: order.append(report.name))

    assert order == ["sinks", "a_slow"]


def test_packs_that_hang_are_left_to_themselves_while_the_others_are_published(house: Open, tmp_path: Path) -> None:
    for name, body in {"a_waits": "import time\ntime.sleep(5)\n", "b_spins": "while True:\n    pass\n"}.items():
        pack = tmp_path / "custom_nodes" / f"{name}.py"
        pack.parent.mkdir(exist_ok=True)
        pack.write_text(body)
    began = time.monotonic()

    opened = house("single_file.py", idle=0.6, deadline=3.0, wait=False)

    assert time.monotonic() - began < 2.9, "nobody waited for their deadline"
    assert opened.packs.pending == ["a_waits", "b_spins"]
    assert [report.name for report in opened.packs if report.ok] == ["single_file"]
    opened.packs.wait()
    assert opened.packs.pending == []
    assert not opened.report("a_waits").ok


def test_a_pack_that_hung_at_the_last_start_comes_after_the_others(house: Open, tmp_path: Path) -> None:
    order = tmp_path / "order.txt"
    note = "with open({!r}, 'a') as file:\n    file.write('{} ')\n"
    folder = tmp_path / "custom_nodes"
    folder.mkdir()
    (folder / "a_spins.py").write_text(note.format(str(order), "a") + "while True:\n    pass\n")
    (folder / "b_good.py").write_text(note.format(str(order), "b") + "NODE_CLASS_MAPPINGS = {}\n")

    house(deadline=0.2)
    house(deadline=0.2)

    assert order.read_text() == "a b b a "


def test_a_pack_that_brings_in_a_slow_library_keeps_its_turn(house: Open, tmp_path: Path) -> None:
    (tmp_path / "libraries").mkdir()
    (tmp_path / "libraries" / "slow_library_of_a_pack.py").write_text("import time\ntime.sleep(0.6)\n")
    pack = tmp_path / "custom_nodes" / "a_slow.py"
    pack.parent.mkdir()
    pack.write_text(
        f"import sys\nsys.path.insert(0, {str(tmp_path / 'libraries')!r})\n"
        "import slow_library_of_a_pack\nNODE_CLASS_MAPPINGS = {}\n"
    )

    opened = house("sinks", idle=0.2)

    assert [report.name for report in opened.packs] == ["a_slow", "sinks"]


def test_a_prestartup_script_that_hangs_holds_up_its_own_pack_alone(house: Open, tmp_path: Path) -> None:
    pack = tmp_path / "custom_nodes" / "a_hangs"
    pack.mkdir(parents=True)
    (pack / "prestartup_script.py").write_text("import time\ntime.sleep(5)\n")
    (pack / "__init__.py").write_text("NODE_CLASS_MAPPINGS = {}\n")

    opened = house("sinks", idle=0.1, deadline=1.0)

    assert [(report.name, report.ok) for report in opened.packs] == [("sinks", True), ("a_hangs", False)]
    assert "still importing after 1 seconds, at a_hangs/prestartup_script.py:2" in opened.report("a_hangs").error


def test_a_pack_in_our_own_style_gets_its_name_before_its_ids(house: Open) -> None:
    opened = house("native_pack")

    assert {"native_pack.halve", "native_pack.double"} <= set(opened.engine.catalogue)
    assert opened.engine.catalogue["native_pack.halve"].module == "custom_nodes.native_pack"
    assert opened.engine.catalogue["native_pack.halve"].display_name == "Halve"


async def test_nodes_of_both_styles_connect(house: Open) -> None:
    both = house("sinks", "native_pack")
    prompt = {
        "1": {"class_type": "Number", "inputs": {"value": 5}},
        "2": {"class_type": "native_pack.halve", "inputs": {"value": ["1", 0]}},
        "3": {"class_type": "Show", "inputs": {"value": ["2", 0]}},
    }

    assert (await both.run(prompt)).shown("3", "values") == [2.5]


def test_a_file_is_a_pack_and_a_disabled_name_is_none(house: Open) -> None:
    opened = house("single_file.py", "hostile/off.py.disabled")

    assert [report.name for report in opened.packs] == ["single_file"]
    assert "Single" in opened.engine.catalogue


def test_prestartup_scripts_run_before_any_pack_is_imported(house: Open) -> None:
    opened = house("prestart")

    assert opened.module("prestart").SEEN == "ran"


def test_disabled_packs_are_not_imported_unless_whitelisted(house: Open) -> None:
    opened = house("sinks", "blockers", disabled=True, whitelist=("blockers",))

    assert [report.name for report in opened.packs] == ["blockers"]


def test_built_in_nodes_cannot_be_replaced(house: Open) -> None:
    opened = house("subclasses")

    assert opened.engine.catalogue["EmptyLatentImage"].module == "nodes"
    (warning,) = opened.report("subclasses").warnings
    assert "'EmptyLatentImage'" in warning
    assert "stays as it is" in warning


def test_javascript_folders_are_reported_with_the_name_they_are_served_under(house: Open) -> None:
    opened = house("routes_and_web", "web_from_toml", "sinks")
    served = {report.name: {name: Path(folder).name for name, folder in report.web.items()} for report in opened.packs}

    assert served == {
        "routes_and_web": {"routes_and_web": "js"}, "web_from_toml": {"named-otherwise": "web"}, "sinks": {},
    }  # fmt: skip


def test_a_second_pack_of_the_same_name_is_refused(house: Open, tmp_path: Path) -> None:
    import nodes
    from graph_runtime.folders import Folders
    from interop import close_packs, load_packs

    for place in ("one", "two"):
        pack = tmp_path / place / "twin"
        pack.mkdir(parents=True)
        (pack / "__init__.py").write_text("NODE_CLASS_MAPPINGS = {}\n")

    loaded = load_packs([tmp_path / "one", tmp_path / "two"], Folders(tmp_path), nodes.catalogue())
    close_packs(loaded)

    assert [report.ok for report in loaded] == [True, False]
    assert "A pack of this name is loaded already" in loaded[1].error


def test_closing_leaves_no_module_of_packs_or_host_behind(house: Open, tmp_path: Path) -> None:
    import nodes
    from graph_runtime.folders import Folders
    from interop import close_packs, load_packs
    from tests.interop.conftest import open_house

    before = set(sys.modules)
    opened = open_house(tmp_path / "x", ("importer", "sinks"))
    assert "comfy.utils" in sys.modules
    close_packs(opened.packs)
    opened.engine.close()

    left = {name for name in set(sys.modules) - before if name.startswith(("comfy", "folder_paths", "custom_nodes."))}
    assert left == set()
    assert sys.modules["nodes"] is nodes
    loaded = load_packs([], Folders(tmp_path), nodes.catalogue())
    assert list(loaded) == []
    close_packs(loaded)


def test_a_pack_that_changes_the_working_directory_changes_it_for_nobody(house: Open, tmp_path: Path) -> None:
    pack = tmp_path / "custom_nodes" / "moves.py"
    pack.parent.mkdir()
    pack.write_text("import os\nos.chdir('/')\nNODE_CLASS_MAPPINGS = {}\n")
    before = Path.cwd()

    house()

    assert Path.cwd() == before


def test_reports_travel_as_data(house: Open) -> None:
    import json

    data = [report.to_data() for report in house("sinks", "hostile/b_exits").packs]

    by_name = {entry["name"]: entry for entry in json.loads(json.dumps(data))}
    assert by_name["sinks"]["ok"] is True
    assert by_name["sinks"]["error"] is None
    assert "Number" in by_name["sinks"]["nodes"]
    assert by_name["b_exits"]["ok"] is False


def test_choices_are_listed_anew(house: Open) -> None:
    opened = house("own_folders")
    opened.packs.relist()
    before = opened.packs.specs()
    lora = opened.folders.data_dir / "models" / "more_loras"
    lora.mkdir(parents=True)
    (lora / "new.special").touch()

    opened.packs.relist()
    after = opened.packs.specs()

    def choices(specs: list[object]) -> list[str]:
        return next(list(spec.inputs[0].choices) for spec in specs if spec.id == "Lists")  # type: ignore[attr-defined]

    assert (choices(before), choices(after)) == (["None"], ["None", "new.special"])
