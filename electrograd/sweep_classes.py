"""What a picture of a sweep shows: designs sorted by how they ended, and the variables that tell."""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from electrograd.figures import ALARM
from electrograd.physics.charge import End
from electrograd.physics.variables import VARIABLES, unit_of
from electrograd.sweeps.store import VALUES, VARIABLE

MOST_VARIABLES = 4
"""Variables drawn against each other: those that tell the endings apart best."""
MOST_POINTS = 3000
"""About how many designs are drawn as points; of more, some by chance. Histograms count them all."""
_BINS = 12
_BANDS = 4

_COLOURS: dict[End, str] = {
    End.VOLTAGE_CUT_OFF: "#0072b2",
    End.CHARGE_TARGET: "#009e73",
    End.CURRENT_CUT_OFF: "#56b4e9",
    End.ELECTROLYTE_DEPLETED: "#8a5a00",
    End.CHARGING_TIME_OVER: "#5b6670",
}
"""An ending has its own colour, for the colour-blind too (Okabe and Ito's, and a few more)."""
_SCALE = ("#440154", "#3b7a8c", "#5ec962", "#d8b400")
"""For bands of accepted share, from little to much."""
_FAILURES = {
    End.SOLVER_FAILURE: "X",
    End.TIME_LIMIT: "s",
    End.WORKER_DIED: "D",
    End.CANNOT_BE_BUILT: "P",
    End.IMPOSSIBLE: "*",
}


@dataclass(frozen=True)
class Class:
    """Designs drawn alike."""

    label: str
    rows: np.ndarray
    colour: str
    marker: str = "o"
    failed: bool = False
    pending: bool = False


@dataclass(frozen=True)
class Axis:
    """One variable as people read it: its values, and the names of its choices if it is categorical."""

    label: str
    values: np.ndarray
    words: tuple[str, ...] = ()
    log: bool = False

    @property
    def places(self) -> np.ndarray:
        """Where points are drawn: those of a word are spread, so that none hides another."""
        if not self.words:
            return self.values
        golden = np.arange(len(self.values)) * (np.sqrt(5) - 1) / 2
        return self.values + 0.6 * (golden % 1 - 0.5)

    @property
    def edges(self) -> np.ndarray:
        """Edges of histogram bins; few distinct values have a bin each."""
        distinct = np.unique(np.log(self.values) if self.log else self.values)
        if len(distinct) == 1:
            half = 0.05 * abs(distinct[0]) or 0.5
            edges = distinct[0] + np.array([-half, half])
        elif len(distinct) <= _BINS:
            middle = (distinct[1:] + distinct[:-1]) / 2
            edges = np.array([2 * distinct[0] - middle[0], *middle, 2 * distinct[-1] - middle[-1]])
        else:
            edges = np.linspace(distinct[0], distinct[-1], _BINS + 1)
        return np.exp(edges) if self.log else edges

    def mark(self, axes: Axes, which: str) -> None:
        """Set limits and ticks of the direction ``which``, "x" or "y"."""
        first, last = self.edges[[0, -1]]
        if self.log:
            ratio = (last / first) ** 0.03
            first, last = first / ratio, last * ratio
        else:
            first, last = first - 0.03 * (last - first), last + 0.03 * (last - first)
        axes.set(**{f"{which}scale": "log" if self.log else "linear", f"{which}lim": (first, last)})
        direction = axes.xaxis if which == "x" else axes.yaxis
        if self.words:
            direction.set_ticks(range(len(self.words)), self.words)
        elif not self.log:
            direction.set_major_locator(MaxNLocator(4))


def axes_of(data: xr.Dataset) -> list[Axis]:
    """Return the sweep's variables, in the units people use."""
    values = np.asarray(data[VALUES].values)
    axes = []
    said = dict(data.attrs.get("identity", {}).get("variables", []))
    for k, name in enumerate(map(str, data[VARIABLE].values)):
        words = tuple(map(str, data.attrs.get("choices", {}).get(name, ())))
        known = VARIABLES.get(name)
        label = known.label if known else name.partition(" [")[0]
        if known is None and unit_of(name):
            label += f" [{unit_of(name)}]"
        scale = known.display_scale if known else 1.0
        axes.append(Axis(label, scale * values[:, k], words, log="log" in said.get(name, ())))
    return axes


def classes_of(ends: np.ndarray, share: np.ndarray) -> list[Class]:
    """Sort the designs by ending, the most frequent first, failures last, pending before all."""
    found = sorted(map(int, np.unique(ends)), key=lambda end: -int(np.sum(ends == end)))
    known = [End(end) for end in found if end != End.PENDING]
    ran, failed = [e for e in known if e.completed], [e for e in known if not e.completed]
    classes = (
        [Class("not simulated yet", ends == End.PENDING, "#c9d0d5", pending=True)]
        if End.PENDING in found
        else []
    )
    if len(ran) == 1:
        classes += _bands(ran[0], ends == ran[0], share)
    else:
        classes += [Class(end.label, ends == end, _COLOURS[end]) for end in ran]
    classes += [
        Class(f"{end.label} (failed)", ends == end, ALARM, _FAILURES[end], True) for end in failed
    ]
    return classes


def _bands(end: End, rows: np.ndarray, share: np.ndarray) -> list[Class]:
    """Split the designs of one ending into bands of accepted share, about as many in each."""
    of_these = share[rows & np.isfinite(share)]
    if len(of_these) < 2 * _BANDS:
        return [Class(end.label, rows, _COLOURS[end])]
    edges = np.unique(np.round(np.quantile(of_these, np.linspace(0, 1, _BANDS + 1)[1:-1])))
    band = np.searchsorted(edges, share, side="right")
    names = [
        f"under {edges[0]:.0f} %",
        *(f"{low:.0f} to {high:.0f} %" for low, high in pairwise(edges)),
        f"{edges[-1]:.0f} % and more",
    ]
    return [
        Class(f"{end.label}, accepting {name}", rows & (band == k), _SCALE[k])
        for k, name in enumerate(names)
        if np.any(rows & (band == k))
    ]


def most_telling(axes: list[Axis], classes: list[Class]) -> list[int]:
    """Rank variables by what they tell of the class: mutual information over bins of each variable."""
    label = np.full(len(axes[0].values), -1)
    for k, one in enumerate(classes):
        label[one.rows] = -1 if one.pending else k
    done = label >= 0
    if not np.any(done):
        return list(range(len(axes)))[:MOST_VARIABLES]
    told = [_information(np.digitize(axis.values[done], axis.edges[1:-1]), label[done]) for axis in axes]
    return sorted(range(len(axes)), key=lambda k: -told[k])[:MOST_VARIABLES]


def _information(bins: np.ndarray, label: np.ndarray) -> float:
    joint = np.zeros((bins.max() + 1, label.max() + 1))
    np.add.at(joint, (bins, label), 1 / len(bins))
    apart = joint.sum(1, keepdims=True) * joint.sum(0, keepdims=True)
    some = joint > 0
    return float(np.sum(joint[some] * np.log(joint[some] / apart[some])))


def thinned(classes: list[Class], designs: int) -> list[Class]:
    """Choose the designs to draw; failures all, unless they are very many.

    By chance, for every n-th point of a Sobol sequence lies in one part of the box.
    """
    chance = np.random.default_rng(0).random(designs)

    def few(one: Class) -> np.ndarray:
        most = MOST_POINTS / (np.sum(one.rows) if one.failed else designs)
        return np.flatnonzero(one.rows & (chance < most))

    return [replace(one, rows=few(one)) for one in classes]
