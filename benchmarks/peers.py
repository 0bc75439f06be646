"""Other tools' nearest commands, for `build_speed`: each installed from PyPI into an environment of its own, once.

The environments lie in `$XDG_CACHE_HOME/expc-benchmarks` (`~/.cache/…`). In goes a folder for the tools' own input files,
out come the commands that dry-run one experiment and a hundred. A tool that cannot be installed is left out, and said so.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "expc-benchmarks"
MANY = 100

# The resolved spec as plain values: JSON is YAML, so this is a configuration for Hydra with the same content.
RESOLVED = """
import json, sys
from pathlib import Path
from expc.compiler.pipeline import Session
resolved = Session(Path(sys.argv[1])).compile(Path(sys.argv[1]) / sys.argv[2]).resolved
print(json.dumps(resolved.plain()))
"""
HYDRA_ONE = """
import hydra

@hydra.main(version_base=None, config_path="conf", config_name="config")
def main(config):
    pass

main()
"""
HYDRA_MANY = f"""
from hydra import compose, initialize
from omegaconf import OmegaConf

with initialize(version_base=None, config_path="conf"):
    for index in range({MANY}):
        rate = 0.016 * (1 + index / {MANY})
        config = compose("config", overrides=[f"optimizer.matrix_lr={{rate}}", f"name=series_{{index}}"])
        print(OmegaConf.to_yaml(config, resolve=True))
"""
SNAKEFILE = """
runs = [f"run_{index:04}" for index in range(int(config["runs"]))]

rule all:
    input: expand("runs/{run}/results.json", run=runs)

rule train:
    output: "runs/{run}/checkpoint"
    shell: "train --run {wildcards.run} --out {output}"

rule evaluate:
    input: "runs/{run}/checkpoint"
    output: "runs/{run}/results.json"
    shell: "evaluate {input} --out {output}"
"""


@dataclass(frozen=True)
class Peer:
    """A tool's commands, to be run in a folder of its own; `many` is empty where it has none for many at once."""

    name: str
    folder: str
    one: tuple[str, ...]
    many: tuple[str, ...] = ()


def installed(folder: Path, root: Path, spec: str) -> list[Peer]:
    """The tools that could be installed, their input files written below `folder`."""
    return [*_hydra(folder / "hydra", root, spec), *_snakemake(folder / "snakemake"), *_torchx(folder / "torchx")]


def _environment(name: str, requirement: str) -> Path | None:
    """The folder of programs of an environment that holds one requirement."""
    programs, marker = CACHE / name / "bin", CACHE / name / requirement
    if not marker.exists():
        print(f"installing {requirement} into {CACHE / name}", file=sys.stderr)
        venv.create(CACHE / name, clear=True, with_pip=True)
        done = subprocess.run([programs / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check", requirement],
                              capture_output=True, text=True)
        if done.returncode:
            print(f"left out: {requirement} cannot be installed: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
            return None
        marker.touch()
    return programs


def _hydra(folder: Path, root: Path, spec: str) -> list[Peer]:
    programs = _environment("hydra", "hydra-core==1.3.2")
    if programs is None:
        return []
    (folder / "conf").mkdir(parents=True)
    resolved = subprocess.run([sys.executable, "-c", RESOLVED, root, spec], capture_output=True, text=True, check=True)
    (folder / "conf" / "config.yaml").write_text(json.dumps(json.loads(resolved.stdout), indent=2), encoding="utf-8")
    (folder / "one.py").write_text(HYDRA_ONE, encoding="utf-8")
    (folder / "many.py").write_text(HYDRA_MANY, encoding="utf-8")
    python = str(programs / "python")
    return [Peer("hydra 1.3.2 --cfg job", folder.name, (python, "one.py", "--cfg", "job"), (python, "many.py"))]


def _snakemake(folder: Path) -> list[Peer]:
    programs = _environment("snakemake", "snakemake==9.27.1")
    if programs is None:
        return []
    folder.mkdir()
    (folder / "Snakefile").write_text(SNAKEFILE, encoding="utf-8")
    words = (str(programs / "snakemake"), "-n", "--cores", "1", "--config")
    return [Peer("snakemake 9.27.1 -n", folder.name, (*words, "runs=1"), (*words, f"runs={MANY}"))]


def _torchx(folder: Path) -> list[Peer]:
    programs = _environment("torchx", "torchx==0.7.0")
    if programs is None:
        return []
    folder.mkdir()
    words = ("run", "--dryrun", "--scheduler", "local_cwd", "utils.sh", "train", "--run", "d8_depth_v2")
    return [Peer("torchx 0.7.0 run --dryrun", folder.name, (str(programs / "torchx"), *words))]
