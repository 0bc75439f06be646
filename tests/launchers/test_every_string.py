"""Every string of every shipped spec made hostile, and its launchers run against stand-ins: nothing is executed, a program gets
its words as they are, and nothing is written but below `runs/`.

Launchers that differ from one that ran in nothing but the snapshot's hash run alike, so that each text runs once. A sample in
the test suite; `EXPC_EVERY_LEAF=1 pytest tests/launchers/test_every_string.py` runs all of them.
"""

from __future__ import annotations

import random
import re
import shlex
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from expc.compiler.contract.command_line import filled, flag_words
from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.foreign import program_context
from expc.compiler.emit import write_build
from expc.compiler.pipeline import Session, artifacts
from tests.compiler.commands.shell import ROOT
from tests.fuzz.hostile import CANARY, HOSTILE
from tests.fuzz.leaves import EVERY, SPECS, Leaf, everywhere, overlay, resolved
from tests.fuzz.spec_texts import at, quoted
from tests.launchers.test_hostile import FOLDER, TMUX, launch

# Notes how it was called, and in which environment.
RECORDER = r"""#!/usr/bin/env bash
[[ $1 == -c ]] && exit 0
printf '%s\0' "$#" "$@" >>"$CALLS"
env -0 >"$CALLS.env"
"""
SECONDS = 12
HASH = re.compile(r"\b[0-9a-f]{64}\b")
BUILT = [spec for spec in SPECS if "/source/" not in spec]
SHELL = ("specs/own_script.yaml", "specs/nanochat_d8.yaml", "specs/nanochat_d8_v2.yaml")  # whose strings become commands
Run = tuple[str, tuple[str, ...], int, tuple[str, ...]]  # launcher, arguments, exit code, what was called


class Place:
    """A workspace in a folder with a hostile name that holds all shipped specs and their builds, and the stand-ins."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.workspace = folder, folder / FOLDER / "inner"
        shutil.copytree(ROOT / "specs", self.workspace / "specs")
        (self.workspace / "examples" / "addition").mkdir(parents=True)
        stand_ins = folder / "bin"
        stand_ins.mkdir()
        for name, script in (("python", RECORDER), ("tmux", TMUX)):
            (stand_ins / name).write_text(script, encoding="utf-8")
            (stand_ins / name).chmod(0o755)
        self.python, self.calls = str(stand_ins / "python"), folder / "calls"
        self.environment = {"PATH": f"{stand_ins}:/usr/bin:/bin", "EXPC_PYTHON": self.python, "CALLS": str(self.calls),
                            "HOME": str(folder), "LC_ALL": "C.UTF-8"}
        self.session = Session(self.workspace)
        self.plain = {spec: self.built(self.session.compile(self.workspace / spec).experiment) for spec in BUILT}
        self.expected = {spec: self.runs(self.launchers(texts)) for spec, texts in self.plain.items()}
        for _, words, code, called in (run for runs in self.expected.values() for run in runs):
            assert code == 0 and bool(called) != bool(words)  # a dry run calls nothing
        self.seen = {self.alike(self.launchers(texts)) for texts in self.plain.values()}

    def built(self, experiment: Experiment | None) -> dict[str, str]:
        assert experiment is not None
        texts = artifacts(experiment)
        write_build(self.workspace / "generated", {}, texts)
        return texts

    @staticmethod
    def launchers(texts: dict[str, str]) -> dict[str, str]:
        return {name: text for name, text in texts.items() if name.endswith(".sh")}

    @staticmethod
    def alike(launchers: dict[str, str]) -> tuple[str, ...]:
        return tuple(HASH.sub("", text) for text in launchers.values())

    def files(self) -> set[Path]:
        """All there is, but what the launchers may write and what the stand-ins noted."""
        ours = (self.workspace / "runs", self.calls, Path(f"{self.calls}.env"), Path(f"{self.calls}.tmux"))
        return {path for path in self.folder.rglob("*") if not any(path.is_relative_to(one) for one in ours)}

    def called(self) -> tuple[str, ...]:
        words = tuple(self.calls.read_bytes().decode().split("\0")[:-1]) if self.calls.exists() else ()
        self.calls.unlink(missing_ok=True)
        return words

    def runs(self, launchers: dict[str, str]) -> list[Run]:
        """Each launcher as a dry run, which calls nothing, and for real."""
        made = []
        for name in launchers:
            for words in (("--dry-run",), ()):
                done = launch(self.workspace, self.environment, f"generated/{name}", *words)
                made.append((name, words, done.returncode, self.called()))
        assert not [path for path in self.folder.rglob("*") if path.name == CANARY]
        return made

    def attack(self, leaf: Leaf, text: str, number: int) -> bool:
        """Builds a spec with one hostile string and runs its launchers; whether they were run."""
        child = (self.workspace / leaf[0]).with_name(f"child_{number}.yaml")
        child.write_text(overlay(*leaf, quoted(text)), encoding="utf-8")
        experiment = self.session.compile(child).experiment
        child.unlink()
        if experiment is None:
            return False
        pasted_as_they_are(experiment)
        launchers = self.launchers(artifacts(experiment))
        if (alike := self.alike(launchers)) in self.seen:
            return False
        self.seen.add(alike)
        self.built(experiment)
        self.judge(leaf, launchers, experiment)
        shutil.rmtree(self.workspace / "generated")
        for texts in self.plain.values():
            write_build(self.workspace / "generated", {}, texts)
        return True

    def judge(self, leaf: Leaf, launchers: dict[str, str], experiment: Experiment) -> None:
        before = self.files()
        for (name, words, code, called), plain in zip(self.runs(launchers), self.expected[leaf[0]], strict=False):
            if ".standalone." in name and not words and code == 0:
                assert called == self.words(experiment), (leaf, name)
                self.environment_is_theirs(experiment)
            elif ".standalone." not in name and leaf[2][0] not in ("name", "launch"):
                assert (code, called) == plain[2:], (leaf, name, words)
        assert self.files() == before, leaf

    def words(self, experiment: Experiment) -> tuple[str, ...]:
        """What the stand-in is called with by the standalone launcher; nothing where the program is another one."""
        command = experiment.training.config.command
        if command.run[0] != "{python}":
            return ()
        words = [*command.run[1:], *flag_words(command.style, command.flags)]
        made = [filled(word, self.values(experiment)) for word in words]
        return (str(len(made)), *made)

    def values(self, experiment: Experiment) -> dict[str, str]:
        return {"python": self.python, "workspace": str(self.workspace),
                "run_folder": str(self.workspace / "runs" / experiment.run)}

    def environment_is_theirs(self, experiment: Experiment) -> None:
        noted = Path(f"{self.calls}.env")
        if noted.exists():
            pairs = dict(one.split("=", 1) for one in noted.read_bytes().decode().split("\0")[:-1])
            noted.unlink()
            for name, value in experiment.training.config.command.env.items():
                assert pairs[name] == filled(value, self.values(experiment))


def pasted_as_they_are(experiment: Experiment) -> None:
    """Holds that a shell reads the command line of the documents as the words that the program is started with."""
    command = getattr(experiment.training.config, "command", None)
    if command is not None:
        words = [*command.run, *flag_words(command.style, command.flags)]
        assert shlex.split(program_context(experiment)["command_line"]) == words


def strings(specs: tuple[str, ...] | list[str]) -> Iterator[Leaf]:
    for spec, profile, place in everywhere():
        if spec in specs and profile is None and isinstance(at(resolved(spec, None).plain(), place), str):
            yield spec, profile, place


@pytest.mark.parametrize("specs", [SHELL, [spec for spec in BUILT if spec not in SHELL]], ids=["commands", "others"])
def test_whatever_a_spec_says_nothing_is_executed(specs: list[str], tmp_path: Path, request: pytest.FixtureRequest,
                                                  capsys: pytest.CaptureFixture[str]) -> None:
    place, ran = Place(tmp_path), 0
    cases = [(leaf, text) for leaf in strings(specs) for text in HOSTILE]
    if not EVERY:
        random.Random(request.config.getoption("--fuzz-seed")).shuffle(cases)
    until = time.monotonic() + SECONDS
    for number, (leaf, text) in enumerate(cases):
        if not EVERY and time.monotonic() > until:
            break
        ran += place.attack(leaf, text, number)
    with capsys.disabled():
        if EVERY:
            print(f"\n{number + 1} specs with a hostile string, {ran} different sets of launchers run")
    assert ran > 0
