"""Maps around a design: the goal's figure and the slack of every limit over two of its variables.

All other variables are held at the design's values. A map is a slice of what the surrogate predicts over
the box: it shows what the design leans on in these two variables, and what giving way would bring, but
not what lies off the slice.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from electrograd.design.problem import Goal, Limit, Predictor
from electrograd.design.refine import reached
from electrograd.physics.errors import InputError, check_name
from electrograd.sweeps.axis import LOG

POINTS = 61
"""Places along each variable of a map."""
_LINE = 33  # places along each variable where the two to show are chosen

Grid = Float[np.ndarray, "upward across"]


@dataclass(frozen=True)
class DesignMap:
    """What a surrogate predicts over two variables, the others held; SI units.

    Attributes
    ----------
    goal
        What is wanted, with the limits that it implies (`refine.reached`).
    names
        The variables across and upward.
    across, upward
        Their values, from bound to bound.
    logarithmic
        Whether each is even in its logarithm.
    values
        The goal's figure.
    slacks
        By limit: by how much it holds, negative where it is broken.
    """

    goal: Goal
    names: tuple[str, str]
    across: Float[np.ndarray, " across"]
    upward: Float[np.ndarray, " upward"]
    logarithmic: tuple[bool, bool]
    values: Grid
    slacks: Mapping[Limit, Grid]

    @property
    def feasible(self) -> Bool[np.ndarray, "upward across"]:
        """Where every limit holds; a NaN breaks it."""
        held = np.ones(self.values.shape, bool)
        for slack in self.slacks.values():
            held &= slack >= 0
        return held


def design_map(
    surrogate: Predictor,
    goal: Goal,
    design: Mapping[str, float],
    names: tuple[str, str],
    points: int = POINTS,
) -> DesignMap:
    """Map the goal and its limits over two variables, from bound to bound, through a design.

    Parameters
    ----------
    surrogate
        What predicts; of designs as they are made (`robust.AsMade`) it is their nominal figures.
    goal
        The figure that is mapped, and the limits.
    design
        Values by name, SI units; those of the two variables do not matter.
    names
        The variables across and upward; see `telling_pair`.
    points
        Places along each.

    Raises
    ------
    InputError
        For a variable that the box lacks, the same one twice, a design that lacks a variable or lies
        outside the box, fewer than two points, and a figure that is not predicted.
    """
    space, row = surrogate.space, _row(surrogate, design)
    axes = [space.axis(name) for name in names]
    if names[0] == names[1]:
        other = next((name for name in space.names if name != names[0]), None)
        raise InputError("a map must be over two different variables", f"{names[0]!r} twice", other)
    if points < 2:
        raise InputError("a map must have two points along each variable at least", points, 2)
    even = np.linspace(0, 1, points)
    across, upward = (axis.from_unit(even) for axis in axes)
    designs = np.tile(row, (points * points, 1))
    designs[:, space.names.index(names[0])] = np.tile(across, points)
    designs[:, space.names.index(names[1])] = np.repeat(upward, points)
    values, slacks = _told(surrogate, goal, designs)
    return DesignMap(
        goal=reached(goal),
        names=names,
        across=across,
        upward=upward,
        logarithmic=(axes[0].kind == LOG, axes[1].kind == LOG),
        values=values.reshape(points, points),
        slacks={limit: slack.reshape(points, points) for limit, slack in slacks.items()},
    )


def telling_pair(surrogate: Predictor, goal: Goal, design: Mapping[str, float]) -> tuple[str, str]:
    """The two variables in which a design trades its goal for its limits most, the first the more.

    Each variable is led from bound to bound through the design, the others held. What the goal gains on
    the way, and by how much each limit is broken, each over the most along any variable, add up to what
    the variable tells. Between variables that tell the same, as where nothing is gained or broken, the
    range of the goal's figure decides.

    Raises
    ------
    InputError
        For a box of one variable, a design that lacks a variable or lies outside the box, and a figure
        that is not predicted.
    """
    space, row = surrogate.space, _row(surrogate, design)
    if len(space) < 2:
        raise InputError("a map must be over two variables of the box", list(space.names))
    even = np.linspace(0, 1, _LINE)
    lines = np.tile(row, (len(space), _LINE, 1))
    for k, axis in enumerate(space.axes):
        lines[k, :, k] = axis.from_unit(even)
    values, slacks = _told(surrogate, goal, np.concatenate([lines.reshape(-1, len(space)), row[None]]))
    values = np.where(np.isfinite(values), values, np.nan)  # a charge time may be infinite
    gains = goal.sign * (values - values[-1])

    def ranges(output: Float[np.ndarray, " designs"]) -> Float[np.ndarray, " variables"]:
        found = np.array([_range(line) for line in output[:-1].reshape(len(space), _LINE)])
        return found / (np.max(found) or 1.0)

    wanted = [gains, *(-slack for slack in slacks.values())]
    telling = np.sum([ranges(np.maximum(output, 0)) for output in wanted], axis=0)
    first, second = np.lexsort((-ranges(values), -telling))[:2]
    return space.names[first], space.names[second]


def _row(surrogate: Predictor, design: Mapping[str, float]) -> Float[np.ndarray, " variables"]:
    names = surrogate.space.names
    if missing := [name for name in names if name not in design]:
        raise InputError("a design must give every variable of the box", list(design), f"add {missing}")
    return np.array([design[name] for name in names], float)


def _told(
    surrogate: Predictor, goal: Goal, designs: Float[np.ndarray, "designs variables"]
) -> tuple[Float[np.ndarray, " designs"], dict[Limit, Float[np.ndarray, " designs"]]]:
    """The goal's figure and every limit's slack at designs."""
    goal, found = reached(goal), surrogate.predict(designs)
    for name in (goal.figure, *(limit.figure for limit in goal.limits)):
        check_name(name, found, "a map must be of figures of merit that the surrogate predicts")
    values = np.asarray(found[goal.figure], float)
    return values, {limit: np.asarray(limit.slack(found), float) for limit in goal.limits}


def _range(line: Float[np.ndarray, " places"]) -> float:
    """What is finite of a line, greatest less least."""
    finite = line[np.isfinite(line)]
    return float(np.ptp(finite)) if finite.size else 0.0
