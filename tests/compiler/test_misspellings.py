"""Nothing wrong gets through: every key and option of every shipped spec, misspelt or misplaced, gives an error on its line
that names what was meant. By default a sample, the same every time; with `EXPC_EVERY_SLIP=1` all of them. `pytest -s` prints
the counts."""

from __future__ import annotations

import os
import random
import shutil
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from expc.compiler.diagnostics import Diagnostic, Severity
from expc.compiler.families import family
from expc.compiler.frontend.resolve import Resolved
from expc.compiler.frontend.shapes import Shapes
from expc.compiler.pipeline import Session
from expc.compiler.spec_schema import complete
from expc.compiler.workspace import all_specs
from tests.compiler.misspellings import Slip, names, slips

ROOT = Path(__file__).parents[2]
OF_EACH_KIND = 40
SHAPES = Shapes(complete())
FILES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "specs").rglob("*.yaml"))
Found = tuple[str, Slip]


@cache
def experiments() -> dict[Path, dict[str | None, Resolved]]:
    """The shipped specs and those of the source documents, resolved under each profile."""
    made: dict[Path, dict[str | None, Resolved]] = {}
    for path in [*all_specs(ROOT), *sorted((ROOT / "specs" / "source").glob("*.yaml"))]:
        bare = Session(ROOT, _shapes=SHAPES).compile(path).resolved
        assert bare is not None
        made[path] = {None: bare}
        for name in bare.profiles:
            resolved = Session(ROOT, name, SHAPES).compile(path).resolved
            assert resolved is not None
            made[path][name] = resolved
    return made


def heirs(file: str) -> list[Path]:
    """The specs that a file is part of."""
    return [path for path, by in experiments().items() if file in {one.display for one in by[None].files}]


def every_slip() -> Iterator[Found]:
    for file in FILES:
        contexts: dict[str | None, Any] = {name: one.plain() for name, one in experiments()[heirs(file)[0]].items()}
        chosen = family(contexts[None]["model"]["family"])
        existing = frozenset((*chosen.INDICATORS, *(metric.name for metric in chosen.METRICS)))
        for slip in slips((ROOT / file).read_text(encoding="utf-8"), SHAPES, contexts, existing):
            yield file, slip


def sample(found: list[Found]) -> list[Found]:
    """Up to so many of each kind of slip; the same ones at each run."""
    if os.environ.get("EXPC_EVERY_SLIP"):
        return found
    kinds: dict[str, list[Found]] = defaultdict(list)
    for one in found:
        kinds[one[1].kind].append(one)
    dice = random.Random(0)
    return [one for kind in kinds.values() for one in dice.sample(kind, min(OF_EACH_KIND, len(kind)))]


def errors(workspace: Path, file: str) -> Iterator[Diagnostic]:
    """The errors in a file, of every spec that it is part of, bare and under every profile."""
    for path in heirs(file):
        for profile in experiments()[path]:
            for one in Session(workspace, profile, SHAPES).compile(workspace / path.relative_to(ROOT)).diagnostics:
                if one.severity is Severity.ERROR and one.span is not None and one.span.file.display == file:
                    yield one


def outcome(workspace: Path, file: str, slip: Slip) -> str:
    """`found` with what was meant, `unhelpful` without, or `silent`: no error on the line of the slip."""
    text, line = slip.make()
    whole = (workspace / file).read_text(encoding="utf-8")
    (workspace / file).write_text(text, encoding="utf-8")
    best = "silent"
    for one in errors(workspace, file):
        if one.span is not None and one.span.line == line:
            best = "unhelpful"
            if names(slip.meant, f"{one.help} {one.message}"):
                best = "found"
                break
    (workspace / file).write_text(whole, encoding="utf-8")
    return best


def shown(outcomes: Sequence[tuple[str, str, Slip]]) -> str:
    """A line for each kind: how many, and what became of them."""
    columns = ("found", "unhelpful", "silent", "valid")
    counts = {kind: [sum(one == column and slip.kind == kind for one, _, slip in outcomes) for column in columns]
              for kind in sorted({slip.kind for _, _, slip in outcomes})}
    rows = [f"{'':22}" + "".join(f"{column:>10}" for column in columns)]
    rows += [f"{kind:22}" + "".join(f"{n:10}" for n in numbers) for kind, numbers in counts.items()]
    rows.append(f"{'all':22}" + "".join(f"{sum(column):10}" for column in zip(*counts.values(), strict=True)))
    return "\n".join(rows)


@pytest.mark.timeout(3600)  # all of them take minutes
def test_no_slip_gets_through(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "specs", tmp_path / "specs")
    every = list(every_slip())
    outcomes = [("valid" if slip.valid else outcome(tmp_path, file, slip), file, slip) for file, slip in sample(every)]
    print(f"\n{len(outcomes)} of {len(every)} slips\n{shown(outcomes)}")
    said = {kind: [f"{file}: {slip.where} ({slip.kind})" for one, file, slip in outcomes if one == kind]
            for kind in ("silent", "unhelpful", "valid")}
    assert said["silent"] == []
    assert len(said["unhelpful"]) <= 0.05 * len(outcomes), said["unhelpful"]
    assert sum(bool(slip.valid) for _, slip in every) <= 0.005 * len(every)
    assert len(outcomes) > 500


def test_every_mapping_of_the_schema_is_closed() -> None:
    """A slip in a mapping that takes any key would be taken in silence."""
    mappings = dict(_mappings(complete(), ()))
    assert not [path for path, one in mappings.items() if one.get("additionalProperties") is True]
    open_ones = [path for path, one in mappings.items() if "properties" in one and "additionalProperties" not in one]
    assert open_ones == [("properties", "model")]  # the family closes it


def _mappings(schema: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    if isinstance(schema, list):
        for i, one in enumerate(schema):
            yield from _mappings(one, (*path, str(i)))
    elif isinstance(schema, dict):
        if schema.get("type") == "object":
            yield path, schema
        for key, one in schema.items():
            if key not in ("if", "examples", "default"):
                yield from _mappings(one, (*path, key))
