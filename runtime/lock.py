"""One process at a time per run: a lock that the kernel drops with its holder, and a lease for where such locks do not hold.

Over NFS a lock can silently exclude nobody. So the holder also writes into the lock's file who it is (host, boot, process
and when that began, which tells a process from a later one of the same number) and touches the file every few seconds. A
holder on this host is alive if that very process is; one on another host as long as its last sign of life is recent. One in
another container of this machine is gone where the kernel gives away the very lock that it had.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from .errors import MISUSED, UserError
from .files import read_json
from .journal import now
from .processes import ENDED, fields
from .progress import say

BEAT_SECONDS = 10.0
STALE_SECONDS = 120.0
"""Without a sign of life for so long, a holder on another host counts as gone; many times the beat, for slow disks."""

_held: list[IO[str]] = []


def is_held(path: Path) -> bool:
    """Whether some process holds the lock now."""
    lease = read_json(path)
    return isinstance(lease, dict) and _is_alive(lease, path)


def identity(pid: int) -> dict[str, Any]:
    """What tells a process of this machine from every other one, on any host and after any restart."""
    return {"host": socket.gethostname(), "boot": _boot(), "pids": _namespace(), "pid": pid, "started": _started(pid)}


def lives(one: Mapping[str, Any]) -> bool | None:
    """Whether the process of an `identity` is there; None where that cannot be seen from this host, or this container."""
    if one.get("host") == socket.gethostname() and one.get("boot") != _boot():
        return False  # this host has been restarted since
    if (one.get("boot"), one.get("pids")) == (_boot(), _namespace()):
        return one.get("started") is not None and _started(one.get("pid")) == one["started"]
    return None


@contextmanager
def exclusive(path: Path, what: str, wait: bool = False, lost: Callable[[], None] | None = None) -> Iterator[None]:
    """Holds the lock while the block runs. Raises UserError where somebody else does (or waits for them).

    Where another process takes over, this one ends at once; `lost` is called right before.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise _in_use(read_json(path) or {}, path, what) from None
        lease = read_json(path)
        if isinstance(lease, dict) and not _is_of_this_process(lease) and _is_alive(lease, path, _disk(file)):
            raise _in_use(lease, path, what)
        ours = _me() | {"since": now(), "disk": _disk(file)}
        _write(file, json.dumps(ours))
        _held.append(file)
        ended = threading.Event()
        threading.Thread(target=_beat, args=(path, ours, what, ended, lost), daemon=True).start()
        try:
            yield
        finally:
            ended.set()
            _held.remove(file)
            if read_json(path) == ours:
                _write(file, "")


def _write(file: IO[str], text: str) -> None:
    file.truncate(0)
    file.write(text)
    file.flush()


def _beat(path: Path, ours: dict[str, Any], what: str, ended: threading.Event, lost: Callable[[], None] | None) -> None:
    """Shows a sign of life as long as the lease is ours; ends the process at once where another one has taken over."""
    while not ended.wait(BEAT_SECONDS):
        try:
            theirs = _lease(path)
            if theirs != ours and not ended.is_set():
                by = f"was taken over by {_who(theirs)} while this process showed no sign of life" if theirs else (
                    f"is no longer held by this process: its lock {path} was deleted")
                say(f"error: {what} {by}; it stops")
                if lost:
                    lost()
                os._exit(MISUSED)  # as a kill would: what it is writing now would meet what the other one writes
            os.utime(path)
        except OSError:  # a shared disk that does not answer for a while
            continue


def _lease(path: Path) -> dict[str, Any]:
    """What the file says now; nothing where it has been deleted. Raises OSError where the disk does not answer."""
    try:
        lease = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return lease if isinstance(lease, dict) else {}


def _in_use(lease: dict[str, Any], path: Path, what: str) -> UserError:
    elsewhere = ""
    if lease.get("host") is not None and lives(lease) is None:
        age = _age(path)
        elsewhere = (f" (last sign of life {max(age, 0):.0f} s ago). If that machine or container is gone, start again "
                     f"{max(STALE_SECONDS - age, 0):.0f} s from now, or delete {path} to take over at once")
    return UserError(f"{what} is in use by {_who(lease)}; wait for it or stop it{elsewhere}", MISUSED)


def _who(lease: dict[str, Any]) -> str:
    return f"process {lease.get('pid', '?')} on {lease.get('host', '?')} since {lease.get('since', '?')}"


def _me() -> dict[str, Any]:
    return identity(os.getpid())


def _is_of_this_process(lease: dict[str, Any]) -> bool:
    return all(lease.get(key) == value for key, value in _me().items())


def _is_alive(lease: dict[str, Any], path: Path, given: list[int] | None = None) -> bool:
    """Whether a holder lives; `given`: the file that the kernel has just given this process the lock of."""
    found = lives(lease)
    if found is None and given is not None and (lease.get("boot"), lease.get("disk")) == (_boot(), given):
        return False  # one kernel gives one file's lock to one holder at a time, in whichever container
    return abs(_age(path)) < STALE_SECONDS if found is None else found


def _disk(file: IO[str]) -> list[int]:
    """Which file this is to the kernel: a disk that is mounted a second time, apart from the first, is another one."""
    about = os.fstat(file.fileno())
    return [about.st_dev, about.st_ino]


def _age(path: Path) -> float:
    """Seconds since the holder's last sign of life, both times by the clock of the disk that the file is on.

    Below zero where that clock has been put back since, or the file was copied from a machine whose clock is ahead. A holder
    that lives gives the next sign soon.
    """
    beat = path.stat().st_mtime
    probe = path.with_name(f".{path.name}.{os.getpid()}")
    probe.touch()
    try:
        return probe.stat().st_mtime - beat
    finally:
        probe.unlink(missing_ok=True)


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return "unknown"


def _namespace() -> str:
    """Containers on one host number their processes apart."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return "unknown"


def _started(pid: Any) -> int | None:
    """When a process began, in clock ticks since boot; None where there is none of that number, or one that has ended.

    One that has ended keeps its number until its parent asks for it, which in a container may be never.
    """
    found = fields(pid)
    return None if not found or found[0] in ENDED else int(found[19])


def _let_go() -> None:
    """Closes what a forked process has inherited: a reader of samples would keep the lock of a run that was killed."""
    for file in _held:
        file.close()


os.register_at_fork(after_in_child=_let_go)
