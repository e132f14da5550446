"""Starting processes that import nothing of the caller's script and never see Ctrl-C."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import Any


@contextmanager
def without_interrupts() -> Iterator[None]:
    """Let threads and processes started meanwhile never see Ctrl-C: it is for the main thread.

    They inherit its signal mask; the workers are then ended in good order, and say nothing.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    # Python 3.11 unblocks the signal in the thread that starts this helper: start it first.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def own_main() -> Iterator[None]:
    """Keep worker processes from running the caller's script again.

    A spawned process imports the parent's main module, which is why scripts need a
    ``if __name__ == "__main__"`` guard. Ours need nothing from it, so it is hidden meanwhile.
    """
    main: dict[str, Any] = vars(sys.modules["__main__"])
    hidden: dict[str, Any] = {name: main[name] for name in ("__file__", "__spec__") if name in main}
    main.pop("__file__", None)
    main["__spec__"] = None
    try:
        yield
    finally:
        main.update(hidden)
