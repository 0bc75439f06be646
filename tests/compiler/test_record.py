"""Our frozen classes do what those of `dataclasses` do."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from dataclasses import field
from typing import Any

import pytest

from expc.compiler.contract.record import dataclass


@dataclass(frozen=True)
class Ours:
    """One of each kind of field."""

    name: str
    size: int = 3
    tags: dict[str, int] = field(default_factory=dict, compare=False)
    text: str = field(default="", repr=False)
    column: int = field(default=1, kw_only=True, compare=False)


@dataclass(frozen=True)
class Longer(Ours):
    """With a field more, and a method of its own."""

    last: str = "z"

    def __repr__(self) -> str:
        return f"<{self.last}>"


Theirs: Any = dataclasses.make_dataclass("Ours", [(one.name, one.type, one) for one in dataclasses.fields(Ours)], frozen=True)
CALLS: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    (("a",), {}), (("a", 4), {}), ((), {"name": "a"}), (("a",), {"tags": {"x": 1}}), (("a", 4, {}, "t"), {"column": 7}),
    ((), {"size": 1, "name": "b", "text": "u"}), ((), {}), ((), {"size": 1}), (("a",), {"name": "b"}), (("a",), {"nmae": "b"}),
    (("a", 1, {}, "t", 5), {})]


@pytest.mark.parametrize(("values", "named"), CALLS)
def test_they_are_made_alike(values: tuple[Any, ...], named: dict[str, Any]) -> None:
    made: list[object] = []
    for kind in (Ours, Theirs):
        try:
            made.append(dataclasses.asdict(one := kind(*values, **named)) | {"repr": repr(one)})
        except TypeError:
            made.append(TypeError)
    assert made[0] == made[1]


def test_they_are_equal_by_what_is_compared() -> None:
    assert Ours("a", tags={"x": 1}, column=5) == Ours("a") and hash(Ours("a", column=5)) == hash(Ours("a"))
    assert Ours("a") != Ours("b") and Ours("a") != Longer("a") and Ours("a") != ("a", 3)
    assert {Ours("a"), Ours("a", 3)} == {Ours("a")}


def test_they_share_no_default_that_is_made() -> None:
    Ours("a").tags["x"] = 1
    assert Ours("a").tags == {}


def test_nothing_of_them_can_be_changed() -> None:
    one: Any = Ours("a")
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.size = 4
    with pytest.raises(dataclasses.FrozenInstanceError):
        del one.size


def test_they_can_be_replaced_copied_and_sent() -> None:
    one = Longer("a", 4, last="y", column=2)
    assert dataclasses.replace(one, size=5) == Longer("a", 5, last="y")
    assert copy.deepcopy(one) == one == pickle.loads(pickle.dumps(one)) and repr(one) == "<y>"
    assert [each.name for each in dataclasses.fields(one)] == ["name", "size", "tags", "text", "column", "last"]
