"""Workspaces with a foreign program: a script without any library that counts, saves and misbehaves on demand."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from expc.compiler.contract.experiment import Experiment
from expc.compiler.emit import write_build
from expc.compiler.pipeline import Session, artifacts
from expc.compiler.render import as_text
from expc.runtime.files import read_json
from expc.runtime.journal import read_lines
from tests.runtime import processes

SCRIPT = '''
import argparse, json, os, signal, subprocess, sys, time
flags = argparse.ArgumentParser()
flags.add_argument("--steps", type=int)
flags.add_argument("--save-every", type=int, default=10)
flags.add_argument("--out")
flags.add_argument("--resume")
flags.add_argument("--delay", type=float, default=0.0)
flags.add_argument("--at", type=int, default=-1)
flags.add_argument("--then", default="")
flags.add_argument("--log-every", type=int, default=1)
flags.add_argument("--seed", type=int)
args = flags.parse_args()
os.makedirs(args.out, exist_ok=True)
step = json.load(open(args.resume))["step"] if args.resume else 0
while step < args.steps:
    time.sleep(args.delay)
    step += 1
    if step % args.log_every == 0:
        print(f"step {step} loss {1 / step:.5f}")
    if step % args.save_every == 0:
        with open(f"{args.out}/new", "w") as file:
            json.dump({"step": step}, file)
        os.rename(f"{args.out}/new", f"{args.out}/step_{step}.json")
        print(f"valid_loss {2 / step:.5f}")
    if step == args.at:
        exec(args.then)
print("bye")
'''

JUDGE = '''
import json, sys
print("accuracy:", json.load(open(sys.argv[1]))["step"] / 100)
'''

SPEC: dict[str, Any] = {
    "expc": 1, "name": "program", "title": "A program", "model": {"family": "command"},
    "command": {"run": ["{python}", "train.py"], "form": "--k v", "words": "dashes", "directory": "their project",
                "flags": {"steps": "${steps}", "save_every": "${checkpoint.every}", "out": "{run_folder}/own files"}},
    "watch": {
        "metrics": [{"line": r"^step (?P<step>\d+) loss (?P<loss>\S+)"},
                    {"line": r"valid_loss (?P<valid_loss>\S+)", "kind": "valid"}],
        "checkpoints": {"path": "{run_folder}/own files/step_{step}.json", "resume": {"resume": "{checkpoint}"}}},
    "steps": 40, "checkpoint": {"every": 10}, "hardware": {"target": "cpu"}, "report": {"language": ["en"]},
}
EVAL = {"program": {"run": ["{python}", "judge.py", "{checkpoint}"], "metrics": [{"line": r"accuracy: (?P<accuracy>\S+)"}]},
        "suites": {"accuracy": {"title": "Accuracy", "weight": "100%"}}}


@dataclass(frozen=True)
class Made:
    """A workspace whose one experiment has been built."""

    workspace: Path
    experiment: Experiment

    @property
    def folder(self) -> Path:
        return self.workspace / "runs" / self.experiment.run

    @property
    def snapshot(self) -> str:
        return f"generated/{self.experiment.run}/snapshot.json"

    @property
    def record(self) -> dict[str, Any]:
        return read_json(self.folder / "record.json") or {}

    @property
    def lines(self) -> list[dict[str, Any]]:
        return list(read_lines(self.folder / "metrics.jsonl"))

    def steps(self, kind: str = "train") -> list[int]:
        return [line["step"] for line in self.lines if line["kind"] == kind]

    def printed(self, words: str) -> bool:
        """Whether the program has printed this; the journal reaches its file a little later."""
        log = self.folder / "output.log"
        return log.is_file() and words in log.read_text(errors="replace")

    @property
    def events(self) -> list[str]:
        return [line["event"] for line in read_lines(self.folder / "events.jsonl")]

    def start(self, *stages: str) -> processes.Process:
        chosen = [word for stage in stages or ("train",) for word in ("--stage", stage)]
        return processes.start_command(self.workspace, "run", self.snapshot, *chosen)

    def run(self, *stages: str) -> tuple[int, str]:
        return self.start(*stages).end()


def make(workspace: Path, script: str = SCRIPT, flags: dict[str, Any] | None = None, **overlay: Any) -> Made:
    """Writes program, judge and spec, and builds it; `flags` are added to the program's, other keys replace the spec's."""
    project = workspace / "their project"
    project.mkdir(parents=True, exist_ok=True)
    (project / "train.py").write_text(textwrap.dedent(script), encoding="utf-8")
    (project / "judge.py").write_text(JUDGE, encoding="utf-8")
    spec = {**SPEC, **overlay}
    spec["command"] = {**SPEC["command"], **overlay.get("command", {})}
    spec["command"]["flags"] = {**SPEC["command"]["flags"], **(flags or {})}
    path = workspace / "specs" / f"{spec['name']}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(spec, allow_unicode=True), encoding="utf-8")
    compiled = Session(workspace).compile(path)
    assert compiled.experiment is not None, as_text(compiled.diagnostics)
    write_build(workspace / "generated", {}, artifacts(compiled.experiment))
    return Made(workspace, compiled.experiment)
