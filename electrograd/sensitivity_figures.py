"""Pictures of which variable matters; each returns a Matplotlib figure of one panel's size."""

from itertools import cycle, permutations
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from electrograd.design.sensitivity_results import Swings
from electrograd.figures import ALARM, BASELINE, DESIGN, MUTED, SEVERAL
from electrograd.tables import SENSITIVITIES, VARIABLES, display, label_of

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


def index_bars(
    indices: dict[str, Any], figure_name: str, swings: dict[str, Any] | None = None
) -> Figure:
    """What each variable matters to one figure of merit, with confidence, what matters most on top.

    Parameters
    ----------
    indices
        Of ``sensitivity.json``, by figure of merit and variable, of whichever method.
    swings
        Of ``sensitivity.json``, by figure of merit: a variable that raises it is marked ▲, one that
        lowers it ▼, and one that does both over its range not at all.
    """
    found, show = indices[figure_name], display(figure_name)
    keys = [key for key in SENSITIVITIES if key in next(iter(found.values()))]
    names = sorted(found, key=lambda name: -found[name][keys[0]])
    led = (swings or {}).get(figure_name)
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
    _name_rows(axes, names, [_mark(led, name) for name in names])
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


def tornado(swings: Swings | dict[str, Any], figure_name: str) -> Figure:
    """One figure of merit where each variable is led from bound to bound, the widest swing on top.

    Parameters
    ----------
    swings
        Of that figure, or as ``sensitivity.json`` has them.
    """
    show = display(figure_name)
    if isinstance(swings, dict):
        lower, upper = np.array(list(swings["swings"].values())).T
        swings = Swings(tuple(swings["swings"]), swings["centre"], lower, upper)
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


def along_charge(record: dict[str, Any], curve: str) -> Figure:
    """Indices of a curve against charge passed: total as lines with their confidence, first dotted.

    Parameters
    ----------
    record
        ``sensitivity.json``'s "along the charge".
    curve
        One of its curves.
    """
    figure = Figure(figsize=(4.6, 3.9), layout="constrained")
    axes, share = figure.add_subplot(), 100 * np.array(record["share"])
    for (name, index), colour in zip(record["curves"][curve].items(), cycle(SEVERAL)):
        total, wide = (np.array(index[key]) for key in ("total", "total confidence"))
        axes.fill_between(share, total - wide, total + wide, color=colour, alpha=0.2, linewidth=0)
        axes.plot(share, total, color=colour, linewidth=1.6, label=label_of(name))
        axes.plot(share, index["first"], color=colour, linewidth=1, linestyle=(0, (1, 2)))
    axes.plot(share, record["charging"], color=MUTED, linewidth=1, linestyle=(0, (5, 3)))
    axes.set(xlabel="Charge passed [% of nominal]", ylabel="Share of the variance", ylim=(0, 1.05))
    figure.legend(loc="outside lower center", ncols=2, fontsize=8)
    return figure


def _mark(led: dict[str, Any] | None, name: str) -> str:
    """▲ or ▼ where a figure rises or falls with a variable; nothing where it does both, or a group."""
    if led is None or name not in led["swings"]:
        return ""
    low, high = (end - led["centre"] for end in led["swings"][name])
    if abs(high - low) < max(abs(low), abs(high)):
        return ""
    return " ▲" if high > low else " ▼" if high < low else ""


def _name_rows(axes: Any, names: list[str], marks: list[str] | None = None) -> None:
    tails = marks or [""] * len(names)
    labels = [_label(name) + tail for name, tail in zip(names, tails, strict=True)]
    axes.set_yticks(range(len(names)), labels)
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)


def _label(name: str) -> str:
    """A variable's label in two lines; a group's name as it is."""
    return label_of(name).replace(" electrode ", "\nelectrode ") if name in VARIABLES else name
