"""Specs gone wrong: a readable spec in, hypothesis strategies for mutants of it out, at the level of bytes (what disks and
editors do), of tokens (what typing does) and of the tree (what somebody does who means it)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from tests.fuzz.spec_texts import Place, at, changed, lines, places, tree_of, written

TOKEN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9.]+|[ \t]+|\n[ ]*|.", re.DOTALL)
PIECES = ("\n", "\n  ", "\t", " ", ":", ": ", "- ", "{", "}", "[", "]", ",", "#", "'", '"', "|", ">", ">-", "&a", "*a",
          "<<: *a", "!!", "!!python/object/apply:os.system", "!!binary", "? ", "---\n", "...\n", "%YAML 1.1\n", "%", "@", "`",
          "${", "}", "${steps}", "${model}", "$${", "~", "null", "yes", "0x", "1e999", "-0.0", "\u202e", "\u2028", "\ufeff",
          "\x00", "\x1b[2J", "\x85", "\r", "\U0001f3b8", "e\u0301", "\\", '"\\ud800"', "extends: [spec.yaml]", "profiles:")
SCALARS = ("", " ", "x", "null", "-1", "0", "0%", "100%", "1e400", "9" * 400, "9" * 400 + "GB", "9" * 30 + "%", "20k", "0.5k",
           "1_000", "٣", "1,5", "6GB", "1.5h", "..", "../..", "/", "/etc/passwd", "~", ".", "a/b", "$(touch canary)",
           "`touch canary`", "'", '"', "\n", "\r\n", "a\nb", "|", "<b>", "[x](javascript:x)", "\u202e", "\x1b[31m", "\x00",
           "\ud83d", "${steps}", "${title}", "${nothing}", "${eval.suites}", "$${steps}", "{x}", "%s", "x" * 70_000, "İ", "ß",
           "-", "--help", "eval.composite", "valid_loss", "d8_depth.yaml", "shared", True, False, None, -1, 0, 1, 2, 63, 64,
           2**31, 2**32, 2**53 + 1, 2**63 - 1, 0.0, -0.0, 0.1, 1e-320, 1e308, [], {}, [[]], {"": ""}, {"zh": "x"}, {"fr": "x"})

AROUND: tuple[Callable[[Any], Any], ...] = (
    lambda value: [value], lambda value: {"en": value}, lambda value: [value, value], lambda value: {str(value)[:80]: value},
    lambda value: str(value), lambda value: value * 2 if isinstance(value, int | float | str | list) else value,
    lambda value: -value if isinstance(value, int | float) else value,
    lambda value: value + 1 if isinstance(value, int | float) else value,
    lambda value: value / 3 if isinstance(value, int | float) else value,
    lambda value: value[::-1] if isinstance(value, str | list) else value,
)


@st.composite
def bytes_of(draw: st.DrawFn, text: str) -> bytes:
    """A few stretches of bytes replaced by others, by parts of the file itself, or by nothing."""
    data = text.encode()
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 12)))
        again = draw(st.integers(0, max(len(data) - 20, 0)))
        piece = draw(st.one_of(st.binary(max_size=4), st.just(b""), st.just(data[again : again + 20])))
        data = data[:start] + piece + data[end:]
    return data


@st.composite
def tokens_of(draw: st.DrawFn, text: str) -> bytes:
    """Tokens left out, doubled, swapped, moved elsewhere, or replaced by some that mean something in YAML."""
    tokens = TOKEN.findall(text)
    places = st.integers(0, len(tokens) - 1)
    for _ in range(draw(st.integers(1, 4))):
        here, there = draw(places), draw(places)
        match draw(st.integers(0, 4)):
            case 0:
                tokens[here] = ""
            case 1:
                tokens[here] += tokens[here]
            case 2:
                tokens[here], tokens[there] = tokens[there], tokens[here]
            case 3:
                tokens[here] = draw(st.sampled_from(PIECES))
            case _:
                tokens[here] += draw(st.sampled_from(PIECES)) + tokens[there]
    return "".join(tokens).encode("utf-8", "surrogatepass")


@st.composite
def trees_of(draw: st.DrawFn, text: str) -> bytes:
    """Values replaced, wrapped, scaled, left out or copied elsewhere, keys renamed, in a spec whose form is right."""
    tree = tree_of(text)
    for _ in range(draw(st.integers(1, 3))):
        tree = draw(_one_change(tree))
    made = lines(tree) if isinstance(tree, dict) and draw(st.booleans()) else written(tree)
    return made.encode("utf-8", "surrogatepass")


def _one_change(tree: Any) -> st.SearchStrategy[Any]:
    paths = st.sampled_from(places(tree))
    values = st.one_of(st.sampled_from(SCALARS), st.text(max_size=20), st.integers(-2**64, 2**64), st.floats(allow_nan=False),
                       paths.map(lambda path: at(tree, path)))
    replaced = st.builds(lambda path, value: changed(tree, path, value), paths, values)
    wrapped = st.builds(lambda path, around: changed(tree, path, around(at(tree, path))), paths, st.sampled_from(AROUND))
    dropped = paths.map(lambda path: _without(tree, path))
    renamed = st.builds(lambda path, name: _renamed(tree, path, name), paths, st.sampled_from(SCALARS).map(str) | st.text())
    return st.one_of(replaced, wrapped, dropped, renamed)


def _without(tree: Any, path: Place) -> Any:
    if not path:
        return None
    holder = at(tree, path[:-1])
    if isinstance(holder, dict):
        return changed(tree, path[:-1], {key: value for key, value in holder.items() if key != path[-1]})
    return changed(tree, path[:-1], [value for index, value in enumerate(holder) if index != path[-1]])


def _renamed(tree: Any, path: Place, name: str) -> Any:
    holder = at(tree, path[:-1]) if path else None
    if not isinstance(holder, dict):
        return tree
    return changed(tree, path[:-1], {name if key == path[-1] else key: value for key, value in holder.items()})


def mutants(text: str) -> st.SearchStrategy[bytes]:
    """Any mutant of a spec."""
    return st.one_of(bytes_of(text), tokens_of(text), trees_of(text))


def overrides(text: str) -> st.SearchStrategy[tuple[str, ...]]:
    """Words for `--set`: keys of the spec with values that may be nonsense."""
    keys = st.sampled_from([".".join(map(str, path)) for path in places(tree_of(text)) if path])
    values = st.one_of(st.sampled_from(SCALARS).map(str), st.sampled_from(PIECES), st.integers().map(str))
    words = st.builds("{}={}".format, keys, values) | st.text(max_size=30)
    return st.one_of(st.just(()), st.lists(words, max_size=2).map(tuple))
