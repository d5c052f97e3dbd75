"""What the code of a pack gets when it imports: stand-ins for the host, everything else as usual.

Our own packages `nodes` and `server` share names with modules that packs import. So code of packs is loaded with its
own built-in functions, in which `__import__` knows the host's modules; our code, and the libraries, keep the usual
one. Modules with names of their own (`folder_paths`, `comfy.*`, …) are found by an ordinary finder as well.
"""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Iterator, MutableMapping, Sequence
from importlib.abc import Loader
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

import nodes
from interop.namespace import GENERIC, ROOTS, SHARED
from interop.placeholders import PlaceholderModule
from interop.standins import FILES, fill, make

__all__ = ["PackImports", "active"]

_active: PackImports | None = None


def active() -> PackImports | None:
    """The installed view, or None."""
    return _active


class PackImports:
    """The finders of one worker, and the view that packs have of the import system.

    Args:
        roots: directories whose code counts as packs' code; more can be added while packs load.
    """

    def __init__(self, roots: Sequence[Path] = ()) -> None:
        self.roots = [str(path.resolve()) for path in roots]
        self.shared: dict[str, ModuleType] = {}
        self._known: dict[str, bool] = {}
        self.builtins: dict[str, Any] = {**vars(builtins), "__import__": self._import}
        self._views = {
            "sys": _View(sys, {"modules": _Modules(self)}),
            "inspect": _View(inspect, {"getfile": self._file_of}),
            "importlib.util": _View(
                importlib.util,
                {"spec_from_file_location": self._spec_from_file, "find_spec": self._find_spec},
            ),
        }
        self._views["importlib"] = _View(
            importlib, {"import_module": self._import_module, "util": self._views["importlib.util"]}
        )
        self._host = _HostFinder()
        self._packs = _PackFinder(self)

    def install(self) -> None:
        """Make host modules importable, and load modules of packs with the packs' view."""
        if self._packs not in sys.meta_path:
            sys.meta_path.insert(0, self._packs)
            sys.meta_path.append(self._host)
        global _active
        _active = self

    def uninstall(self) -> None:
        """Undo `install`, and forget every host module."""
        for finder in (self._packs, self._host):
            if finder in sys.meta_path:
                sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if name.partition(".")[0] in ROOTS]:
            del sys.modules[name]
        self.shared.clear()
        global _active
        _active = None

    def spec(self, name: str, path: Path) -> ModuleSpec:
        """The spec of a pack's file or of the folder it is the `__init__.py` of."""
        search = [str(path.parent)] if path.name == "__init__.py" else None
        loader = _PackLoader(name, str(path), self.builtins)
        spec = importlib.util.spec_from_file_location(name, path, loader=loader, submodule_search_locations=search)
        assert spec is not None
        return spec

    def module(self, name: str) -> ModuleType:
        """The host module that shares its name with a package of ours."""
        if name not in self.shared:
            module = make(name)
            assert module is not None, name
            module.__spec__ = ModuleSpec(name, None, origin=module.__file__)
            self.shared[name] = module
            try:
                fill(module)
            except BaseException:
                del self.shared[name]
                raise
        return self.shared[name]

    def add_root(self, path: Path) -> None:
        """Count a file or folder as packs' code, wherever links put it."""
        self.roots.append(str(path.resolve()))
        self._known.clear()

    def is_pack_path(self, path: str | None) -> bool:
        """Whether a file or folder belongs to a pack, after following links."""
        if not path:
            return False
        found = self._known.get(path)
        if found is None:
            real = str(Path(path).resolve())
            found = self._known[path] = any(real == root or real.startswith(root + "/") for root in self.roots)
        return found

    def adopt(self, spec: ModuleSpec | None) -> ModuleSpec | None:
        """Give a spec of a pack's source file the loader that shows the packs' view."""
        if spec is not None and type(spec.loader) is SourceFileLoader and self.is_pack_path(spec.loader.path):
            spec.loader = _PackLoader(spec.loader.name, spec.loader.path, self.builtins)
        return spec

    def _import(
        self,
        name: str,
        globals: dict[str, Any] | None = None,
        locals: dict[str, Any] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> Any:
        top = name.partition(".")[0]
        if level == 0 and top in SHARED:
            return self._shared(name)
        if level == 0 and top in ("sys", "importlib", "inspect"):
            module = builtins.__import__(name, globals, locals, fromlist, level)
            return self._views.get(name if fromlist else top, module)
        try:
            return builtins.__import__(name, globals, locals, fromlist, level)
        except ModuleNotFoundError as error:
            if level == 0 and top in GENERIC and error.name == top:
                return _generic(name if fromlist else top, name)
            raise

    def _shared(self, name: str) -> ModuleType:
        top, dot, _ = name.partition(".")
        if dot and top == "nodes" and PathFinder.find_spec(name, nodes.__path__) is not None:
            return importlib.import_module(name)  # `nodes.sockets` and kin: ours, the host's `nodes` has no modules
        if dot:
            raise ModuleNotFoundError(f"No module named {name!r}; {top!r} is not a package", name=name)
        return self.module(top)

    def _import_module(self, name: str, package: str | None = None) -> ModuleType:
        top = name.partition(".")[0]
        if top in SHARED:
            return self._shared(name)
        try:
            return self._views.get(name) or importlib.import_module(name, package)
        except ModuleNotFoundError as error:
            if top in GENERIC and error.name == top:
                return _generic(name, name)
            raise

    def _file_of(self, thing: Any) -> str:
        """`inspect.getfile`, which looks for the module of a class in `sys.modules`."""
        if isinstance(thing, type) and thing.__module__ in SHARED:
            return str(self.module(thing.__module__).__file__)
        return inspect.getfile(thing)

    def _spec_from_file(self, name: str, location: Any = None, **kwargs: Any) -> ModuleSpec | None:
        return self.adopt(importlib.util.spec_from_file_location(name, location, **kwargs))

    def _find_spec(self, name: str, package: str | None = None) -> ModuleSpec | None:
        if name in SHARED:
            return ModuleSpec(name, None)
        return importlib.util.find_spec(name, package)


class _PackLoader(SourceFileLoader):
    """Runs a module with the packs' built-in functions."""

    def __init__(self, name: str, path: str, names: dict[str, Any]) -> None:
        super().__init__(name, path)
        self._builtins = names

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__["__builtins__"] = self._builtins
        super().exec_module(module)


class _PackFinder:
    """Finds modules below the packs' folders before anyone else does."""

    def __init__(self, imports: PackImports) -> None:
        self._imports = imports

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        places = sys.path if path is None else list(path)
        mine = [place for place in places if self._imports.is_pack_path(place)]
        if not mine or (path is None and name.partition(".")[0] in SHARED | ROOTS):
            return None
        if path is None and self._found_elsewhere(name, places, mine):
            return None
        return self._imports.adopt(PathFinder.find_spec(name, mine, target))

    @staticmethod
    def _found_elsewhere(name: str, places: Sequence[str], mine: Sequence[str]) -> bool:
        """Whether a directory that comes before the packs' own on the search path has the module."""
        before = list(places[: places.index(mine[0])])
        return bool(before) and PathFinder.find_spec(name, before) is not None


class _HostFinder:
    """Finds the host modules whose names belong to nobody else."""

    def find_spec(self, name: str, path: object, target: ModuleType | None = None) -> ModuleSpec | None:
        if name.partition(".")[0] not in ROOTS:
            return None
        module = make(name)
        return None if module is None else ModuleSpec(name, _Made(module), is_package=hasattr(module, "__path__"))


class _Made(Loader):
    """Loader of a module that was made to be filled."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        fill(module)


class _View(ModuleType):
    """A module as packs see it: some names replaced, the rest, assignments included, is the module itself."""

    def __init__(self, module: ModuleType, replaced: dict[str, Any]) -> None:
        ModuleType.__init__(self, module.__name__)
        object.__getattribute__(self, "__dict__").update(replaced, _viewed=module)

    def __getattribute__(self, name: str) -> Any:
        mine = object.__getattribute__(self, "__dict__")
        if name in mine and name not in ("__name__", "__doc__", "__loader__", "__spec__", "__package__"):
            return mine[name]
        return getattr(mine["_viewed"], name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(object.__getattribute__(self, "__dict__")["_viewed"], name, value)

    def __delattr__(self, name: str) -> None:
        delattr(object.__getattribute__(self, "__dict__")["_viewed"], name)


class _Modules(MutableMapping[str, ModuleType]):
    """`sys.modules` as packs see it: the host's modules are in it, as if it had imported them all."""

    def __init__(self, imports: PackImports) -> None:
        self._imports = imports

    def __getitem__(self, name: str) -> ModuleType:
        if name in SHARED:
            return self._imports.module(name)
        if name in FILES and name not in sys.modules:
            return importlib.import_module(name)
        return sys.modules[name]

    def __setitem__(self, name: str, module: ModuleType) -> None:
        (self._imports.shared if name in SHARED else sys.modules)[name] = module

    def __delitem__(self, name: str) -> None:
        del (self._imports.shared if name in SHARED else sys.modules)[name]

    def __iter__(self) -> Iterator[str]:
        return iter(list(dict.fromkeys([*sys.modules, *SHARED])))

    def __len__(self) -> int:
        return len(set(sys.modules) | SHARED)

    def copy(self) -> dict[str, ModuleType]:
        """An ordinary dict with the same modules."""
        return dict(self)


def _generic(returned: str, wanted: str) -> ModuleType:
    """The placeholder of a host package with an everyday name, with the modules below it as attributes."""
    parts = wanted.split(".")
    made = [PlaceholderModule(".".join(parts[: end + 1])) for end in range(len(parts))]
    for parent, child, name in zip(made, made[1:], parts[1:], strict=False):
        setattr(parent, name, child)
    return made[-1] if returned == wanted and len(parts) > 1 else made[0]
