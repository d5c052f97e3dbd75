"""A folder is a promise about what it imports; these tests keep the promises."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = {"graph_runtime", "diffusion", "nodes", "interop", "worker", "server", "custom_nodes", "main"}
TORCH_FAMILY = {"torch", "diffusers", "transformers", "accelerate", "peft", "safetensors", "torchsde"}

# What each package may import of ours, and which foreign packages it must not know.
MAY_IMPORT = {
    "graph_runtime": set(),
    "diffusion": set(),
    "nodes": {"graph_runtime", "diffusion"},
    "custom_nodes": {"graph_runtime", "diffusion", "nodes"},
    "interop": {"graph_runtime", "diffusion", "nodes"},
    "worker": {"graph_runtime", "diffusion", "nodes", "interop", "custom_nodes"},
    "server": {"graph_runtime"},
}
MUST_NOT_KNOW = {
    "graph_runtime": TORCH_FAMILY | {"aiohttp", "sqlalchemy"},
    "diffusion": {"aiohttp", "sqlalchemy", "networkx"},
    "nodes": {"aiohttp", "sqlalchemy"},
    "worker": {"sqlalchemy"},
    "server": TORCH_FAMILY,
}
SERVER_MAY_USE = {  # the modules of graph_runtime that run no node
    "api", "attempts", "catalogue", "crash_points", "documents", "errors", "events", "folders", "frames",
    "graph", "json_text", "last_node", "object_info", "problems", "prompt", "shipped", "sizes", "sockets", "validate",
}  # fmt: skip


def modules(package: str) -> list[Path]:
    skip = {"tests", "__pycache__"}
    return [path for path in sorted((ROOT / package).rglob("*.py")) if not skip & set(path.parts)]


def imports(path: Path) -> Iterator[tuple[str, int, bool]]:
    """Yield (dotted name, line, at module level?) of every absolute import."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {
        id(inner)
        for outer in ast.walk(tree)
        if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(outer)
    }
    checking = {
        id(inner)
        for outer in ast.walk(tree)
        if isinstance(outer, ast.If) and "TYPE_CHECKING" in ast.unparse(outer.test)
        for inner in ast.walk(outer)
    }
    for item in ast.walk(tree):
        level = id(item) not in inside and id(item) not in checking
        if isinstance(item, ast.Import):
            yield from ((alias.name, item.lineno, level) for alias in item.names)
        elif isinstance(item, ast.ImportFrom) and item.level == 0 and item.module:
            yield item.module, item.lineno, level


@pytest.mark.parametrize("package", sorted(MAY_IMPORT))
def test_a_package_imports_only_what_its_folder_promises(package: str) -> None:
    allowed, forbidden = MAY_IMPORT[package] | {package}, MUST_NOT_KNOW.get(package, set())
    broken = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in modules(package)
        for name, line, _ in imports(path)
        if (name.split(".")[0] in OURS - allowed) or name.split(".")[0] in forbidden
    ]

    assert broken == []


def test_the_engine_needs_only_the_standard_library_networkx_and_pydantic() -> None:
    libraries = {"networkx", "pydantic", "pydantic_core", "typing_extensions"}
    allowed = set(sys.stdlib_module_names) | libraries | {"graph_runtime"}
    foreign = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in modules("graph_runtime")
        for name, line, _ in imports(path)
        if name.split(".")[0] not in allowed
    ]

    assert foreign == []


def test_the_server_uses_only_the_parts_of_the_runtime_that_run_no_node() -> None:
    broken = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in modules("server")
        for name, line, _ in imports(path)
        if name.startswith("graph_runtime.") and name.split(".")[1] not in SERVER_MAY_USE
    ]

    assert broken == []


def test_built_in_nodes_are_declared_without_torch() -> None:
    broken = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in modules("nodes")
        for name, line, at_module_level in imports(path)
        if at_module_level and name.split(".")[0] in TORCH_FAMILY | {"numpy", "PIL", "scipy"}
    ]

    assert broken == []


@pytest.mark.parametrize("module", ["graph_runtime.api", "graph_runtime.documents", "server.app", "nodes", "main"])
def test_importing_never_brings_torch_or_a_thread(module: str) -> None:
    program = (
        f"import sys, threading\nimport {module}\n"
        f"heavy = sorted(set(sys.modules) & set({sorted(TORCH_FAMILY)!r}))\n"
        "assert not heavy, heavy\nassert threading.active_count() == 1, threading.enumerate()\n"
    )
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)

    assert result.returncode == 0, result.stderr


def test_the_whole_built_in_catalogue_is_ready_without_torch() -> None:
    program = (
        "import sys, nodes\nassert 'KSampler' in nodes.catalogue()\n"
        f"heavy = sorted(set(sys.modules) & set({sorted(TORCH_FAMILY | {'numpy', 'PIL', 'scipy'})!r}))\n"
        "assert not heavy, heavy\n"
    )
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)

    assert result.returncode == 0, result.stderr


def test_no_cycle_between_packages() -> None:
    edges = {
        package: {name.split(".")[0] for path in modules(package) for name, _, _ in imports(path)} & set(MAY_IMPORT)
        for package in MAY_IMPORT
    }
    done: set[str] = {package for package, needs in edges.items() if not needs - {package}}
    while len(done) < len(edges):
        ready = {package for package, needs in edges.items() if needs - {package} <= done} - done
        assert ready, f"these packages import each other: {sorted(set(edges) - done)}"
        done |= ready


@pytest.mark.parametrize("package", [*sorted(MAY_IMPORT), "tests", "benchmarks"])
def test_no_module_is_a_drawer_for_everything(package: str) -> None:
    forbidden = {"utils.py", "helpers.py", "common.py", "manager.py", "misc.py"}

    assert [str(path.relative_to(ROOT)) for path in modules(package) if path.name in forbidden] == []
