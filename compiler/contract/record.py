"""`dataclass` for the contract and the compiler, which hold more than a hundred frozen ones. In: a class. Out: the same as from
`dataclasses`. Its own decorator compiles six methods for each frozen class whenever a process imports it, which was a quarter
of what `expc check` does; here they share theirs. Type checkers see the original."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(cls: type | None = None, *, frozen: bool = False, **options: Any) -> Any:
        """`dataclasses.dataclass`; a frozen class without further options takes its methods from here."""
        if not frozen or options:
            return dataclasses.dataclass(cls, frozen=frozen, **options)
        return _record if cls is None else _record(cls)


class _Fields(NamedTuple):
    names: frozenset[str]
    positional: tuple[str, ...]
    compared: tuple[str, ...]
    shown: tuple[str, ...]
    defaults: dict[str, Any]
    factories: dict[str, Callable[[], Any]]


def _record(cls: type) -> type:
    own = cls.__dict__.copy()
    made: Any = dataclasses.dataclass(init=False, repr=False, eq=False)(cls)
    fields = dataclasses.fields(made)
    made.__record__ = _Fields(
        frozenset(one.name for one in fields), tuple(one.name for one in fields if not one.kw_only),
        tuple(one.name for one in fields if one.compare), tuple(one.name for one in fields if one.repr),
        {one.name: one.default for one in fields if one.default is not dataclasses.MISSING},
        {one.name: one.default_factory for one in fields if one.default_factory is not dataclasses.MISSING})
    shared = {"__init__": _init, "__repr__": _repr, "__eq__": _eq, "__setattr__": _set, "__delattr__": _delete}
    for name, method in shared.items():
        if name not in own:
            setattr(made, name, method)
    if own.get("__hash__") is None:  # Python puts None where a class has only __eq__
        made.__hash__ = _hash
    return cls


def _init(self: Any, /, *values: Any, **named: Any) -> None:
    fields: _Fields = self.__record__
    given = dict(zip(fields.positional, values, strict=False))
    if len(values) > len(given) or not named.keys().isdisjoint(given) or not named.keys() <= fields.names:
        raise TypeError(f"{type(self).__name__} takes once: {', '.join(sorted(fields.names))}")
    given |= named
    if len(given) < len(fields.names):
        made = {name: make() for name, make in fields.factories.items() if name not in given}
        given = {**fields.defaults, **made, **given}
        if missing := fields.names - given.keys():
            raise TypeError(f"{type(self).__name__} needs {', '.join(sorted(missing))}")
    self.__dict__.update(given)


def _repr(self: Any) -> str:
    return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in self.__record__.shown)})"


def _values(self: Any) -> tuple[Any, ...]:
    return tuple([getattr(self, name) for name in self.__record__.compared])


def _eq(self: Any, other: object) -> Any:
    return _values(self) == _values(other) if other.__class__ is self.__class__ else NotImplemented


def _hash(self: Any) -> int:
    return hash(_values(self))


def _set(self: Any, name: str, value: object) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _delete(self: Any, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
