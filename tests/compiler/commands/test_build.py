"""`expc build` as a user calls it: what is written, and when nothing is."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.compiler.commands.shell import expc, texts


def test_a_build_with_errors_writes_nothing(workspace: Path) -> None:
    built = expc(workspace, "build", "specs/d8_v2.yaml", "--set", "model.heads=7")
    assert built.returncode == 1
    assert "E301" in built.stderr
    assert not (workspace / "generated").exists()


def test_a_build_gives_the_files_of_the_house(workspace: Path) -> None:
    assert expc(workspace, "build", "specs/d8_v2.yaml").returncode == 0
    assert set(texts(workspace / "generated")) == {
        "manifest.json", "spec.schema.json", "resume_d8_depth_5k_to_20k.sh", "resume_d8_depth_5k_to_20k.tmux.sh",
        "d8_depth_v2/snapshot.json", "d8_depth_v2/EXPERIMENT_D8_DEPTH_V2_DESIGN.md",
        "d8_depth_v2/EXPERIMENT_D8_DEPTH_V2_DESIGN.en.md", "d8_depth_v2/rate_schedule.svg",
        "d8_depth_v2/rate_schedule.en.svg"}
    entry = json.loads((workspace / "generated" / "manifest.json").read_text())["runs"]["d8_depth_v2"]
    assert set(entry["inputs"]) == {"specs/d8_v2.yaml", "specs/d8_depth.yaml", "specs/shared/alphatex.yaml",
                                    "specs/shared/alphatex_suites.yaml",
                                    "specs/d4_baseline.yaml", "specs/d6_wide.yaml"}


def test_a_profile_marks_every_name(workspace: Path) -> None:
    assert expc(workspace, "build", "specs/d8_v2.yaml", "--profile", "smoke").returncode == 0
    names = set(texts(workspace / "generated"))
    assert "resume_d8_depth_5k_to_20k.smoke.sh" in names and "d8_depth_v2.smoke/snapshot.json" in names


def test_the_same_specs_give_the_same_bytes_anywhere(workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("an other place") / "deep" / "工作区"
    shutil.copytree(workspace / "specs", elsewhere / "specs")
    assert expc(workspace, "build", PYTHONHASHSEED="1").returncode == 0
    (elsewhere / "below").mkdir()
    specs = sorted(str(path) for path in (elsewhere / "specs").glob("*.yaml"))[::-1]
    built = expc(elsewhere / "below", "build", *specs, PYTHONHASHSEED="77", TZ="Asia/Shanghai", LC_ALL="tr_TR.UTF-8",
                 LANG="zh_CN.UTF-8", COLUMNS="40")
    assert built.returncode == 0, built.stderr
    assert texts(workspace / "generated") == texts(elsewhere / "generated")


def test_whole_numbers_stay_loadable_snapshots(workspace: Path) -> None:
    from expc.compiler.contract import snapshot

    for word in ("schedule.final_fraction=0", "schedule.final_fraction=1", "schedule.warmdown_ratio=0"):
        assert expc(workspace, "build", "specs/d8_depth.yaml", "--set", word).returncode == 0
        text = (workspace / "generated" / "d8_depth" / "snapshot.json").read_text()
        assert snapshot.loads(text).name == "d8_depth"


def test_overrides_hold_for_each_named_spec_alone(workspace: Path) -> None:
    expc(workspace, "build", "specs/d8_depth.yaml")
    shipped = json.loads((workspace / "generated" / "d8_depth" / "snapshot.json").read_text())["training_sha256"]
    for specs in (("d8_v2", "d8_depth"), ("d8_depth", "d8_v2")):
        paths = [f"specs/{name}.yaml" for name in specs]
        built = expc(workspace, "build", *paths, "--set", "seed=7", "--set", "checkpoint.keep_last=9")
        assert built.returncode == 0, built.stderr
        for name in ("d8_depth", "d8_depth_v2"):
            body = json.loads((workspace / "generated" / name / "snapshot.json").read_text())["experiment"]
            assert (body["training"]["seed"], body["checkpoint"]["keep_last"]) == (7, 9)
        # The parent that the child resumes from is the one that the specs say, not the overridden one.
        assert body["training"]["resume"]["parent_training_sha256"] == shipped


def test_two_specs_never_overwrite_each_other(workspace: Path) -> None:
    shipped, copy = (workspace / "specs" / name for name in ("d4_baseline.yaml", "copy.yaml"))
    copy.write_text(shipped.read_text())
    for words in (["check"], ["plan"], ["build"], ["build", "--check"]):
        clash = expc(workspace, *words)
        assert clash.returncode == 1
        for mine, other in (("copy", "d4_baseline"), ("d4_baseline", "copy")):  # the place of both, with the line
            assert re.search(rf"^specs/{mine}.yaml:3:7: error E360: \"d4_baseline\" is also the name of specs/{other}.yaml\n"
                             r" +3 \| name: d4_baseline$", clash.stderr, re.MULTILINE)
    assert not (workspace / "generated").exists()
    copy.unlink()
    expc(workspace, "build")
    copy.write_text(shipped.read_text())
    for words in (["check"], ["plan"], ["build"], ["build", "--check"]):
        clash = expc(workspace, *words, "specs/copy.yaml")
        assert clash.returncode == 1 and clash.stderr.count("error") == 1
        assert 'note: name is the text "d4_baseline" at specs/d4_baseline.yaml:3:7' in clash.stderr


def test_two_specs_cannot_share_a_launcher(workspace: Path) -> None:
    (workspace / "specs" / "heir.yaml").write_text("extends: d8_v2.yaml\nname: heir\n")
    clash = expc(workspace, "check")
    assert clash.returncode == 1 and "also the launcher of specs/d8_v2.yaml" in clash.stderr
    assert "note: inherited by specs/heir.yaml:1:10" in clash.stderr
    expc(workspace, "build", "specs/d6_wide.yaml")
    (workspace / "specs" / "heir.yaml").write_text("extends: d4_baseline.yaml\nname: heir\nlaunch: {name: train_d6_wide}\n")
    clash = expc(workspace, "check", "specs/heir.yaml", "specs/d6_wide.yaml")
    messages = re.findall(r"^specs/(\w+).yaml:\d+:\d+: error E360: (.*)", clash.stderr, re.MULTILINE)
    assert messages == [("d6_wide", '"train_d6_wide" is also the launcher of specs/heir.yaml'),
                        ("heir", '"train_d6_wide" is also the launcher of specs/d6_wide.yaml')]
    assert 'note: name is the text "d6_wide" at specs/d6_wide.yaml:3:7' in clash.stderr


def test_a_manifest_cannot_delete_outside_its_folder(workspace: Path) -> None:
    expc(workspace, "build", "specs/d4_baseline.yaml")
    (workspace / "victim").write_text("kept")
    path = workspace / "generated" / "manifest.json"
    body = json.loads(path.read_text())
    body["runs"]["d4_baseline"]["outputs"]["../victim"] = "x"
    body["runs"]["broken"] = 5
    path.write_text(json.dumps(body))
    assert expc(workspace, "build", "specs/d4_baseline.yaml").returncode == 0
    assert (workspace / "victim").read_text() == "kept"


def test_a_file_where_the_folder_should_be_is_said(workspace: Path) -> None:
    (workspace / "taken").write_text("")
    built = expc(workspace, "build", "specs/d4_baseline.yaml", "--out", "taken")
    assert built.returncode == 1 and "Traceback" not in built.stderr


def test_errors_are_json_where_that_is_asked_for(workspace: Path) -> None:
    for words in (["build"], ["plan"], ["build", "--check"]):
        failed = expc(workspace, *words, "specs/d4_baseline.yaml", "--set", "model.heads=7", "--json")
        assert failed.returncode == 1
        assert json.loads(failed.stdout)["diagnostics"][0]["code"] == "E301"


def test_a_build_imports_neither_torch_nor_git_nor_the_runtime(workspace: Path) -> None:
    script = ("import sys; sys.argv = ['expc', 'build']\n"
              "from expc.compiler.cli import main\n"
              "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
              "print([name for name in ('torch', 'numpy', 'git', 'expc.runtime', 'matplotlib') if name in sys.modules])")
    done = subprocess.run([sys.executable, "-c", script], cwd=workspace, capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_a_build_elsewhere_wants_a_folder_of_its_own(workspace: Path) -> None:
    refused = expc(workspace, "build", "specs/d4_baseline.yaml", "--out", "specs")
    assert refused.returncode == 64 and "specs holds what no build made" in refused.stderr
    assert not (workspace / "specs" / "manifest.json").exists()
    for _ in range(2):  # new, then its own
        assert expc(workspace, "build", "specs/d4_baseline.yaml", "--out", "else where").returncode == 0
    (workspace / "else where" / "train_d4_baseline.sh").unlink()
    for words in ((), ("specs/d4_baseline.yaml",)):
        stale = expc(workspace, "build", "--check", *words, "--out", "else where")
        assert stale.returncode == 2 and "next: expc build specs/d4_baseline.yaml --out 'else where'" in stale.stderr
