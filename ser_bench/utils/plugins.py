"""Plug-ins by name: what the modules of a package define, and what other packages bring through entry points.

A plug-in is a concrete subclass of its kind's base class with a `name`. Adding one is adding one file.
Rule: a name means one thing, and who provides a plug-in is part of what its results depend on. Two of one name are both left out.
      What is left out, these or one that cannot be imported, is named once and stops nothing else; whoever asks for it learns why.
"""

import importlib
import inspect
import os
import pkgutil
import sys
import warnings
from collections.abc import Hashable
from functools import cache, lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

from ser_bench.errors import WrongCall, quoted, unknown
from ser_bench.utils.compiling import find_cache

T = TypeVar("T")
OWN_PACKAGE = __name__.partition(".")[0]
KINDS = ("corpora", "extractors", "models")
LONGEST_REASON = 200
"""Characters of what an import failed with."""


class Known(dict[str, type[T]]):
    """Plug-ins by name, and by its name, or that of its entry point, why one is left out: `absent`."""

    def __init__(self, found: dict[str, type[T]], absent: dict[str, str]) -> None:
        super().__init__(sorted(found.items()))
        self.absent = absent


def discover(kind: str, base: type[T], package: str) -> Known[T]:
    """All plug-ins of a kind, by name.

    Parameters
    ----------
    kind : str
        ``corpora``, ``extractors`` or ``models``: the entry-point group is ``ser_bench.<kind>``.
    base : type
        The kind's base class.
    package : str
        The package whose modules are searched.

    Warns
    -----
    UserWarning
        Once for each name under which nothing can be had: two plug-ins have it, or the one that has it cannot be imported.
    """
    named: dict[str, list[type[T]]] = {}
    absent: dict[str, str] = {}
    folder = importlib.import_module(package).__path__
    for module in [importlib.import_module(f"{package}.{m.name}") for m in pkgutil.iter_modules(folder)]:
        for thing in vars(module).values():
            if _is_plugin(thing, base):
                _add(named, thing)
    for entry in _entries(kind):
        try:
            thing = _load(entry)
            if not _is_plugin(thing, base):
                raise TypeError(f"it is no concrete {base.__name__} with a name")
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # one that exits is as broken as one that raises
            why = f"importing {entry.value} failed with {type(error).__name__}: {quoted(error, LONGEST_REASON)}".removesuffix(": ")
            absent[entry.name] = f"'{entry.name}' of {_distribution(entry)} is left out: {why}; repair or uninstall that package"
            continue
        _add(named, thing)
    absent |= {name: _clash(name, things) for name, things in named.items() if len(things) > 1}
    for reason in absent.values():
        _say(f"{kind}: {reason}")
    return Known({name: things[0] for name, things in named.items() if len(things) == 1}, absent)


def find(kind: str, name: str, known: dict[str, type[T]]) -> type[T]:
    """The plug-in of that name, or an error that says why it is absent or suggests the nearest one."""
    if name in known:
        return known[name]
    if isinstance(known, Known) and name in known.absent:
        raise WrongCall(f"{kind} {known.absent[name]}")
    raise unknown(kind, name, known)


def provider(thing: type) -> str:
    """The distribution that brings a plug-in, with its version; nothing for what is built in or registered by no package.

    >>> provider(dict)
    ''
    """
    return "" if _root(thing.__module__) == OWN_PACKAGE else _provider(thing.__module__, thing)


@cache
def _provider(module: str, thing: Hashable) -> str:
    entries = [entry for kind in KINDS for entry in _entries(kind)]
    mine = [entry for entry in entries if _root(entry.value) == _root(module)]
    # A package may register what another one defines: such an entry has to be loaded to be recognised.
    return next((_distribution(entry) for entry in [*mine, *entries] if _brings(entry, thing)), "")


def _brings(entry: EntryPoint, thing: object) -> bool:
    try:
        return _load(entry) is thing
    except KeyboardInterrupt:
        raise
    except BaseException:  # `discover` says what is wrong with it
        return False


def _add(named: dict[str, list[type[T]]], thing: type[T]) -> None:
    """Give a plug-in its name, once however often it was registered."""
    same = named.setdefault(thing.name, [])  # type: ignore[attr-defined]
    if thing not in same:
        same.append(thing)


def _clash(name: str, things: list[type[T]]) -> str:
    sides = " and ".join(f"{provider(side) or 'ser-bench'} ({side.__module__}.{side.__qualname__})" for side in things)
    return f"'{quoted(name)}' is left out: {len(things)} are called so, of {sides}; rename all but one, or uninstall their packages"


def _is_plugin(thing: Any, base: type) -> bool:
    return (
        inspect.isclass(thing)
        and issubclass(thing, base)
        and not inspect.isabstract(thing)
        and isinstance(getattr(thing, "name", None), str)
    )


def _entries(kind: str) -> list[EntryPoint]:
    """What other packages bring, in the order of their names."""
    return _registered(tuple((folder, _changed(folder)) for folder in sys.path))[kind]


@lru_cache(maxsize=1)
def _registered(places: tuple[tuple[str, int], ...]) -> dict[str, list[EntryPoint]]:
    """Entry points by kind, read once as long as nothing is installed in these folders, each with when it was changed."""
    every = entry_points()
    found = {kind: every.select(group=f"ser_bench.{kind}") for kind in KINDS}
    return {kind: sorted(entries, key=lambda entry: (_distribution(entry), entry.name)) for kind, entries in found.items()}


def _changed(folder: str) -> int:
    try:
        return os.stat(folder or ".").st_mtime_ns
    except OSError:
        return 0


def _load(entry: EntryPoint) -> Any:
    find_cache()
    return entry.load()


def _distribution(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else ""


def _root(module: str) -> str:
    return module.partition(":")[0].partition(".")[0]


@cache
def _say(line: str) -> None:
    warnings.warn(line, stacklevel=4)
