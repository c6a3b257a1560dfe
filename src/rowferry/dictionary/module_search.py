"""Finds and imports the module that defines tables: by its name, or by the path of a file or folder."""

import importlib
import sys
import traceback
from collections.abc import Iterator
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import module_from_spec
from pathlib import Path
from pkgutil import walk_packages
from types import ModuleType

_LIBRARIES = ("site-packages", "dist-packages", "<frozen")
_OURS = str(Path(__file__).parent)


def find_module(place: str) -> ModuleType:
    """The module of a dotted name, or of the path of a file or folder.

    A name is looked for in the current folder too, but last, so that a file there hides no library. So are modules
    beside a file that is given by its path.

    Raises:
        LookupError: There is none, or its code raises anything; the message says what to do.
    """
    if place.endswith(".py") or "/" in place:
        return _by_path(Path(place).expanduser().resolve())
    _look_in(Path.cwd())
    return _imported(place, f"there is no module {place} in {Path.cwd()}, on PYTHONPATH or among installed packages")


def submodules_of(package: ModuleType) -> Iterator[ModuleType]:
    """All modules in a package, imported in the order of their names; none of a module that is no package.

    Raises:
        LookupError: Some of them cannot be imported; its arguments are the reasons of all.
    """
    faults: list[str] = []
    # It imports packages once more, whose faults are known by then.
    for found in walk_packages(getattr(package, "__path__", ()), f"{package.__name__}.", lambda _: None):
        if found.name.rpartition(".")[2] == "__main__":
            continue
        try:
            yield _imported(found.name, f"there is no module {found.name}")
        except LookupError as error:
            faults.append(str(error))
    if faults:
        raise LookupError(*faults)


def _look_in(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


def _by_path(path: Path) -> ModuleType:
    """The module of a file or folder, by the name that it has in the outermost package around it."""
    if not path.exists():
        raise LookupError(f"there is no file {path}; give the path of a Python file, or the name of a module")
    inner = path.with_suffix("") if path.is_file() else path
    inner = inner.parent if inner.name == "__init__" else inner
    folder, names = inner.parent, [inner.name]
    while (folder / "__init__.py").is_file():
        folder, names = folder.parent, [folder.name, *names]
    _look_in(folder)
    _require_own(names[0], folder)
    return _imported(".".join(names), f"there is no module {'.'.join(names)} in {folder}")


def _require_own(name: str, folder: Path) -> None:
    """Import a module from a folder, whatever else has its name; LookupError if that is imported already."""
    importlib.invalidate_caches()
    spec = PathFinder.find_spec(name, [str(folder)])
    if spec is None or "." in name:
        raise LookupError(f"{name} in {folder} cannot be imported by that name; give it one such as mytables.py")
    loaded = sys.modules.get(name)
    if loaded is None:
        _load(name, spec)
    elif _origin(loaded.__spec__) != _origin(spec):
        raise LookupError(
            f"{name} is the name of another module, {_origin(loaded.__spec__)}; rename the one in {folder}"
        )


def _load(name: str, spec: ModuleSpec) -> None:
    module = sys.modules[name] = module_from_spec(spec)
    if spec.loader:
        try:
            spec.loader.exec_module(module)
        except (Exception, SystemExit) as error:
            del sys.modules[name]
            raise LookupError(_what_it_raised(error)) from error


def _origin(spec: ModuleSpec | None) -> object:
    """Where a module comes from: its file, or the folders of a package that has none."""
    return spec and (spec.origin or list(spec.submodule_search_locations or ()))


def _imported(name: str, absent: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and f"{name}.".startswith(f"{error.name}."):
            raise LookupError(f"{absent}; check its name, or give the path of its file") from error
        raise LookupError(_what_it_raised(error)) from error
    except (Exception, SystemExit) as error:
        raise LookupError(_what_it_raised(error)) from error


def _what_it_raised(error: BaseException) -> str:
    """What the code of somebody's module raised, and on which line of theirs."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_theirs(frame.filename)]
    place = f"{frames[-1].filename}, line {frames[-1].lineno}: " if frames else ""
    remedy = "; install it where Rowferry is installed" if isinstance(error, ModuleNotFoundError) else ""
    return f"{place}{type(error).__name__}: {error}{remedy}"


def _is_theirs(file: str) -> bool:
    return not file.startswith(_OURS) and not any(library in file for library in _LIBRARIES)
