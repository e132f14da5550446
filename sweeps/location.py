"""Where a store lies, a path or a URL that fsspec knows, and the lock that keeps it to one writer."""

import fcntl
import json
import os
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlparse
from urllib.request import url2pathname

import fsspec
from filelock import FileLock, Timeout
from zarr.storage import FsspecStore, LocalStore

from electrograd.physics.errors import InputError

PATIENCE = 1.0
"""Seconds that a writer waits for a lock before it gives up."""
RENEWED, STALE = 30.0, 180.0
"""Seconds after which the lock of a URL is written anew, and after which its writer counts as dead."""
WAIT = "wait for it, or end it"
"""What to do while another process writes."""
HOW_FAR = f"{WAIT}; `electrograd sweep --status` shows how far it is"
SETTLE = 2.0
"""Seconds after which two writers that came at once both see the same lock behind a URL: the last one's.
Few file systems create an object only where there is none, and one cannot ask which do."""


class LockLostError(RuntimeError):
    """Another process took the right to write over, from one that slept or was cut off too long."""


class Location:
    """A folder for a Zarr store: on this machine, or behind a URL (``s3://…``, ``memory://…``).

    Parameters
    ----------
    place
        A path, or a URL of a file system that fsspec knows and has the package for.

    Raises
    ------
    InputError
        For a URL of an unknown kind, or one whose package is not installed.
    """

    def __init__(self, place: str | Path) -> None:
        parsed = urlparse(str(place))
        self.path: Path | None = None
        if parsed.scheme == "file":
            self.path = Path(url2pathname(parsed.path))
        elif "://" not in str(place):
            self.path = Path(os.path.expanduser(place))
        self.name = str(self.path or place).rstrip("/")
        try:
            self._fs, self._root = fsspec.core.url_to_fs(self.name)
        except (ValueError, ImportError) as error:
            # Of a kind that it knows, fsspec mostly says which package to install.
            says = isinstance(error, ImportError) and str(error) != "None"
            rule = "a store must lie in a folder, or at a URL that fsspec can reach"
            raise InputError(rule, place, str(error) if says else None) from error
        self._lease: _Lease | None = None

    def __str__(self) -> str:
        return self.name

    def zarr(self, read_only: bool) -> LocalStore | FsspecStore:
        """Return what Zarr reads and writes through."""
        if self.path is not None:
            return LocalStore(self.path, read_only=read_only)
        return FsspecStore.from_url(self.name, read_only=read_only)

    def holds_something(self) -> bool:
        """Whether there is anything at all, but for a first file that a kill left unfinished."""
        if not self._fs.exists(self._root):
            return False
        if not self._fs.isdir(self._root):
            return True
        return any(not str(name).endswith(".partial") for name in self._fs.ls(self._root, detail=False))

    @contextmanager
    def writing(self, advice: str = HOW_FAR) -> Iterator[None]:
        """Hold the right to write; it ends with the process, however that ends.

        On this machine the operating system keeps the lock. Behind a URL it is an object beside the
        store that its owner renews; one that was not renewed for three minutes is taken over.

        Parameters
        ----------
        advice
            What to do while another process holds it.

        Raises
        ------
        InputError
            If another process holds it, or nothing can be written there.
        """
        if self.path is None:
            with self._leased(advice):
                yield
            return
        check_writable(self.path.parent)
        lock = FileLock(f"{self.name}.lock", timeout=PATIENCE)
        try:
            lock.acquire()
        except Timeout as error:
            raise self._busy(advice) from error
        try:
            self._owner.write_text(_ourselves())
            yield
        finally:
            self._owner.unlink(missing_ok=True)
            lock.release()

    def check_writing(self) -> None:
        """Make sure, inside `writing` and before anything is written, that the right to is still held.

        On this machine the operating system sees to that. Behind a URL the lock is read; after a sleep
        of the process it takes two seconds.

        Raises
        ------
        LockLostError
            If another process has taken over.
        OSError
            If the lock cannot be read or renewed.
        """
        if self.path is not None:
            return
        if self._lease is None:
            raise RuntimeError(f"{self.name} is written inside `writing` of the same `Location` alone")
        self._lease.check()

    def writer(self) -> str | None:
        """Who writes now, in words; None if nobody does."""
        if self.path is None:
            claim = _read_claim(self._fs, f"{self._root}.lock")
            return claim.owner if claim and claim.alive else None
        try:
            # For reading, and shared: the lock may be another user's.
            with open(f"{self.name}.lock", "rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return None
        except FileNotFoundError:
            return None
        except PermissionError:
            return "unknown: the lock belongs to another user"
        except BlockingIOError:
            with suppress(OSError):  # it is written after the lock is taken, and removed before
                return self._owner.read_text() or "another process"
            return "another process"

    @property
    def _owner(self) -> Path:
        return Path(f"{self.name}.writer")

    def _busy(self, advice: str) -> InputError:
        return InputError(
            f"one process at a time may write to {self.name}",
            f"another writer, {self.writer() or 'which has just ended'}",
            advice,
        )

    @contextmanager
    def _leased(self, advice: str) -> Iterator[None]:
        lease = _Lease(self._fs, f"{self._root}.lock", self.name)
        try:
            if not lease.take():
                raise self._busy(advice)
            self._lease = lease
            with lease.renewed():
                yield
        finally:
            if self._lease is lease:
                self._lease = None
            lease.leave()


def check_writable(folder: Path) -> None:
    """Make sure, before any work, that results can be written to a folder; make it if need be.

    Raises
    ------
    InputError
        If nothing can be written there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(
            "results must have a folder that can be written to; nothing was done yet",
            f"{folder}, {reason}",
            "another folder (--runs, or the study's 'store')",
        ) from error


@dataclass(frozen=True)
class _Claim:
    """What the lock of a URL says."""

    owner: str
    token: str
    renewed: float

    @property
    def alive(self) -> bool:
        """Whether its writer counts as alive; a time to come is of a clock that cannot be trusted."""
        return -RENEWED <= time.time() - self.renewed < STALE


def _read_claim(fs: Any, path: str) -> _Claim | None:
    try:
        text = fs.cat_file(path)
    except FileNotFoundError:
        return None
    try:
        found = json.loads(text)
        return _Claim(str(found["owner"]), str(found["token"]), float(found["renewed"]))
    except (ValueError, TypeError, KeyError):
        return _Claim("unknown", "", 0.0)  # what nobody can read, anybody may take over


class _Lease:
    """The right to write behind a URL: an object beside the store that its owner renews."""

    def __init__(self, fs: Any, path: str, name: str) -> None:
        self._fs, self._path, self._name = fs, path, name
        self._token = os.urandom(8).hex()
        self._renewed = 0.0
        self._turn = threading.Lock()  # so that none reads what the other has half written

    def take(self) -> bool:
        """Take it, unless another process has it; return whether it is ours."""
        found = _read_claim(self._fs, self._path)
        if found and found.alive:
            return False
        if found:
            self._write()
        else:
            try:
                self._write(mode="create")
            except FileExistsError:
                return False
            except (OSError, TypeError, ValueError, NotImplementedError):  # it cannot create so
                self._write()
        time.sleep(SETTLE)
        return self._ours()

    @contextmanager
    def renewed(self) -> Iterator[None]:
        """Renew it from time to time, in a thread."""
        over = threading.Event()

        def renew() -> None:
            while not over.wait(RENEWED):
                try:
                    self.check(renew=True)
                except LockLostError:
                    return  # the next check says so
                except OSError:
                    continue  # the next time may do

        thread = threading.Thread(target=renew, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def check(self, renew: bool = False) -> None:
        """Raise `LockLostError` if it is another's; renew it if that is due, or asked for."""
        with self._turn:
            # The clock on the wall, because others do not stop counting when this machine sleeps.
            slept = not 0.0 <= time.time() - self._renewed < STALE / 2
            self._insist()
            if renew or slept:
                self._write()
            if slept:  # another may be taking it over at this moment
                time.sleep(SETTLE)
                self._insist()

    def leave(self) -> None:
        """Remove it if it is ours."""
        with suppress(OSError):  # what stays behind counts as dead soon
            if self._ours():
                self._fs.rm_file(self._path)

    def _insist(self) -> None:
        if not self._ours():
            raise LockLostError(
                f"another process took over the writing of {self._name} while this one slept or could "
                "not reach it; what was stored is kept"
            )

    def _ours(self) -> bool:
        found = _read_claim(self._fs, self._path)
        return found is not None and found.token == self._token

    def _write(self, **mode: str) -> None:
        now = time.time()
        text = json.dumps(asdict(_Claim(_ourselves(), self._token, now)))
        self._fs.pipe_file(self._path, text.encode(), **mode)
        self._renewed = now


def _ourselves() -> str:
    return f"process {os.getpid()} on {socket.gethostname()}"
