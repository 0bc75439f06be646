"""Frozen dataclasses to plain values and back: strict both ways, so that a snapshot means one thing.

Decoding takes exactly the fields that the dataclass has; a missing, unknown or wrongly typed one raises `Malformed` with
its place. Types understood: dataclasses, `tuple[X, ...]`, `dict[str, X]`, unions with None, Literal, str, int, float, bool.
A dataclass whose field's type depends on another field says so in `chosen_types(plain values, place)`.
"""

from __future__ import annotations

import dataclasses
import functools
import types
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


class Malformed(ValueError):
    """Plain values that do not fit the dataclass; the message names the place and what was expected."""


def to_plain(value: Any) -> Any:
    """A dataclass tree as dicts, lists and scalars.

    A whole number in a field of fractions comes out as 4.0, as it does when it has been read back: the same experiment has
    one text, however its numbers were computed.
    """
    return _plain(Any, value)


def _plain(kind: Any, value: Any) -> Any:
    if value is None or type(value) in (str, float, bool):  # most of them: a fifth of a series' time was spent below
        return value
    if type(value) is int:
        return float(value) if _is_real(kind) else value
    if isinstance(value, (tuple, list)):
        items = _arguments(kind, tuple)[0]
        return [_plain(items, item) for item in value]
    if isinstance(value, dict):
        items = _arguments(kind, dict)[-1]
        return {key: _plain(items, item) for key, item in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: _plain(hint, getattr(value, name)) for name, hint in _fields(type(value))}
    return value


@functools.cache
def _fields(cls: Any) -> tuple[tuple[str, Any], ...]:
    """Names and types of a dataclass' fields."""
    return tuple((field.name, _hints(cls)[field.name]) for field in dataclasses.fields(cls))


@functools.cache
def _arguments(kind: Any, origin: type) -> tuple[Any, ...]:
    """What a container's annotation says of its items; any of a union's counts."""
    kinds = get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)
    return next((get_args(one) for one in kinds if get_origin(one) is origin), (Any,))


@functools.cache
def _is_real(kind: Any) -> bool:
    kinds = get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)
    return float in kinds and int not in kinds


@functools.cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls)


def from_plain(cls: type[T], value: Any, place: str = "$") -> T:
    """The reverse of `to_plain`. Raises `Malformed`."""
    return _decode(cls, value, place)


def _decode(kind: Any, value: Any, place: str) -> Any:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _decode_union(get_args(kind), value, place)
    if origin is Literal:
        if value not in get_args(kind):
            raise Malformed(f"{place}: {value!r} is none of {', '.join(map(repr, get_args(kind)))}")
        return value
    if origin is tuple:
        return tuple(_decode(get_args(kind)[0], item, f"{place}.{i}") for i, item in enumerate(_expect(list, value, place)))
    if origin is dict:
        items = _expect(dict, value, place).items()
        return {key: _decode(get_args(kind)[1], item, f"{place}.{key}") for key, item in items}
    if dataclasses.is_dataclass(kind):
        return _decode_dataclass(kind, _expect(dict, value, place), place)
    return _decode_scalar(kind, value, place)


def _decode_union(kinds: tuple[Any, ...], value: Any, place: str) -> Any:
    if value is None and type(None) in kinds:
        return None
    candidates = [kind for kind in kinds if kind is not type(None)]
    for kind in candidates[:-1]:
        try:
            return _decode(kind, value, place)
        except Malformed:
            continue
    return _decode(candidates[-1], value, place)


def _decode_dataclass(cls: Any, value: dict[str, Any], place: str) -> Any:
    names = {field.name for field in dataclasses.fields(cls)}
    if wrong := sorted(names ^ set(value)):
        verb = "is missing" if wrong[0] in names else "is unknown"
        raise Malformed(f"{place}: the field {wrong[0]!r} of {cls.__name__} {verb}")
    hints = _hints(cls) | (cls.chosen_types(value, place) if hasattr(cls, "chosen_types") else {})
    return cls(**{name: _decode(hints[name], value[name], f"{place}.{name}") for name in sorted(names)})


def _decode_scalar(kind: Any, value: Any, place: str) -> Any:
    if kind is Any:
        return value
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return _expect(kind, value, place)


def _expect(kind: Any, value: Any, place: str) -> Any:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise Malformed(f"{place}: expected {kind.__name__}, found {type(value).__name__}")
    return value
