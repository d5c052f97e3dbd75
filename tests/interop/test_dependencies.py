"""A missing module is named with the package that brings it."""

from __future__ import annotations

from pathlib import Path

import pytest

from interop.dependencies import cure_for_missing, package_of
from tests.interop.conftest import Open


@pytest.mark.parametrize(
    ("module", "package"),
    [
        ("cv2", "opencv-python-headless"), ("skimage.transform", "scikit-image"), ("yaml", "pyyaml"),
        ("some_library", "some-library"), ("google.generativeai", "google-generativeai"),
    ],
)  # fmt: skip
def test_the_package_is_named_where_its_name_is_another(module: str, package: str) -> None:
    assert package_of(module) == package


def test_a_file_without_requirements_is_told_the_package(tmp_path: Path) -> None:
    assert cure_for_missing("cv2", tmp_path / "pack.py") == "Run: pip install opencv-python-headless"


def test_the_packs_own_list_is_used_and_the_entry_is_named(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("# needed\nnumpy\nopencv_python>=4.8  # pictures\n")

    cure = cure_for_missing("cv2", tmp_path)

    assert cure == (
        f"It is brought by 'opencv_python', which the pack lists. Run: pip install -r '{tmp_path / 'requirements.txt'}'"
    )


def test_a_package_that_the_list_lacks_is_named_as_well(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("numpy\n")

    assert cure_for_missing("sklearn", tmp_path).startswith("It is brought by 'scikit-learn'. Run: pip install -r")


def test_a_module_that_the_host_alone_could_bring_is_not_to_be_installed(house: Open, tmp_path: Path) -> None:
    folder = tmp_path / "custom_nodes"
    folder.mkdir()
    (folder / "asks.py").write_text("import folder_paths.made_up\n")
    (folder / "reads.py").write_text("from comfy_config.types import ProjectConfig\nNODE_CLASS_MAPPINGS = {}\n")

    opened = house()

    assert opened.report("reads").ok
    assert "needs the host's module 'folder_paths.made_up'. This engine does not know" in opened.report("asks").error
    assert "pip" not in opened.report("asks").error
