"""The sign of a current that a cycler writes without one, from its column of charge and discharge."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

NAMES = (
    "c/d",
    "md",
    "mode",
    "state",
    "status",
    "step type",
    "step name",
    "type",
    "charge/discharge",
    "chg/dchg",
    "step mode",
    "event",
    "工步类型",
    "状态",
)
"""Columns that may tell a charge from a discharge, in small letters."""
_RESTS = ("rest", "paus", "ocv", "搁置", "静置")
_AT_REST = 0.01  # of the largest current: less counts as none


def direction(text: str) -> int | None:
    """Return 1 for a charge, -1 for a discharge, 0 for rest; None for a word that says none of them."""
    word = text.strip().lower()
    if word in ("d", "dis") or any(part in word for part in ("dch", "dischar", "entlad", "放电")):
        return -1
    if word in ("c", "cha") or any(part in word for part in ("chg", "charg", "laden", "充电")):
        return 1
    if word in ("r", "p", "s", "o") or any(part in word for part in _RESTS):
        return 0
    return None


def signed(
    current: Float[np.ndarray, " rows"], columns: Sequence[Sequence[str]]
) -> tuple[Float[np.ndarray, " rows"], str]:
    """Return the current, negative while discharging, and a sentence if a column was used for it.

    Parameters
    ----------
    current
        [A].
    columns
        Words of the columns of `NAMES` that the file has, row by row.
    """
    if np.any(current < -_AT_REST * np.max(np.abs(current), initial=0.0)):
        return current, ""
    flows = current > _AT_REST * np.max(current, initial=0.0)
    for column in columns:
        told = [direction(word) for word in column]
        known = all(one in (1, -1) for one, flow in zip(told, flows, strict=True) if flow)
        if known and flows.any():
            signs = np.array([-1.0 if one == -1 else 1.0 for one in told])
            said = "Its current has no sign: the column of charge and discharge gives it."
            return current * signs, said if np.any(signs[flows] < 0) else ""
    return current, ""
