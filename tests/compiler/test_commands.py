"""The compiler's commands as a user calls them: what is printed, what is written, and the exit codes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CALL = "import sys; from expc.compiler.cli import main; sys.argv[0] = 'expc'; main()"


def expc(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The `expc` program in a process of its own."""
    return subprocess.run([sys.executable, "-c", CALL, *words], cwd=folder, capture_output=True, text=True,
                          env=os.environ | {"NO_COLOR": "1"} | environment, timeout=60)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A copy of the shipped specs."""
    shutil.copytree(ROOT / "specs", tmp_path / "specs")
    return tmp_path


def texts(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_help_teaches(tmp_path: Path) -> None:
    shown = expc(tmp_path, "--help")
    assert shown.returncode == 0
    for word in ("check", "build", "plan", "explain", "schema", "run", "status", "specs/d8_v2.yaml"):
        assert word in shown.stdout


def test_a_wrong_command_is_answered_with_the_right_one(tmp_path: Path) -> None:
    wrong = expc(tmp_path, "biuld")
    assert wrong.returncode == 64
    assert 'Did you mean "build"?' in wrong.stderr
    assert expc(tmp_path, "build", "--profil", "smoke").returncode == 64


def test_outside_a_workspace_it_says_so(tmp_path: Path) -> None:
    outside = expc(tmp_path, "build")
    assert outside.returncode == 64
    assert "specs/" in outside.stderr


def test_the_shipped_specs_are_sound(workspace: Path) -> None:
    checked = expc(workspace, "check")
    assert (checked.returncode, checked.stderr) == (0, "")
    assert "are sound" in checked.stdout


def test_all_mistakes_are_said_at_once_with_their_places(workspace: Path) -> None:
    spec = workspace / "specs" / "d8_depth.yaml"
    spec.write_text(spec.read_text().replace("heads: 4", "haeds: 4").replace("steps: 5000", "steps: many", 1))
    checked = expc(workspace, "check", "specs/d8_depth.yaml")
    assert checked.returncode == 1
    assert 'did you mean "heads"?' in checked.stderr
    assert "specs/d8_depth.yaml:9:29" in checked.stderr and "specs/d8_depth.yaml:10:8" in checked.stderr
    assert "Traceback" not in checked.stderr
    machine = json.loads(expc(workspace, "check", "specs/d8_depth.yaml", "--json").stdout)
    assert machine


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


def test_check_tells_what_is_stale_and_a_build_mends_it(workspace: Path) -> None:
    assert expc(workspace, "build", "--check").returncode == 2
    expc(workspace, "build")
    expc(workspace, "build", "--profile", "smoke")
    fresh = expc(workspace, "build", "--check")
    assert (fresh.returncode, "8 builds are up to date" in fresh.stdout) == (0, True)
    generated = workspace / "generated"
    (generated / "train_d8_depth.sh").write_text("echo edited\n")
    (generated / "d6_wide" / "snapshot.json").unlink()
    spec = workspace / "specs" / "d4_baseline.yaml"
    spec.write_text(spec.read_text().replace("steps: 1000", "steps: 1001").replace("{every: 1000}", "{every: 1001}"))
    v2 = workspace / "specs" / "d8_v2.yaml"
    v2.write_text(v2.read_text().replace("step: 1000}", "step: 1001}"))
    stale = expc(workspace, "build", "--check")
    assert stale.returncode == 2
    said = {line.split(": ")[0]: line.split(": ")[1] for line in stale.stderr.splitlines() if ": " in line}
    assert said["generated/train_d8_depth.sh"] == "changed by hand"
    assert said["generated/d6_wide/snapshot.json"] == "missing"
    assert said["generated/d4_baseline/snapshot.json"] == "out of date"
    assert "generated/d6_wide/rate_schedule.svg" not in said
    expc(workspace, "build")
    expc(workspace, "build", "--profile", "smoke")
    assert expc(workspace, "build", "--check").returncode == 0


def test_plan_is_empty_right_after_a_build(workspace: Path) -> None:
    before = expc(workspace, "plan", "specs/d8_depth.yaml")
    assert (before.returncode, "not built yet" in before.stdout) == (2, True)
    expc(workspace, "build", "specs/d8_depth.yaml")
    after = expc(workspace, "plan", "specs/d8_depth.yaml")
    assert (after.returncode, "no changes" in after.stdout) == (0, True)
    assert "18,874,368" in after.stdout


def test_plan_tells_identity_from_launch(workspace: Path) -> None:
    expc(workspace, "build", "specs/d8_depth.yaml")
    changed = expc(workspace, "plan", "specs/d8_depth.yaml", "--set", "optimizer.matrix_lr=0.036", "--set",
                   "checkpoint.keep_last=5", "--json")
    assert changed.returncode == 2
    plan = json.loads(changed.stdout)[0]
    assert {"key": "training.groups.3.requested_rate", "before": 0.018, "after": 0.036, "factor": 2.0} in plan["identity"]
    assert [row["key"] for row in plan["launch"]] == ["checkpoint.keep_last"]


def test_plan_against_a_revision(workspace: Path) -> None:
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org"]
    expc(workspace, "build", "specs/d8_depth.yaml")
    subprocess.run([*git, "init", "-q"], cwd=workspace, check=True)
    subprocess.run([*git, "add", "."], cwd=workspace, check=True)
    subprocess.run([*git, "commit", "-qm", "built"], cwd=workspace, check=True)
    assert expc(workspace, "plan", "specs/d8_depth.yaml", "--against", "HEAD").returncode == 0
    wrong = expc(workspace, "plan", "specs/d8_depth.yaml", "--against", "nowhere")
    assert wrong.returncode == 64 and "nowhere" in wrong.stderr


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
    copy = workspace / "specs" / "copy.yaml"
    copy.write_text((workspace / "specs" / "d4_baseline.yaml").read_text())
    clash = expc(workspace, "build")
    assert clash.returncode == 1 and "E360" in clash.stderr
    copy.unlink()
    expc(workspace, "build")
    copy.write_text((workspace / "specs" / "d4_baseline.yaml").read_text())
    clash = expc(workspace, "build", "specs/copy.yaml")
    assert clash.returncode == 1 and "belongs to specs/d4_baseline.yaml" in clash.stderr


def test_a_spec_that_is_gone_is_orphaned_and_a_build_clears_it(workspace: Path) -> None:
    spec = workspace / "specs" / "other.yaml"
    spec.write_text((workspace / "specs" / "d4_baseline.yaml").read_text().replace("name: d4_baseline", "name: other"))
    expc(workspace, "build")
    assert (workspace / "generated" / "train_other.sh").is_file()
    spec.unlink()
    stale = expc(workspace, "build", "--check")
    assert stale.returncode == 2 and "train_other.sh: orphaned" in stale.stderr
    assert expc(workspace, "build").returncode == 0
    assert not (workspace / "generated" / "train_other.sh").exists()
    assert expc(workspace, "build", "--check").returncode == 0


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


def test_the_editors_schema_accepts_every_shipped_file(workspace: Path) -> None:
    import jsonschema
    import yaml

    validator = jsonschema.Draft202012Validator(json.loads(expc(workspace, "schema").stdout))
    for path in sorted((workspace / "specs").rglob("*.yaml")):
        assert [error.message for error in validator.iter_errors(yaml.safe_load(path.read_text()))] == [], path


def test_explain_says_where_a_value_comes_from(workspace: Path) -> None:
    shown = expc(workspace, "explain", "specs/d8_v2.yaml", "optimizer.matrix_lr", "--profile", "smoke", "--set",
                 "optimizer.matrix_lr=0.01").stdout.splitlines()
    assert [line.split()[0] for line in shown[:3]] == ["specs/shared/alphatex.yaml", "specs/d8_v2.yaml", "profile"]
    assert shown[-1] == "optimizer.matrix_lr = 0.01"
    assert expc(workspace, "explain", "specs/d8_v2.yaml", "optimizer.nothing").returncode == 64


def test_explain_prints_a_diagnostic(tmp_path: Path) -> None:
    shown = expc(tmp_path, "explain", "e303")
    assert shown.returncode == 0 and "wrong:" in shown.stdout and "right:" in shown.stdout
    wrong = expc(tmp_path, "explain", "E3003")
    assert wrong.returncode == 64 and "E303" in wrong.stderr


def test_errors_are_json_where_that_is_asked_for(workspace: Path) -> None:
    for words in (["build"], ["plan"], ["build", "--check"]):
        failed = expc(workspace, *words, "specs/d4_baseline.yaml", "--set", "model.heads=7", "--json")
        assert failed.returncode == 1
        assert json.loads(failed.stdout)["diagnostics"][0]["code"] == "E301"


def test_the_schema_is_whole(tmp_path: Path) -> None:
    schema = json.loads(expc(tmp_path, "schema").stdout)
    assert schema["properties"]["model"]["properties"]["family"]["anyOf"][0]["enum"] == ["gpt"]
    assert schema["properties"]["launch"]["properties"]["targets"]["items"]["enum"] == ["bash", "tmux"]


def test_a_build_imports_neither_torch_nor_git_nor_the_runtime(workspace: Path) -> None:
    script = ("import sys; sys.argv = ['expc', 'build']\n"
              "from expc.compiler.cli import main\n"
              "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
              "print([name for name in ('torch', 'numpy', 'git', 'expc.runtime', 'matplotlib') if name in sys.modules])")
    done = subprocess.run([sys.executable, "-c", script], cwd=workspace, capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_every_shipped_build_is_up_to_date() -> None:
    shown = expc(ROOT, "build", "--check")
    assert shown.returncode == 0, shown.stderr
