"""Many specs at once: nothing is written while one of them has an error, memory holds few of them, and nothing slow is
loaded on the way."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from expc.compiler import emit, pipeline
from expc.compiler.commands.build import build
from expc.compiler.pipeline import Session

ROOT = Path(__file__).parents[2]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A copy of the shipped specs."""
    shutil.copytree(ROOT / "specs", tmp_path / "specs")
    return tmp_path


def series(workspace: Path, count: int) -> tuple[Path, ...]:
    """Specs that differ in one rate from the shipped one that resumes another and is compared with three."""
    paths = []
    for index in range(count):
        name = f"series_{index:03}"
        paths.append(workspace / "specs" / f"{name}.yaml")
        paths[-1].write_text(f"expc: 1\nname: {name}\nextends: d8_v2.yaml\nlaunch: {{name: {name}}}\n"
                             f"optimizer: {{matrix_lr: {0.016 + index / 10_000:.4f}}}\n")
    return tuple(paths)


def files(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_together_they_give_what_each_gives_alone(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emit, "SPOOLED", 1000)
    monkeypatch.setattr(pipeline, "KEPT", 1)
    specs = series(workspace, 4)
    assert build(specs, None, (), workspace / "together", False) == 0
    for spec in specs:
        assert build((spec,), None, (), workspace / "alone", False) == 0
    assert files(workspace / "together") == files(workspace / "alone")
    assert len(files(workspace / "together")) == 4 * 7 + 2


def test_an_error_in_the_last_one_leaves_nothing(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    specs = series(workspace, 3)
    specs[0].write_text(specs[0].read_text() + "stepz: 3\n")
    specs[2].write_text(specs[2].read_text() + "sed: 3\n")
    assert build(specs, None, (), None, False) == 1
    assert not (workspace / "generated").exists()
    said = capsys.readouterr().err
    assert '"stepz"' in said and '"sed"' in said


def test_two_specs_that_write_the_same_files_leave_nothing(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    specs = series(workspace, 3)
    specs[2].write_text(specs[2].read_text().replace("series_002", "series_000"))
    assert build(specs, None, (), None, False) == 1
    assert not (workspace / "generated").exists()
    assert "E360" in capsys.readouterr().err


def test_a_file_of_another_spec_is_not_overwritten(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = series(workspace, 2)
    assert build((one,), None, (), None, False) == 0
    other.write_text(other.read_text().replace("launch: {name: series_001}", "launch: {name: series_000}"))
    before = files(workspace / "generated")
    assert build((other,), None, (), None, False) == 1
    assert "is also the launcher of specs/series_000.yaml" in capsys.readouterr().err
    assert files(workspace / "generated") == before


def test_a_session_remembers_few_specs_and_all_that_others_refer_to(workspace: Path) -> None:
    session = Session(workspace)
    for spec in series(workspace, pipeline.KEPT + 5):
        assert session.compile(spec).experiment is not None
    remembered = {path.stem for path in session._done}
    assert {"d4_baseline", "d6_wide", "d8_depth"} <= remembered
    assert len(remembered) == pipeline.KEPT + 3
    assert f"series_{pipeline.KEPT + 4:03}" in remembered and "series_000" not in remembered


def test_texts_come_back_from_the_temporary_file_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emit, "SPOOLED", 10)
    texts, wanted = emit.Texts(), {"a": "", "b": "续训\n", "c": "x" * 100}
    texts.add({"a": "", "b": "续训\n"})
    assert texts["b"] == "续训\n"
    texts.add({"c": "x" * 100})
    assert dict(texts) == wanted and len(texts) == 3 and "d" not in texts


WATCHED = """
import json, sys
events = []
sys.addaudithook(lambda event, values: events.append(event) if event.split(".")[0] in %r or event in %r else None)
sys.argv = ["expc", *%r]
from expc.compiler.cli import main
try:
    main()
finally:
    print(json.dumps([events, sorted(set(sys.modules) & set(%r))]))
"""
AFAR = ("subprocess", "socket", "urllib", "http", "ftplib")
SLOW = ("torch", "numpy", "git", "matplotlib", "jsonschema", "subprocess", "socket", "ssl", "asyncio")


@pytest.mark.parametrize(("words", "unneeded"), [
    (["build", "specs/d8_v2.yaml"], SLOW), (["check", "specs/d8_v2.yaml"], (*SLOW, "jinja2")),
    (["check"], (*SLOW, "jinja2")), (["build", "--check"], SLOW),
    (["--help"], (*SLOW, "jinja2", "yaml", "hashlib", "expc.compiler.contract.experiment")),
])
def test_a_sound_spec_loads_nothing_slow_and_starts_no_process(workspace: Path, words: list[str], unneeded: tuple[str, ...],
                                                               ) -> None:
    shutil.copytree(ROOT / "generated", workspace / "generated")
    code = WATCHED % (AFAR, ("os.exec", "os.fork", "os.posix_spawn", "os.system"), words, unneeded)
    done = subprocess.run([sys.executable, "-c", code], cwd=workspace, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [[], []]
