"""Plug-ins by name: what the files of a room define, and what other packages bring through entry points.

A plug-in is a concrete subclass of the room's base class with a `name`. Adding one is adding one file.
Rule: nothing of somebody else's stops, or takes the place of, what is built in: what cannot be imported, and what has a name that is
      taken, is left out, which is said once.
"""

import importlib
import inspect
import pkgutil
import warnings
from collections.abc import Iterator
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

from ser_bench.errors import quoted, unknown
from ser_bench.utils.compiling import find_cache

T = TypeVar("T")


def discover(room: str, base: type[T], package: str) -> dict[str, type[T]]:
    """All plug-ins of a room, by name.

    Parameters
    ----------
    room : str
        ``corpora``, ``extractors`` or ``models``: the entry-point group is ``ser_bench.<room>``.
    base : type
        The room's base class.
    package : str
        The package whose modules are searched.
    """
    folder = importlib.import_module(package).__path__
    modules = [importlib.import_module(f"{package}.{m.name}") for m in pkgutil.iter_modules(folder)]
    found = {thing.name: thing for module in modules for thing in vars(module).values() if _is_plugin(thing, base)}
    for entry, thing in _brought(room):
        if not _is_plugin(thing, base):
            continue
        if found.setdefault(thing.name, thing) is not thing:
            _leave_out(room, entry, f"the name '{quoted(thing.name)}' is taken")
    return dict(sorted(found.items()))


def find(kind: str, name: str, known: dict[str, type[T]]) -> type[T]:
    """The plug-in of that name, or an error that suggests the nearest one."""
    if name not in known:
        raise unknown(kind, name, known)
    return known[name]


def _is_plugin(thing: Any, base: type) -> bool:
    return (
        inspect.isclass(thing)
        and issubclass(thing, base)
        and not inspect.isabstract(thing)
        and isinstance(getattr(thing, "name", None), str)
    )


def _brought(room: str) -> Iterator[tuple[EntryPoint, Any]]:
    """What other packages bring, in the order of their names."""
    for entry in sorted(entry_points(group=f"ser_bench.{room}"), key=lambda entry: (_provider(entry), entry.name)):
        find_cache()
        try:
            yield entry, entry.load()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # one that exits is as broken as one that raises
            _leave_out(room, entry, f"importing {entry.value} failed with {type(error).__name__}: {quoted(error)}".removesuffix(": "))


def _provider(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else ""


@cache
def _leave_out(room: str, entry: EntryPoint, why: str) -> None:
    warnings.warn(f"{room}: '{entry.name}' of {_provider(entry)} is left out: {why}", stacklevel=4)
