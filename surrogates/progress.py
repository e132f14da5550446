"""How training tells where it is."""

from collections.abc import Callable

Progress = Callable[[int, int, float], None]
"""Called with steps done, steps in all, and the median error of the voltage [mV]."""


def silent(done: int, total: int, error: float) -> None:
    """Tell nothing."""
