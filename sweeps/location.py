"""Where a store lies, a path or a URL that fsspec knows, and the lock that keeps it to one writer."""

import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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
            self.path = Path(place)
        self.name = str(self.path or place).rstrip("/")
        try:
            self._fs, self._root = fsspec.core.url_to_fs(self.name)
        except (ValueError, ImportError) as error:
            raise InputError(
                "a store must lie in a folder, or at a URL that fsspec can reach", place, str(error)
            ) from error

    def __str__(self) -> str:
        return self.name

    def zarr(self, read_only: bool) -> LocalStore | FsspecStore:
        """Return what Zarr reads and writes through."""
        if self.path is not None:
            return LocalStore(self.path, read_only=read_only)
        return FsspecStore.from_url(self.name, read_only=read_only)

    def holds_something(self) -> bool:
        """Whether there is anything at all."""
        exists = bool(self._fs.exists(self._root))
        return exists and (not self._fs.isdir(self._root) or bool(self._fs.ls(self._root, detail=False)))

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the right to write; it ends with the process, however that ends.

        On this machine the operating system keeps the lock. Behind a URL it is an object beside the
        store that its owner renews; one that was not renewed for three minutes is taken over.

        Raises
        ------
        InputError
            If another process holds it.
        """
        if self.path is None:
            with self._lease():
                yield
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(f"{self.name}.lock", timeout=PATIENCE)
        try:
            lock.acquire()
        except Timeout as error:
            raise self._busy() from error
        try:
            self._owner.write_text(_ourselves())
            yield
        finally:
            self._owner.unlink(missing_ok=True)
            lock.release()

    def writer(self) -> str | None:
        """Who writes now, in words; None if nobody does."""
        if self.path is None:
            lease = self._read_lease()
            return lease["owner"] if lease and _alive(lease) else None
        if not Path(f"{self.name}.lock").exists():
            return None
        lock = FileLock(f"{self.name}.lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            return self._owner.read_text() if self._owner.exists() else "another process"
        lock.release()
        return None

    @property
    def _owner(self) -> Path:
        return Path(f"{self.name}.writer")

    def _busy(self) -> InputError:
        return InputError(
            f"one process at a time may write to {self.name}",
            f"another writer, {self.writer() or 'which has just ended'}",
            "wait for it, or end it; `electrograd sweep --status` shows how far it is",
        )

    @contextmanager
    def _lease(self) -> Iterator[None]:
        token = {"owner": _ourselves(), "token": os.urandom(8).hex()}
        lease = self._read_lease()
        if lease and _alive(lease):
            raise self._busy()
        self._write_lease(token)
        if (self._read_lease() or {}).get("token") != token["token"]:  # another was as quick
            raise self._busy()
        over = threading.Event()

        def renew() -> None:
            while not over.wait(RENEWED):
                with suppress(OSError):  # the next time may do
                    self._write_lease(token)

        thread = threading.Thread(target=renew, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            self._fs.rm_file(f"{self._root}.lock")

    def _read_lease(self) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = json.loads(self._fs.cat_file(f"{self._root}.lock"))
        except (FileNotFoundError, ValueError):
            return None
        return found

    def _write_lease(self, token: dict[str, str]) -> None:
        text = json.dumps({**token, "renewed": time.time()})
        self._fs.pipe_file(f"{self._root}.lock", text.encode())


def _alive(lease: dict[str, Any]) -> bool:
    return time.time() - float(lease["renewed"]) < STALE


def _ourselves() -> str:
    return f"process {os.getpid()} on {socket.gethostname()}"
