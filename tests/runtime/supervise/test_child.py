"""One foreign process: output as it comes, signals to the whole group, an end that nobody can refuse."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from expc.runtime.errors import MISSING, UserError
from expc.runtime.supervise.child import Child
from expc.runtime.supervise.offspring import is_alive

SAYS_TERM = "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *a: (print('got TERM'), sys.exit(7)));"


def child(folder: Path, program: str, grace: float = 5.0, terminal: bool = False) -> Child:
    environment = dict(os.environ) | {"PYTHONUNBUFFERED": "1"}
    return Child([sys.executable, "-c", program], folder, environment, grace, terminal)


def run(one: Child, send: int | None = None, when: bytes = b"ready\n") -> tuple[int, bytes]:
    """Exit code and output; `send` goes to this process as soon as the output holds `when`."""
    said = bytearray()
    sent = []

    def tick() -> None:
        if send is not None and when in said and not sent:
            sent.append(send)
            os.kill(os.getpid(), send)

    code = one.run(said.extend, tick)
    return code, bytes(said)


def test_output_and_error_in_order_and_the_exit_code(tmp_path: Path) -> None:
    program = "import os, sys; print('one'); print('two', file=sys.stderr); print(os.getcwd()); sys.exit(5)"
    code, said = run(child(tmp_path, program))
    assert (code, said.decode().split("\n")) == (5, ["one", "two", str(tmp_path), ""])


@pytest.mark.parametrize("terminal", [False, True])
def test_bytes_come_through_as_they_are(tmp_path: Path, terminal: bool) -> None:
    program = "import sys; sys.stdout.buffer.write(bytes(range(32, 256)) + b'\\r\\n'); sys.stdout.flush()"
    assert run(child(tmp_path, program, terminal=terminal)) == (0, bytes(range(32, 256)) + b"\r\n")


def test_a_terminal_is_one_for_the_program(tmp_path: Path) -> None:
    program = "import sys; print(sys.stdout.isatty())"
    assert run(child(tmp_path, program))[1] == b"False\n"
    assert run(child(tmp_path, program, terminal=True))[1] == b"True\n"


def test_output_is_handed_on_before_the_end(tmp_path: Path) -> None:
    one, seen = child(tmp_path, "import time; print('early'); time.sleep(1.5)"), []
    one.run(lambda data: seen.append((data, time.monotonic())), lambda: None)
    assert seen[0][0].startswith(b"early") and time.monotonic() - seen[0][1] > 1


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGUSR1"])
def test_a_signal_is_passed_on(tmp_path: Path, name: str) -> None:
    program = (f"import signal, sys, time; signal.signal(signal.{name}, lambda *a: (print('saved'), sys.exit(0)));"
               "print('ready'); time.sleep(20)")
    one = child(tmp_path, program)
    code, said = run(one, getattr(signal, name))
    assert (code, said, one.stopped_by, one.killed) == (0, b"ready\nsaved\n", name, False)


def test_handlers_are_put_back(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    run(child(tmp_path, "pass"))
    assert signal.getsignal(signal.SIGTERM) is before


def test_who_ignores_the_signal_is_killed_after_the_grace_time(tmp_path: Path) -> None:
    program = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready'); time.sleep(30)"
    one, begun = child(tmp_path, program, grace=0.6), time.monotonic()
    code, _ = run(one, signal.SIGTERM)
    assert code == -signal.SIGKILL and one.killed and one.stopped_by == "SIGTERM"
    assert 0.6 < time.monotonic() - begun < 10


def test_a_second_interrupt_kills_at_once(tmp_path: Path) -> None:
    program = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); print('ready'); time.sleep(30)"
    one, begun = child(tmp_path, program, grace=25), time.monotonic()
    threading.Timer(1.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    code, _ = run(one, signal.SIGINT)
    assert code == -signal.SIGKILL and one.killed and time.monotonic() - begun < 15


def test_grandchildren_get_the_signal_too(tmp_path: Path) -> None:
    inner = "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *a: sys.exit(print('inner', flush=True)));" \
            "print('ready', flush=True); time.sleep(20)"
    program = f"import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', {inner!r}]))"
    one = child(tmp_path, program)
    _, said = run(one, signal.SIGTERM)
    assert b"inner" in said and one.process is not None and not is_alive(one.process.pid)


def test_processes_that_are_left_behind_are_ended(tmp_path: Path) -> None:
    program = f"{SAYS_TERM} import subprocess; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])"
    one, begun = child(tmp_path, program), time.monotonic()
    code, _ = run(one)
    assert (code, one.left_behind) == (0, True) and time.monotonic() - begun < 15
    assert one.process is not None and not is_alive(one.process.pid)


def test_who_closes_its_output_is_waited_for(tmp_path: Path) -> None:
    program = "import os, time; os.close(1); os.close(2); time.sleep(0.7); os._exit(4)"
    assert run(child(tmp_path, program)) == (4, b"")


def test_what_goes_wrong_in_here_ends_the_program(tmp_path: Path) -> None:
    one = child(tmp_path, "print('ready'); import time; time.sleep(60)", grace=2)
    with pytest.raises(OSError, match="disk"):
        one.run(lambda data: (_ for _ in ()).throw(OSError("disk")), lambda: None)
    assert one.process is not None and not is_alive(one.process.pid)


def test_stop_from_inside(tmp_path: Path) -> None:
    one = child(tmp_path, SAYS_TERM + "print('ready'); time.sleep(20)")
    code = one.run(lambda data: one.stop("guard") if b"ready" in data else None, lambda: None)
    assert (code, one.stopped_by) == (7, "guard")


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="/nowhere/python could not be started") as error:
        Child(["/nowhere/python"], tmp_path, {}, 1.0).run(lambda data: None, lambda: None)
    assert error.value.exit_code == MISSING


OWN_SESSION = "import subprocess, sys, time; one = subprocess.Popen({words}, start_new_session=True); print(one.pid);"


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.mark.parametrize(("then", "code"), [("", 0), ("time.sleep(60)", -signal.SIGKILL), ("sys.exit(3)", 3)])
def test_workers_with_a_session_of_their_own_do_not_outlive_it(tmp_path: Path, then: str, code: int) -> None:
    """As torchrun starts them; these ignore requests, and the one that started them is killed or just goes away."""
    ignores = "trap '' TERM INT; sleep 50 & setsid sleep 51 & while :; do sleep 0.1; done"
    deaf = "import signal; signal.signal(signal.SIGTERM, lambda *a: None); print('ready');" if then.startswith("time") else ""
    one = child(tmp_path, OWN_SESSION.format(words=["bash", "-c", ignores]) + deaf + "time.sleep(0.3);" + then, grace=1.0)
    ended, said = run(one, signal.SIGTERM if deaf else None)
    assert ended == code and (one.left_behind or one.killed)
    pid = int(said.split()[0])
    assert not lives(pid)
    sleeps = [path for path in Path("/proc").glob("[0-9]*/cmdline") if _words(path) in (["sleep", "50"], ["sleep", "51"])]
    assert sleeps == []


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split("\0")[:-1]
    except OSError:
        return []


def test_other_children_of_this_process_are_left_alone(tmp_path: Path) -> None:
    other = subprocess.Popen(["sleep", "30"], start_new_session=True)
    one = child(tmp_path, OWN_SESSION.format(words=["sleep", "40"]), grace=1.0)
    assert run(one)[0] == 0 and one.left_behind
    assert other.poll() is None
    other.kill()
    assert other.wait() == -signal.SIGKILL


def test_a_paused_program_is_asked_too(tmp_path: Path) -> None:
    one = child(tmp_path, SAYS_TERM + "import os; print('ready'); os.kill(os.getpid(), signal.SIGSTOP); time.sleep(60)")
    assert run(one, signal.SIGTERM) == (7, b"ready\ngot TERM\n") and not one.killed
