"""One process at a time, told who the other one is, and nothing left to clean up after a crash, on whichever disk."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from expc.runtime import lock as module
from expc.runtime.errors import DONE, MISUSED, UserError
from expc.runtime.files import read_json
from expc.runtime.lock import exclusive, is_held
from tests.runtime import processes, toy_family


def test_the_second_one_is_told_about_the_first(tmp_path: Path) -> None:
    path = tmp_path / "run" / "lock"
    with exclusive(path, "the run x"):
        assert is_held(path)
        with pytest.raises(UserError, match=rf"the run x is in use by process {os.getpid()} on .* since 2") as error:
            with exclusive(path, "the run x"):
                pass
        assert error.value.exit_code == MISUSED
    assert not is_held(path) and not is_held(tmp_path / "none")
    with exclusive(path, "the run x"):
        pass


def test_a_killed_run_holds_nothing(toy: Path) -> None:
    made = toy_family.experiment(toy_family.with_model(toy_family.training(2000), delay=0.01))
    process = processes.start(toy, made)
    lock = toy / "runs" / "toy" / "lock"
    process.wait_until(lambda: is_held(lock) and "fresh" in process.log.read_text())
    code, log = processes.run(toy, made, "train")
    assert code == MISUSED and f"the run toy is in use by process {process.process.pid}" in log
    assert process.process.is_alive()
    assert "running" in processes.command(toy, "status")[1]
    process.signal(signal.SIGKILL)
    process.end()
    assert not is_held(lock)
    assert "killed" in processes.command(toy, "status")[1]
    assert processes.run(toy, toy_family.experiment(toy_family.training(20), "other"))[0] == DONE


@pytest.fixture
def no_flock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shared disk whose locks exclude nobody."""
    monkeypatch.setattr(fcntl, "flock", lambda *_: None)


def left_behind(path: Path, age: float = 0.0, **changes: Any) -> Path:
    """A lease as some other holder has left it, that long ago."""
    path.write_text(json.dumps(module._me() | {"since": "2026-01-01"} | changes))
    os.utime(path, (time.time() - age,) * 2)
    return path


def takes(path: Path) -> bool:
    """Whether this process gets the lock."""
    try:
        with exclusive(path, "the run x"):
            return True
    except UserError:
        return False


def other_process() -> subprocess.Popen[bytes]:
    """A process that lives until it is killed."""
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])


@pytest.mark.usefixtures("no_flock")
def test_without_locks_a_living_process_of_this_host_excludes(tmp_path: Path) -> None:
    with other_process() as other:
        lease = left_behind(tmp_path / "lock", 9999.0, pid=other.pid, started=module._started(other.pid))
        assert is_held(lease) and not takes(lease)
        other.kill()
    assert not is_held(lease) and takes(lease)


def test_a_killed_process_whose_parent_never_asks_for_it_does_not_exclude(tmp_path: Path) -> None:
    """So it stays in a container without an init: an entry of that number and beginning, which does nothing any more."""
    with other_process() as other:
        lease = left_behind(tmp_path / "lock", pid=other.pid, started=module._started(other.pid))
        assert not takes(lease)
        other.kill()
        os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and its entry stays
        assert Path(f"/proc/{other.pid}/stat").is_file()
        assert not is_held(lease) and takes(lease)


@pytest.mark.usefixtures("no_flock")
@pytest.mark.parametrize("changes", [{"started": 1}, {"pid": 2**22 + 1}, {"boot": "before the restart"}, {"started": None}])
def test_a_process_of_this_host_that_is_gone_does_not_exclude(tmp_path: Path, changes: dict[str, Any]) -> None:
    """Its number may be another process's by now, and the host may have been restarted: the sign of life is no matter."""
    with other_process() as other:
        lease = left_behind(tmp_path / "lock", **{"pid": other.pid, "started": module._started(other.pid)} | changes)
        assert not is_held(lease) and takes(lease)
        other.kill()


@pytest.mark.usefixtures("no_flock")
@pytest.mark.parametrize("elsewhere", [{"host": "node7", "boot": "x"}, {"pids": "pid:[1]"}])
def test_another_host_or_container_excludes_while_it_shows_signs_of_life(tmp_path: Path, elsewhere: dict[str, Any]) -> None:
    assert not takes(left_behind(tmp_path / "lock", 60.0, **elsewhere))
    assert takes(left_behind(tmp_path / "lock", 180.0, **elsewhere))


def test_a_container_that_is_started_again_goes_on_at_once(tmp_path: Path) -> None:
    """Its holder was killed a second ago; this kernel, which had given it the lock, now gives it to another."""
    path = tmp_path / "lock"
    path.touch()
    with path.open() as file:
        given = module._disk(file)
    left_behind(path, 1.0, pids="pid:[1]", disk=given)
    assert takes(path)
    for elsewhere in ({"disk": [given[0] + 1, given[1]]}, {"disk": given, "boot": "another kernel", "host": "node7"}):
        left_behind(path, 1.0, **{"pids": "pid:[1]"} | elsewhere)
        with pytest.raises(UserError, match="that machine or container is gone, start again 11[0-9] s from now"):
            with exclusive(path, "the run x"):
                pass


def test_a_living_holder_in_another_container_excludes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "lock"
    with subprocess.Popen([sys.executable, "-c", SLEEPER, str(path)], stdout=subprocess.PIPE, text=True) as sleeper:
        assert sleeper.stdout is not None and sleeper.stdout.readline() == "holding\n"
        monkeypatch.setattr(module, "_namespace", lambda: "pid:[1]")
        assert is_held(path) and not takes(path)
        sleeper.kill()
        sleeper.wait()
        assert takes(path)


@pytest.mark.usefixtures("no_flock")
def test_a_sign_of_life_from_the_future_is_not_waited_for(tmp_path: Path) -> None:
    """The runs of a machine whose clock was a day ahead, copied with their times."""
    assert takes(left_behind(tmp_path / "lock", -86_400.0, host="node7", boot="x"))
    lease = left_behind(tmp_path / "lock", -30.0, host="node7", boot="x")
    with pytest.raises(UserError, match="last sign of life 0 s ago.*start again 1[45][0-9] s from now"), exclusive(lease, "x"):
        pass


@pytest.mark.usefixtures("no_flock")
def test_the_message_says_how_to_take_over_from_another_host(tmp_path: Path) -> None:
    lease = left_behind(tmp_path / "lock", 30.0, host="node7", boot="x")
    with pytest.raises(UserError) as error, exclusive(lease, "the run x"):
        pass
    said = str(error.value)
    assert "on node7 since 2026-01-01" in said and "(last sign of life 30 s ago)" in said
    assert f"start again 90 s from now, or delete {lease} to take over at once" in said
    lease.unlink()
    assert takes(lease)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"pid": 1}', '{"pid": "../../etc", "host": 7}'])
def test_what_is_no_lease_excludes_nobody(tmp_path: Path, text: str) -> None:
    path = tmp_path / "lock"
    path.write_text(text)
    os.utime(path, (0, 0))
    assert not is_held(path) and takes(path)


def test_a_holder_shows_signs_of_life_and_leaves_no_lease(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BEAT_SECONDS", 0.01)
    path = tmp_path / "lock"
    with exclusive(path, "the run x"):
        os.utime(path, (0, 0))
        deadline = time.monotonic() + 10
        while path.stat().st_mtime < 1 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert path.stat().st_mtime > 1
        assert read_json(path)["pid"] == os.getpid()
    assert path.read_text() == "" and os.listdir(tmp_path) == ["lock"]


SLEEPER = """
import sys, time
from pathlib import Path
from expc.runtime import lock
lock.BEAT_SECONDS = 0.02
with lock.exclusive(Path(sys.argv[1]), "the run x"):
    print("holding", flush=True)
    time.sleep(60)
"""


def test_who_was_taken_over_from_stops_when_it_wakes(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with subprocess.Popen([sys.executable, "-c", SLEEPER, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as sleeper:
        assert sleeper.stdout is not None and sleeper.stdout.readline() == "holding\n"
        left_behind(path, pid=1, host="node7")
        _, said = sleeper.communicate(timeout=30)
    assert sleeper.returncode == MISUSED and "the run x was taken over by process 1 on node7" in said
    assert read_json(path)["host"] == "node7"


FORKS = """
import os, sys, time
from pathlib import Path
from expc.runtime.lock import exclusive
with exclusive(Path(sys.argv[1]), "the run x"):
    if os.fork() == 0:
        time.sleep(60)
    print("holding", flush=True)
    time.sleep(60)
"""


def test_a_forked_child_that_outlives_the_run_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    parent = subprocess.Popen([sys.executable, "-c", FORKS, str(path)], stdout=subprocess.PIPE, start_new_session=True)
    try:
        assert parent.stdout is not None and parent.stdout.readline() == b"holding\n"
        assert not takes(path)
        parent.kill()
        parent.wait()
        end = time.monotonic() + 20  # a child that has not been given the processor yet has let go of nothing
        while not takes(path):
            assert time.monotonic() < end
            time.sleep(0.05)
    finally:
        os.killpg(parent.pid, signal.SIGKILL)
