"""The whole compiler in order: parse, resolve, schema, lower, estimate, check, freeze, render.

Comes in: the path of a spec, a profile, overrides. Goes out: the experiment with every diagnostic of the spec and of the
specs it refers to, and the text of every file that a build writes. Nothing is written here.
"""

from __future__ import annotations

from dataclasses import field, replace
from functools import cache
from pathlib import Path

from . import checks, documents, launchers
from .acknowledge import Acknowledged, acknowledge
from .checks.subject import Subject
from .contract.experiment import Against, Experiment
from .contract.record import dataclass
from .diagnostics import MAX_FOUND, Diagnostic, has_errors, ordered, too_many
from .freeze import freeze, predicted, warned
from .frontend.reading import absent, near_file, outside
from .frontend.resolve import Resolved, resolve
from .frontend.schema import validate
from .frontend.shapes import Shapes
from .lowering.lower import changed, lower
from .lowering.references import PARENT, references, written
from .source import SourceFile
from .spec_schema import complete

MAX_ROUNDS = 12  # of mending a spec, so that what is behind its errors is found


@dataclass(frozen=True)
class Compiled:
    """One spec under one profile. `experiment` is None where errors leave nothing to build."""

    path: Path
    resolved: Resolved | None
    experiment: Experiment | None
    diagnostics: tuple[Diagnostic, ...]
    acknowledged: tuple[Acknowledged, ...] = ()
    """Warnings that the spec lets stand with a reason; `diagnostics` holds them no longer."""
    inputs: tuple[SourceFile, ...] = ()
    """Every file that the experiment depends on, those of the specs it refers to included."""
    overrides: tuple[str, ...] = ()


@cache
def _shapes() -> Shapes:
    return Shapes(complete())


DEFAULT = "default"
"""What `report.against` calls a spec without a profile."""
KEPT = 64
"""How many specs a session remembers besides those that others refer to: a series of thousands fits into memory."""


@dataclass
class Session:
    """Compiles specs of one workspace under one profile, each of them once as long as it is remembered.

    One that compiles what another form of a spec is set beside (`beside`) asks for no third.
    """

    workspace: Path
    profile: str | None = None
    _shapes: Shapes = field(default_factory=_shapes)
    _done: dict[Path, Compiled] = field(default_factory=dict)
    _open: list[Path] = field(default_factory=list)
    _referred_to: set[Path] = field(default_factory=set)
    beside: bool = False

    def compile(self, path: Path, overrides: tuple[str, ...] = ()) -> Compiled:
        """The spec at `path`; overrides hold for it alone, not for the specs that it refers to."""
        path = path.resolve()
        if path not in self._done:
            self._open.append(path)
            self._done[path] = self._compile(path, overrides)
            self._open.pop()
            for spare in [done for done in self._done if done not in self._referred_to][:-KEPT]:
                del self._done[spare]
        return self._done[path]

    def _compile(self, path: Path, overrides: tuple[str, ...]) -> Compiled:
        resolved, found = resolve(path, workspace=self.workspace, profile=self.profile, overrides=overrides,
                                  schema=self._shapes)
        if resolved is None:
            return Compiled(path, None, None, tuple(found), overrides=overrides)
        found = [*found, *validate(resolved, self._shapes)]
        if resolved.profile != self.profile and resolved.complete:  # nobody has it: of what it names, there is nothing to say
            return Compiled(path, resolved, None, tuple(ordered(found)), overrides=overrides)
        targets = references(resolved)
        referred, more = self._referred(resolved, targets)
        found += more
        experiment, taken = None, list[Acknowledged]()
        if not has_errors(found):
            experiment, more = lower(resolved, referred)
            found += more
        if experiment is not None:
            experiment, more = self._checked(path, resolved, experiment, referred)
            found += more
            found, taken = acknowledge(resolved, found)
            experiment = None if has_errors(found) else warned(experiment, _own(found, resolved), taken)
        else:
            found += self._beyond(path, resolved, _own(found, resolved))
        others = [self._done[target] for target in targets.values() if target in self._done]
        inputs = dict.fromkeys([*resolved.files, *(file for other in others for file in other.inputs)])
        return Compiled(path, resolved, experiment, tuple(ordered(found)), tuple(taken), tuple(inputs), overrides)

    def _beyond(self, path: Path, resolved: Resolved, errors: list[Diagnostic]) -> list[Diagnostic]:
        """What lowering and the checks say of the rest of a spec that has errors."""
        from .mending import Mending  # here: a sound spec needs none of it

        if resolved.profile != self.profile:  # it may be in a base that could not be read: its values would count
            return []
        mending, found = Mending(resolved, self._shapes), list[Diagnostic]()
        for _ in range(MAX_ROUNDS):
            if (mended := mending.mend(errors)) is None:
                break
            referred, errors = self._referred(mended, references(mended))
            experiment = None
            if not errors:
                experiment, errors = lower(mended, referred)
            if experiment is not None:
                experiment, errors = self._checked(path, mended, experiment, referred, mended=True)
                errors = acknowledge(mended, errors)[0]
            errors = _own(errors, resolved)
            found += [mending.told(one) for one in errors if mending.holds(one)]
            if experiment is not None or not errors:
                break
        return found

    def _referred(self, resolved: Resolved, targets: dict[str, Path],
                  ) -> tuple[dict[str, tuple[Resolved, Experiment]], list[Diagnostic]]:
        """The experiments that a spec refers to, by the key that does, and what is wrong with them."""
        referred: dict[str, tuple[Resolved, Experiment]] = {}
        found: list[Diagnostic] = []
        for key, target in targets.items():
            if len(found) > MAX_FOUND:
                found.append(too_many("references to specs", resolved.span(key)))
                break
            if (refused := self._refused(resolved, key, target)) is not None:
                found.append(refused)
                continue
            self._referred_to.add(target)
            other = self.compile(target)
            found += [one for one in other.diagnostics if other.experiment is None]
            if other.experiment is not None and other.resolved is not None:
                referred[key] = (other.resolved, other.experiment)
            else:
                found.append(resolved.diagnostic("E222", f"{resolved.value(key)} has errors of its own", key,
                                                 "mend that file first"))
        return referred, found

    def _checked(self, path: Path, resolved: Resolved, experiment: Experiment,
                 referred: dict[str, tuple[Resolved, Experiment]], mended: bool = False,
                 ) -> tuple[Experiment, list[Diagnostic]]:
        """The experiment with its predictions, and what the checks say of it."""
        experiment = predicted(experiment)
        found = list(checks.run(Subject(experiment, resolved, *_split(referred))))
        experiment, more = self._against(path, resolved, experiment, mended or has_errors(found))
        return experiment, more + found

    def _against(self, path: Path, resolved: Resolved, experiment: Experiment, unsound: bool,
                 ) -> tuple[Experiment, list[Diagnostic]]:
        """The experiment with the other form of its spec that `report.against` names; errors of that form are its own business
        where this one is unsound too."""
        name = resolved.value("report.against")
        if name is None or self.beside:
            return experiment, []
        other = Session(self.workspace, None if name == DEFAULT else name, beside=True, _shapes=self._shapes).compile(path)
        itself = (self.profile or DEFAULT) == name
        there = other.resolved is not None and (other.resolved.profile or DEFAULT) == name
        if itself or other.experiment is None or other.resolved is None:
            if there and unsound and not itself:
                return experiment, []
            why = "this form of it itself" if itself else "not sound itself" if there else "no profile of this spec"
            return experiment, [resolved.diagnostic("E484", f"{name} is {why}", "report.against",
                                                    "name another profile of this spec that is sound")]
        changes = changed(other.resolved.plain(), resolved.plain())
        return replace(experiment, against=Against(other.experiment.run, changes, other.experiment.predictions)), []

    def _refused(self, resolved: Resolved, key: str, target: Path) -> Diagnostic | None:
        """Why a reference cannot be followed; None where it can."""
        said, path = str(resolved.value(key)), written(resolved, key)
        if target == self._open[-1] and key.startswith("series."):
            return resolved.diagnostic("E512", "a series lists the runs before its own", key, "take it out: the spec that "
                                       "lists them is always the last run")
        if target == self._open[-1] and key != PARENT:
            return resolved.diagnostic("E355", "an experiment cannot be compared with itself", key,
                                       "take it out: it always stands in its own comparison, at its last step")
        if target in self._open:
            chain = " → ".join(one.name for one in (*self._open[self._open.index(target):], target))
            return resolved.diagnostic("E220", f"experiments refer to one another in a circle: {chain}", key,
                                       "take one of these references out")
        if (foreign := outside(said, path, self.workspace)) is not None:
            return resolved.diagnostic("E221", f"{key} {foreign[0]}", key, foreign[1])
        if not said.strip():
            return resolved.diagnostic("E221", f"{key} names no file", key, "the path is relative to the file that says so")
        if not _is_file(target):
            near = near_file(path, self.workspace, resolved.span(key))
            return resolved.diagnostic("E221", absent(path, said), key, near or "the path is relative to the file that says so")
        return None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _own(found: list[Diagnostic], resolved: Resolved) -> list[Diagnostic]:
    files = {file.display for file in resolved.files}
    return [one for one in found if one.span is None or one.span.file.display in files]


def _split(referred: dict[str, tuple[Resolved, Experiment]],
           ) -> tuple[Experiment | None, tuple[Experiment, ...], tuple[Experiment, ...]]:
    """The parent, the experiments that are compared, and those before this one in a series."""
    parent = referred[PARENT][1] if PARENT in referred else None
    compared, earlier = (tuple(experiment for key, (_, experiment) in referred.items() if key.startswith(section))
                         for section in ("eval.compare.", "series."))
    return parent, compared, earlier


def artifacts(experiment: Experiment) -> dict[str, str]:
    """Every file that a build of the experiment writes: path below `generated/`, text."""
    frozen, sha256 = freeze(experiment)
    return {
        **launchers.render(experiment, sha256),
        f"{experiment.run}/snapshot.json": frozen,
        **{f"{experiment.run}/{name}": text for name, text in documents.render(experiment).items()},
    }
