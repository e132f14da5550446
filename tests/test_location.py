"""Where a store lies, and the lock that keeps it to one writer: behind URLs above all."""

import errno
import fcntl
import json
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import fsspec
import pytest
from conftest import HANGS, until
from fsspec.registry import known_implementations

from electrograd.physics.errors import InputError
from electrograd.sweeps import location
from electrograd.sweeps.location import Location, LockLostError, check_writable

MEMORY = fsspec.filesystem("memory")
TAKEN = "one process at a time"


class Clock:
    """In place of `time`: minutes pass when a test says so, and not because a machine is slow."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self.sleep = time.sleep

    def time(self) -> float:
        return time.time() + self.ahead


@pytest.fixture
def clock(monkeypatch: Any) -> Clock:
    monkeypatch.setattr(location, "time", Clock())
    found: Any = location.time
    return found


@pytest.fixture
def url(request: Any, monkeypatch: Any, clock: Clock) -> str:
    """A place of its own for each test, where a lock is renewed often."""
    monkeypatch.setattr(location, "RENEWED", 0.05)
    monkeypatch.setattr(location, "SETTLE", 0.05)
    return f"memory://electrograd-locks/{request.node.name}.zarr"


def lock_of(url: str) -> str:
    return f"{url.removeprefix('memory:/')}.lock"


def claim(url: str, owner: str = "another", ago: float = 0.0) -> None:
    """Another process writes the lock."""
    said = {"owner": owner, "token": owner, "renewed": location.time.time() - ago}
    MEMORY.pipe_file(lock_of(url), json.dumps(said).encode())


def owner(url: str) -> str:
    return str(json.loads(MEMORY.cat_file(lock_of(url)))["owner"])


def renewed(url: str) -> float:
    return float(json.loads(MEMORY.cat_file(lock_of(url)))["renewed"])


def test_one_writer_behind_a_url(url: str, clock: Clock) -> None:
    with Location(url).writing():
        with (
            pytest.raises(InputError, match=f"{TAKEN}.*another writer, process"),
            Location(url).writing(),
        ):
            pass
        for _ in range(3):  # together it would be stale, were it not renewed meanwhile
            clock.ahead += 0.4 * location.STALE
            until(lambda: clock.time() - renewed(url) < 0.1 * location.STALE)
        assert "process" in str(Location(url).writer())
    assert Location(url).writer() is None
    assert not MEMORY.exists(lock_of(url))


def test_a_lock_left_behind_is_taken_over_once_it_is_stale(url: str, clock: Clock) -> None:
    claim(url, "one that died")
    with pytest.raises(InputError, match="one that died"), Location(url).writing():
        pass
    assert owner(url) == "one that died"  # and it was not removed
    clock.ahead += location.STALE
    assert Location(url).writer() is None
    with Location(url).writing():
        assert "process" in owner(url)


@pytest.mark.parametrize("ahead", [0.04, 3600.0])
def test_a_clock_far_ahead_is_not_believed(url: str, ahead: float) -> None:
    claim(url, "one of tomorrow", -ahead)
    if ahead < location.RENEWED:
        assert Location(url).writer() == "one of tomorrow"
    else:
        assert Location(url).writer() is None
        with Location(url).writing():
            pass


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"{}", b'{"owner": 1, "token": 2, "renewed": "x"}'])
def test_a_lock_that_nobody_can_read_is_taken_over(url: str, text: bytes) -> None:
    MEMORY.pipe_file(lock_of(url), text)
    with Location(url).writing():
        assert "process" in owner(url)


class Careless:
    """`memory://` that knows no exclusive creation, and is slow, so that all see what was before."""

    def __init__(self, refuses: type[Exception] | None) -> None:
        self.refuses = refuses

    def __getattr__(self, name: str) -> Any:
        return getattr(MEMORY, name)

    def cat_file(self, path: str) -> bytes:
        try:
            return bytes(MEMORY.cat_file(path))
        finally:
            time.sleep(0.01)

    def pipe_file(self, path: str, data: bytes, mode: str = "overwrite") -> None:
        if mode == "create" and self.refuses:
            raise self.refuses("no such mode")
        MEMORY.pipe_file(path, data)


@pytest.mark.parametrize("before", ["nothing", "a dead writer"])
@pytest.mark.parametrize("fs", [None, Careless(None), Careless(TypeError), Careless(OSError)])
def test_of_many_that_come_at_once_one_writes(
    url: str, fs: Careless | None, before: str, clock: Clock
) -> None:
    """Where each waits until all have come, as `SETTLE` is to see to."""
    writers, decided, change = 6, set[int](), threading.Condition()
    if before == "a dead writer":
        claim(url, ago=location.STALE)
    start, inside = (threading.Barrier(writers, timeout=HANGS) for _ in range(2))

    def decide(number: int) -> None:
        with change:
            decided.add(number)
            change.notify_all()

    def settle(seconds: float) -> None:
        decide(threading.get_ident())
        with change:
            assert change.wait_for(lambda: len(decided) == writers, timeout=HANGS)

    clock.sleep = settle

    def one(_: int) -> bool:
        where = Location(url)
        where._fs = fs or where._fs
        start.wait()
        try:
            with where.writing():
                inside.wait()
                where.check_writing()
                return True
        except InputError:
            decide(threading.get_ident())
            inside.wait()
            return False

    with ThreadPoolExecutor(writers) as pool:
        assert sum(pool.map(one, range(writers))) == 1
    assert not MEMORY.exists(lock_of(url))


def test_who_wakes_up_robbed_stops_and_leaves_the_lock_alone(url: str) -> None:
    with (sleeper := Location(url)).writing():
        sleeper.check_writing()
        lease: Any = sleeper._lease
        with lease._turn:  # as if it slept: a renewal that had begun has ended, and none begins
            claim(url)
        time.sleep(0.1)  # awake: the thread has had its turns to write
        assert owner(url) == "another"
        with pytest.raises(LockLostError, match="took over the writing of memory"):
            sleeper.check_writing()
    assert owner(url) == "another"


def test_who_wakes_up_after_the_other_has_left_stops_too(url: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(location, "RENEWED", 60.0)  # no thread
    with (sleeper := Location(url)).writing():
        MEMORY.rm_file(lock_of(url))
        with pytest.raises(LockLostError):
            sleeper.check_writing()
    assert not MEMORY.exists(lock_of(url))


def test_who_wakes_up_unrobbed_goes_on(url: str, clock: Clock) -> None:
    with (sleeper := Location(url)).writing():
        lease: Any = sleeper._lease
        with lease._turn:  # as if it slept
            clock.ahead += location.STALE
            assert Location(url).writer() is None
        sleeper.check_writing()
        assert Location(url).writer() is not None


@pytest.mark.parametrize("robbed", [True, False])
def test_who_wakes_up_while_another_takes_over(url: str, monkeypatch: Any, robbed: bool) -> None:
    """The one that wrote the lock last has it; the other gives up."""
    monkeypatch.setattr(location, "RENEWED", 60.0)  # no thread
    with (sleeper := Location(url)).writing():
        lease: Any = sleeper._lease
        other = location._Lease(MEMORY, lock_of(url), url)
        order = [lease._write, other._write] if robbed else [other._write, lease._write]
        monkeypatch.setattr(lease, "_write", lambda: [write() for write in order])
        lease._renewed -= location.STALE
        if robbed:
            with pytest.raises(LockLostError):
                sleeper.check_writing()
        else:
            sleeper.check_writing()
        assert other._ours() == robbed


def test_a_lock_that_cannot_be_renewed_for_a_while(url: str, monkeypatch: Any, clock: Clock) -> None:
    with (where := Location(url)).writing():
        with monkeypatch.context() as patched:
            patched.setattr(where._fs, "pipe_file", _cut_off)
            clock.ahead += 0.6 * location.STALE
            with pytest.raises(OSError, match="cut off"):
                where.check_writing()
        where.check_writing()
        time.sleep(0.1)
        assert Location(url).writer() is not None


def _cut_off(*arguments: object, **named: object) -> None:
    raise OSError("cut off")


def test_writing_without_the_lock_is_a_mistake(url: str, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="inside `writing`"):
        Location(url).check_writing()
    with (where := Location(url)).writing():
        pass
    with pytest.raises(RuntimeError, match="inside `writing`"):
        where.check_writing()
    Location(tmp_path / "s.zarr").check_writing()


def test_the_writer_of_a_path(tmp_path: Path) -> None:
    where = Location(tmp_path / "s.zarr")
    assert where.writer() is None
    with where.writing():
        assert "process" in str(where.writer())
        (tmp_path / "s.zarr.writer").write_text("")
        assert where.writer() == "another process"
        (tmp_path / "s.zarr.writer").unlink()
        assert where.writer() == "another process"
    (tmp_path / "s.zarr.writer").write_text("one that died")
    assert where.writer() is None


def test_the_writer_of_another_user(tmp_path: Path, monkeypatch: Any) -> None:
    where = Location(tmp_path / "s.zarr")

    def may_read(path: str, mode: str) -> Any:
        if mode != "rb":
            raise PermissionError(path)
        return open(path, mode)

    def may_not(path: str, mode: str) -> Any:
        raise PermissionError(path)

    with where.writing():
        monkeypatch.setattr(location, "open", may_read, raising=False)
        assert "process" in str(where.writer())
        monkeypatch.setattr(location, "open", may_not, raising=False)
        assert where.writer() == "unknown: the lock belongs to another user"


def test_asking_who_writes_keeps_nobody_out(tmp_path: Path) -> None:
    where = Location(tmp_path / "s.zarr")
    with where.writing():
        pass
    with open(tmp_path / "s.zarr.lock", "rb") as asking:
        fcntl.flock(asking, fcntl.LOCK_SH)
        assert where.writer() is None  # as many as like may ask
        threading.Timer(0.2, lambda: fcntl.flock(asking, fcntl.LOCK_UN)).start()
        with where.writing():
            pass


def test_urls_that_cannot_be_reached_are_refused(monkeypatch: Any) -> None:
    monkeypatch.setitem(
        known_implementations, "moon", {"class": "no_such_package.Moon", "err": "Install moonfs"}
    )
    monkeypatch.setitem(known_implementations, "mars", {"class": "no_such_package.Mars"})
    rule = r"at a URL that fsspec can reach; received: "
    with pytest.raises(InputError, match=rf"{rule}moon://b/s\.zarr; nearest valid: Install moonfs$"):
        Location("moon://b/s.zarr")
    for url in ("mars://b/s.zarr", "nonsense://b/s.zarr"):
        with pytest.raises(InputError, match=rf"{rule}{url}$"):
            Location(url)


def test_a_folder_that_cannot_be_written_to_is_refused_before_any_work(
    tmp_path: Path, monkeypatch: Any
) -> None:
    check_writable(tmp_path / "new" / "runs")
    assert list((tmp_path / "new" / "runs").iterdir()) == []
    rule = "must have a folder that can be written to; nothing was done yet; received: "
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(InputError, match=rf"{rule}.*file/runs, not a directory; nearest valid: another"),
        Location(tmp_path / "file" / "runs" / "s.zarr").writing(),
    ):
        pass

    def read_only(dir: Path) -> Any:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(dir))

    monkeypatch.setattr(location.tempfile, "TemporaryFile", read_only)
    with pytest.raises(InputError, match=rf"{rule}.*, read-only file system; nearest valid"):
        check_writable(tmp_path)


def test_paths_in_other_words(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Location("~/s.zarr").path == Location(Path("~/s.zarr")).path == tmp_path / "s.zarr"
    assert Location(f"file://{tmp_path}/s%20t.zarr").path == tmp_path / "s t.zarr"
    assert Location("memory://~/s.zarr").path is None
