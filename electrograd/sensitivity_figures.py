"""Pictures of which variable matters; each returns a Matplotlib figure of one panel's size."""

from itertools import permutations
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from electrograd.design.sensitivity_results import Swings
from electrograd.figures import ALARM, BASELINE, DESIGN, MUTED
from electrograd.tables import SENSITIVITIES, VARIABLES, display

CAPTIONS = {
    "sobol": "share of its variance over the box that a variable explains alone (first order) and with "
    "all its interactions (total)",
    "fast": "share of its variance over the box that a variable explains alone (first order) and with "
    "all its interactions (total), by Fourier amplitudes",
    "morris": "its change per whole range of a variable (mean of absolute elementary effects), and the "
    "scatter of that change, which is large where a variable interacts or is not linear",
    "pawn": "distance that its distribution moves when a variable is known (median over slices), beside "
    "that of a variable that does nothing",
    "dgsm": "bound from above on the share of its variance that a variable explains with all its "
    "interactions",
}
"""What the bars show, by method."""


def index_bars(indices: dict[str, Any], figure_name: str) -> Figure:
    """What each variable matters to one figure of merit, with confidence.

    Parameters
    ----------
    indices
        Of ``sensitivity.json``, by figure of merit and variable, of whichever method.
    """
    found, show = indices[figure_name], display(figure_name)
    names = list(found)
    keys = [key for key in SENSITIVITIES if key in found[names[0]]]
    figure = Figure(figsize=(4.6, 1.1 + 0.55 * len(names)), layout="constrained")
    axes, rows, height = figure.add_subplot(), np.arange(len(names)), 0.68 / len(keys)
    for k, (key, colour) in enumerate(zip(keys, (DESIGN, MUTED), strict=False)):
        label, measured = SENSITIVITIES[key]
        scale = show.scale if measured else 1.0
        wide = [scale * found[name].get(f"{key} confidence", 0.0) for name in names]
        axes.barh(
            rows + (k - (len(keys) - 1) / 2) * 1.06 * height,
            [scale * found[name][key] for name in names],
            height=height,
            color=colour,
            xerr=wide if any(wide) else None,
            error_kw={"elinewidth": 1, "capsize": 2, "ecolor": "#333333"},
            label="first order" if key == "first" else label,
        )
    _name_rows(axes, names)
    measured = SENSITIVITIES[keys[0]][1]
    axes.set(xlabel=f"Effect [{show.unit}]" if measured else "Index", xlim=(0, None))
    figure.legend(loc="outside upper right", ncols=2)
    return figure


def interaction_matrix(indices: dict[str, Any], figure_name: str) -> Figure:
    """Second-order Sobol indices of one figure of merit, those of first order on the diagonal.

    What does not lie beyond its confidence is grey.

    Parameters
    ----------
    indices
        Of ``sensitivity.json``, by figure of merit and variable, with the second order.
    """
    found = indices[figure_name]
    names = list(found)
    values, wide = _matrix(found, ""), _matrix(found, " confidence")
    side = 2.0 + 0.55 * len(names)
    figure = Figure(figsize=(side + 0.6, side), layout="constrained")
    axes = figure.add_subplot()
    most = max(float(np.abs(values).max()), 1e-9)
    axes.imshow(values, cmap="RdBu_r", vmin=-most, vmax=most)
    for row, column in np.ndindex(values.shape):
        value = values[row, column]
        told = abs(value) > wide[row, column]
        colour = "white" if abs(value) > 0.6 * most else "black" if told else MUTED
        axes.text(column, row, f"{value:.2f}", ha="center", va="center", color=colour, fontsize=8)
    _name_rows(axes, names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xticks(range(len(names)), [_label(name) for name in names], rotation=45, ha="right")
    axes.grid(visible=False)
    return figure


def tornado(swings: Swings, figure_name: str) -> Figure:
    """One figure of merit where each variable is led from bound to bound, the widest swing on top."""
    show = display(figure_name)
    order = np.argsort(-np.abs(swings.at_upper - swings.at_lower), kind="stable")
    names = [swings.names[k] for k in order]
    figure = Figure(figsize=(4.6, 1.1 + 0.4 * len(names)), layout="constrained")
    axes, rows, centre = figure.add_subplot(), np.arange(len(names)), show.scale * swings.centre
    ends = ((swings.at_lower, BASELINE, "lower bound"), (swings.at_upper, DESIGN, "upper bound"))
    for values, colour, label in ends:
        lengths = show.scale * values[order] - centre
        axes.barh(rows, lengths, left=centre, height=0.6, color=colour, alpha=0.85, label=label)
    axes.axvline(centre, color=ALARM, linewidth=1)
    _name_rows(axes, names)
    axes.set_xlabel(show.title)
    figure.legend(loc="outside upper right", ncols=2)
    return figure


def _matrix(found: dict[str, Any], tail: str) -> np.ndarray:
    """Indices of variables by variables: first order on the diagonal, second beside it."""
    matrix = np.diag([float(index[f"first{tail}"]) for index in found.values()])
    for (j, one), (k, other) in permutations(enumerate(found), 2):
        matrix[j, k] = found[one][f"second{tail}"][other]
    return matrix


def _name_rows(axes: Any, names: list[str]) -> None:
    axes.set_yticks(range(len(names)), [_label(name) for name in names])
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)


def _label(name: str) -> str:
    """A variable's label in two lines; a group's name as it is."""
    return VARIABLES[name].label.replace(" electrode ", "\nelectrode ") if name in VARIABLES else name
