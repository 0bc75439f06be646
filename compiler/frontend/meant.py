"""What a key that nobody knows was meant to be. In: a schema, the values of a spec, a key. Out: a near name, the place where
the key belongs, or the keys that there are; never those of another family than the spec's. Of a family that is misspelt, the
near one is taken; where none is near, a name comes with the families that have it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from ..diagnostics import listing, nearest, quote
from .shapes import ANY_ITEM, Path, Shapes
from .strays import keys_of

FEW = 3  # families that are named beside a key


class Meant:
    """The vocabulary of one spec: that of its family."""

    def __init__(self, shapes: Shapes, plain: dict[str, Any]) -> None:
        self.shapes = shapes
        model = plain.get("model")
        named = model if isinstance(model, dict) else {}
        said = named.get("family", next((value for key, value in named.items() if nearest(key, ("family",))), None))
        self.families = _families(shapes)
        self.family = said if said in self.families else nearest(said, self.families) if isinstance(said, str) else None
        self.paths = _paths(shapes, self.family) if self.families else shapes.all_paths

    def names(self, parent: Path) -> list[str]:
        """The keys that the family has at a place; those of every family, where none is near."""
        own = list(dict.fromkeys(one[-1] for one in self.paths if one[:-1] == parent))
        return own if self.family else keys_of(self.shapes, parent)

    def words(self, path: Path, near: str | None, known: list[str], elsewhere: bool) -> str:
        """The next step, where `near` is the nearest key of the same place and `known` are all that its schema has."""
        allowed = self._allowed(path[:-1], known)
        if elsewhere:
            return f"it belongs here only with other settings (of another family, say); {allowed}"
        if (home := self.home(path)) is not None:
            return home + (f"; or did you mean {quote(near)}?" if near else "")
        for one in self.shapes.also.get(path[-1], ()):  # what other programs call it
            if one in self.paths:
                there = "" if one[:-1] == path[:-1] else f", which belongs {_where(one[:-1])}"
                return f"did you mean {quote(one[-1])}{there}?"
        if near is not None:
            return f"did you mean {quote(near)}{'' if known else self._as_in((*path[:-1], near))}?"
        called = {name: one[-1] for name, each in self.shapes.also.items() for one in each
                  if one[:-1] == path[:-1] and one in self.paths}
        if (other := nearest(path[-1], called)) is not None:
            return f"did you mean {quote(called[other])}, elsewhere called {quote(other)}?"
        names = {one[-1]: one[:-1] for one in reversed(self.paths)}
        far = nearest(path[-1], names) if len(path[-1]) > 3 else None
        if far is not None:
            return f"did you mean {quote(far)}, which belongs {_where(names[far])}? {allowed}"
        return allowed

    def home(self, path: Path) -> str | None:
        """Where a key belongs that another place of the schema has under this very name."""
        homes = [_where(one) for one in self.shapes.homes(path[-1], path[:-1], self.paths)]
        return f"{path[-1]} belongs {' or '.join(homes)}" if homes else None

    def _allowed(self, parent: Path, known: list[str]) -> str:
        if known:
            return f"known here: {listing(known)}"
        if self.family and (names := self.names(parent)):
            return f"known here in {self.family}: {listing(names)}"
        return "which keys it may have, its family decides" if self.names(parent) else "no keys are known here"

    def _as_in(self, path: Path) -> str:
        """The families that have a key, where nobody knows which one it is, and not all have it."""
        having = [name for name in self.families if path in _paths(self.shapes, name)]
        return "" if self.family or not having or len(having) == len(self.families) else f" (as in {listing(having, FEW)})"


@lru_cache(maxsize=64)
def _paths(shapes: Shapes, family: str | None) -> list[Path]:
    """The keys that a spec may have; without a family, those that do not hang on it."""
    rules = shapes.schema.get("allOf", ())
    return Shapes(dict(shapes.schema) | {"allOf": [one for one in rules if _of(one) in (None, family)]}).all_paths


def _families(shapes: Shapes) -> list[str]:
    return [name for one in shapes.schema.get("allOf", ()) if (name := _of(one)) is not None]


def _of(rule: Any) -> str | None:
    """The family that a rule of the schema is for."""
    for name in ("if", "properties", "model", "properties", "family", "const"):
        rule = rule.get(name) if isinstance(rule, dict) else None
    return rule if isinstance(rule, str) else None


def _where(home: Path) -> str:
    """The place of a mapping in words."""
    if ANY_ITEM not in home:
        return f"under {'.'.join(home)}" if home else "at the top level"
    at = len(home) - 1 - home[::-1].index(ANY_ITEM)
    item = f"in an item of {'.'.join(home[:at])}"
    return f"under {'.'.join(home[at + 1 :])} {item}" if home[at + 1 :] else item
