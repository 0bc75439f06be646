"""Whether two specs would write the same files. In: compiled specs one after the other, and the manifest. Out: the same specs,
of which one that takes another's name is no longer sound. `check`, `plan` and `build` all look at specs through this."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

from ..contract import names
from ..contract.experiment import Experiment
from ..contract.record import dataclass
from ..diagnostics import Diagnostic, Note, ordered
from ..frontend.resolve import resolve
from ..pipeline import Compiled

HELP = "give it a name of its own: one would overwrite the files of the other"
WORDS = {"name": "name", "launch.name": "launcher", "series.name": "series"}


@dataclass(frozen=True)
class _Owner:
    """Who writes a file. No place in a spec: that would keep its whole text, of each of a thousand specs."""

    spec: str
    profile: str | None
    here: bool  # one of the specs at hand; else only the manifest knows it


def owned(specs: Iterable[Compiled], workspace: Path, recorded: dict[str, Any]) -> Iterator[Compiled]:
    """The specs; those whose names are taken without an experiment, and with E360."""
    built = _recorded(recorded, workspace)
    owners: dict[str, _Owner] = {}
    for one in specs:
        if one.experiment is None or one.resolved is None:
            yield one
            continue
        found: dict[str, tuple[Diagnostic, ...]] = {}  # by the key that has to change
        own = _Owner(spec_of(one, workspace), one.resolved.profile, True)
        for key, file in _files(one.experiment):
            place = key if one.resolved.value(key) is not None else "name"
            others = [taken for taken in (owners.setdefault(file, own), *built.get(file, ())) if taken.spec != own.spec]
            if others and place not in found:
                found[place] = tuple(_said(one, key, place, others[0], workspace))
        said = tuple(ordered((*one.diagnostics, *chain(*found.values()))))
        yield replace(one, experiment=None, diagnostics=said) if found else one


def _files(experiment: Experiment) -> Iterator[tuple[str, str]]:
    """(key, file) of what a build of the experiment writes; one file stands for a run's folder."""
    yield "name", names.snapshot(experiment.run)
    for target in ("bash", *experiment.launch.targets, *(["standalone"] if experiment.launch.standalone else [])):
        yield "launch.name", names.launcher(experiment, target)
    if experiment.series:
        yield "series.name", names.series_launcher(experiment)


def _recorded(recorded: dict[str, Any], workspace: Path) -> dict[str, list[_Owner]]:
    """By file, the specs of the manifest that wrote it and are still there."""
    owners: dict[str, list[_Owner]] = {}
    for entry in recorded.values():
        if (workspace / entry["spec"]).is_file():
            for name in entry["outputs"]:
                owners.setdefault(f"generated/{name}", []).append(_Owner(entry["spec"], entry["profile"], False))
    return owners


def _said(one: Compiled, key: str, place: str, other: _Owner, workspace: Path) -> Iterator[Diagnostic]:
    """The clash at the name of each of the two."""
    assert one.resolved is not None and one.experiment is not None
    name = one.experiment.launch.name if key == "launch.name" else one.resolved.value(place)
    note = _place(other, key, one.overrides, workspace)
    finding = one.resolved.diagnostic("E360", f'"{name}" is also the {WORDS[key]} of {other.spec}', place, HELP)
    apart = note is not None and note.span != finding.span  # else the name is inherited, from the other or from one base
    yield replace(finding, notes=(note, *finding.notes) if note and apart else finding.notes)
    if other.here and note is not None and note.span is not None and apart:
        yield Diagnostic("E360", f'"{name}" is also the {WORDS[key]} of {spec_of(one, workspace)}', note.span, HELP)


def _place(other: _Owner, key: str, overrides: tuple[str, ...], workspace: Path) -> Note | None:
    """Where another spec says its name. Overrides hold for all specs at hand."""
    resolved = resolve((workspace / other.spec).resolve(), workspace=workspace, profile=other.profile,
                       overrides=overrides if other.here else ())[0]
    return resolved.note(key if resolved.value(key) is not None else "name") if resolved is not None else None


def spec_of(one: Compiled, workspace: Path) -> str:
    """The path of a spec as the manifest writes it: relative to the workspace, with forward slashes."""
    return Path(os.path.relpath(one.path, workspace)).as_posix()
