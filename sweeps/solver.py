"""A function in a process of its own, which is ended when a call hangs and replaced when it dies.

The process is a fresh interpreter that talks through its pipes: it imports nothing of the caller's
script, never sees Ctrl-C, and can be had from any process or thread, a Dask worker's too. It ends itself
when its caller is gone, when a call outlasts its limit, and when nothing was asked of it for a while.
Pickles travel between these two processes of ours alone, and never to or from a file.
"""

import os
import pickle
import select
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from electrograd.physics.errors import InputError

START_UP = 120.0
"""Seconds that a process may take to import and to build its models."""
IDLE = 600.0
"""Seconds after which a process that is asked nothing ends itself."""
TRIES = 2
"""A call whose process dies is tried so many times; one that hangs is not tried again."""
ENDING = 1.0
"""Seconds that a process whose pipe is closed may take to be gone."""
START_TRIES = 5
"""A process that is killed while it starts is started again so many times."""

_ENVIRONMENT = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    "JAX_PLATFORMS": "cpu",  # or each process would take most of an accelerator's memory
}


@dataclass(frozen=True)
class Lost:
    """A call that gave no answer: its process was ended after the time limit, or died."""

    hung: bool
    message: str


@dataclass(frozen=True)
class _Broken:
    """An error that nobody foresaw, on its way between processes."""

    traceback: str


class ClosedError(RuntimeError):
    """The process was ended by its owner while it was at work."""


class Guarded:
    """A function of one argument behind a time limit that holds in compiled code too.

    Parameters
    ----------
    make, arguments
        ``make(*arguments)`` gives the function, in the process. What it calls ``about``, if anything,
        can be read here once a call has been answered. Its ``prepare``, if any, is called with each item
        first, outside the time limit.
    time_limit
        Seconds that one call may take.
    """

    def __init__(
        self, make: Callable[..., Callable[[Any], Any]], arguments: tuple[Any, ...], time_limit: float
    ) -> None:
        self._task = (make, arguments, time_limit)
        self.time_limit = time_limit
        self.about: Any = None
        self._process: Any = None
        self._said: Any = None
        self._closed = False
        self._guard = threading.Lock()

    def __call__(self, items: Sequence[Any]) -> Iterator[Any]:
        """Yield the answer to each item in turn: the function's, its `InputError`, or `Lost`.

        Raises
        ------
        InputError
            If the function cannot be made.
        RuntimeError
            For an error of our own in the process, or one that does not start.
        """
        left, deaths = list(items), 0
        try:
            while left:
                self._start()
                try:
                    self._send(left)
                    while left:
                        answer = self._receive()
                        deaths = 0
                        left.pop(0)
                        yield answer
                except EOFError:
                    pass
                if left:
                    hung = self._end() == -signal.SIGALRM
                    deaths += 1
                    if hung or deaths == TRIES:
                        deaths = 0
                        left.pop(0)
                        yield self._lost(hung)
        finally:
            if left:  # nobody will read the answers that are still to come
                self._end()

    def close(self) -> None:
        """End the process; a call that waits in another thread raises `ClosedError`."""
        with self._guard:
            self._closed = True
            self._end()

    def _start(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        for _ in range(START_TRIES):
            process = self._launch()
            try:
                self._send(self._task)
                self.about = self._receive()
            except EOFError:
                if process.wait() < 0:  # killed from outside, or by its alarm
                    continue
                break
            if isinstance(self.about, InputError):
                self._end()
                raise self.about
            return
        words = self._last_words() or f"it was killed, or gave no answer within {START_UP:g} s"
        raise RuntimeError(f"the simulating process did not start:\n{words}")

    def _launch(self) -> "subprocess.Popen[bytes]":
        with self._guard:
            if self._closed:
                raise ClosedError("the process was ended")
            self._end()
            path = [str(entry) for entry in sys.path]
            self._said = tempfile.TemporaryFile()  # noqa: SIM115  closed with the process
            self._process = process = subprocess.Popen(
                [sys.executable, "-P", "-c", "from electrograd.sweeps.solver import serve; serve()"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._said,
                env={**os.environ, **_ENVIRONMENT, "PYTHONPATH": os.pathsep.join(path)},
                process_group=0,  # Ctrl-C is for the caller
            )
            return process

    def _send(self, message: Any) -> None:
        """Write to the process; raises `EOFError` if it is gone."""
        with self._told_as_end() as process:
            pickle.dump(message, process.stdin)
            process.stdin.flush()

    def _receive(self) -> Any:
        """Read from the process; raises `EOFError` if it is gone."""
        with self._told_as_end() as process:
            answer = pickle.load(process.stdout)
        if isinstance(answer, _Broken):
            self._end()
            raise RuntimeError(f"an error in the simulating process:\n{answer.traceback}")
        return answer

    @contextmanager
    def _told_as_end(self) -> Iterator[Any]:
        process = self._process
        if process is None:  # closed by another thread
            raise EOFError
        try:
            yield process
        except (BrokenPipeError, ValueError, pickle.UnpicklingError) as error:  # closed, or torn off
            raise EOFError from error

    def _lost(self, hung: bool) -> Lost:
        if self._closed:
            raise ClosedError("the process was ended")
        return Lost(hung, f"ended after {self.time_limit:g} s" if hung else f"it died {TRIES} times")

    def _last_words(self) -> str:
        if self._closed:
            raise ClosedError("the process was ended")
        self._said.seek(0)
        return str(self._said.read().decode(errors="replace")[-2000:])

    def _end(self) -> int | None:
        """End the process, if it has not ended itself; return how it ended."""
        process, self._process = self._process, None
        if process is None:
            return None
        with suppress(subprocess.TimeoutExpired):
            # Its pipe may close a moment before it is gone, and how it went is to be told.
            process.wait(0.0 if self._closed else ENDING)
        process.kill()
        code = int(process.wait())
        for pipe in (process.stdin, process.stdout, self._said):
            with suppress(BrokenPipeError):  # of what was still to be sent
                pipe.close()
        return code


def serve() -> None:
    """Answer what comes through standard input until it is closed: the life of the process."""
    # What libraries print must not come between the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    # Whatever the caller does with its alarms, ours ends the process.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
    _serve(sys.stdin.buffer, answers)


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    """End this process by a signal, inside compiled code too, if the block takes longer."""
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _serve(questions: Any, answers: Any) -> None:
    def answer(value: Any) -> None:
        pickle.dump(value, answers, protocol=pickle.HIGHEST_PROTOCOL)
        answers.flush()

    try:
        with _within(START_UP):
            make, arguments, time_limit = pickle.load(questions)
            function = make(*arguments)
        prepare = getattr(function, "prepare", None)
        answer(getattr(function, "about", None))
        while select.select([questions], [], [], IDLE)[0]:
            for item in pickle.load(questions):
                if prepare is not None:
                    with _within(START_UP), suppress(InputError):  # the call says what is wrong
                        prepare(item)
                try:
                    with _within(time_limit):
                        found = function(item)
                except InputError as error:
                    found = error
                answer(found)
    except (EOFError, BrokenPipeError):
        os._exit(0)  # the caller is gone: nobody waits for what is left in the pipes
    except InputError as error:
        answer(error)
    except Exception:  # told to the other process, which raises it
        answer(_Broken(traceback.format_exc()))
