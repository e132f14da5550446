"""The pictures of a training: what was held out against what was predicted, and errors on the way."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator, ScalarFormatter

from electrograd.figures import ALARM, DESIGN, MUTED, STYLE
from electrograd.physics.charge import VOLTAGE
from electrograd.physics.variables import ACCEPTED_SHARE, PLATING_MARGIN
from electrograd.surrogates.learning_curve import LearningCurve
from electrograd.surrogates.surrogate import Accuracy
from electrograd.sweeps.export import replacing
from electrograd.tables import Display, display

_CUT = 99.5  # percentile of |error| that the lower panels show; what lies beyond is marked at the edge
_ERRORS = {
    VOLTAGE: Display("Voltage along the charge", "mV", 1e3, 2),
    ACCEPTED_SHARE: Display("Accepted share", "percentage points", 100.0, 3),
    PLATING_MARGIN: Display("Plating margin", "mV", 1e3, 2),
}


def draw_parity(
    accuracy: Accuracy, path: Path, shown: tuple[str, ...] = (ACCEPTED_SHARE, PLATING_MARGIN)
) -> None:
    """Predicted against simulated for held-out designs, and below the error with the 90 % interval."""
    with mpl.rc_context(STYLE):
        names = [name for name in shown if name in accuracy.held_out]
        figure = Figure(figsize=(4.6 * len(names), 6.4), layout="constrained")
        panels = figure.subplots(2, len(names), height_ratios=(1.5, 1), sharex="col", squeeze=False)
        for (upper, lower), name in zip(panels.T, names, strict=True):
            show, error = display(name), _ERRORS.get(name, display(name))
            simulated, predicted = show.scale * accuracy.held_out[name].T
            ends = [simulated.min(), simulated.max()]
            upper.plot(ends, ends, color=MUTED, linewidth=1)
            upper.scatter(simulated, predicted, s=9, color=DESIGN, alpha=0.6, linewidth=0)
            upper.set(ylabel=f"Predicted, held out [{show.unit}]", title=show.label)
            wrong, half = predicted - simulated, show.scale * accuracy.figures[name]["interval"]
            _errors(lower, simulated, wrong, half)
            lower.set(xlabel=f"Simulated [{show.unit}]", ylabel=f"Error [{error.unit}]")
        _save(figure, path)


def _errors(axes: Axes, simulated: np.ndarray, wrong: np.ndarray, half: float) -> None:
    """Errors with the interval as a band; those too large for the scale are diamonds at the edge."""
    edge = 1.35 * max(float(np.percentile(np.abs(wrong), _CUT)), half)
    beyond = np.abs(wrong) > 0.78 * edge
    axes.axhspan(-half, half, color=DESIGN, alpha=0.12, linewidth=0, label="90 % interval, typical")
    axes.scatter(simulated[~beyond], wrong[~beyond], s=9, color=DESIGN, alpha=0.6, linewidth=0)
    if beyond.any():
        places = 0.78 * edge * np.sign(wrong[beyond])
        axes.scatter(
            simulated[beyond], places, s=22, color=ALARM, marker="d", label=f"{beyond.sum()} beyond"
        )
    axes.set_ylim(-edge, edge)
    axes.legend(loc="upper left", ncols=2, fontsize=8)


def draw_training(history: tuple[tuple[int, float], ...], path: Path) -> None:
    """Held-out error against steps of the ensemble, the check that was kept marked."""
    steps, errors = np.array(history).T
    best = int(np.argmin(errors))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(5.6, 3.6), layout="constrained")
        axes = figure.subplots()
        axes.semilogy(steps, errors, color=DESIGN, marker="o", markersize=3)
        axes.scatter(
            steps[best],
            errors[best],
            s=80,
            color="none",
            edgecolor=ALARM,
            zorder=3,
            label=f"kept: {errors[best]:.3g} mV after {steps[best]:.0f} steps",
        )
        axes.legend()
        axes.set(xlabel="Steps of the ensemble's training", ylabel="RMSE on held-out designs [mV]")
        axes.set_title("Voltage and negative electrode potential", fontsize=9)
        axes.xaxis.set_major_locator(MaxNLocator(6))
        _plain(axes)
        _save(figure, path)


def draw_learning_curve(curve: LearningCurve, path: Path) -> None:
    """Median held-out errors against designs, with what twice as many would bring."""
    sizes = np.array(curve.designs)
    further = np.geomspace(sizes[0], 2 * sizes[-1], 32).round().astype(int).tolist()
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9.2, 3.4), layout="constrained")
        for axes, name in zip(figure.subplots(1, 3), curve.errors, strict=True):
            show, next_ = _ERRORS[name], curve.at(name, 2 * curve.designs[-1])
            axes.loglog(sizes, show.scale * np.array(curve.errors[name]), "o", color=DESIGN)
            fit = [show.scale * curve.at(name, size) for size in further]
            axes.loglog(further, fit, color=MUTED, linewidth=1, zorder=1.5)
            axes.loglog(2 * sizes[-1], show.scale * next_, "o", markerfacecolor="white", color=DESIGN)
            law = f"∝ designs$^{{{-curve.power(name)[1]:.2f}}}$"
            axes.set_title(f"{show.label} [{show.unit}]\nmedian held-out error {law}", fontsize=9)
            axes.set_xlabel("Designs in the sweep")
            ticks = [*sizes, 2 * sizes[-1]]
            axes.set_xticks(ticks, [f"{tick}" for tick in ticks])
            axes.xaxis.set_minor_locator(NullLocator())
            _plain(axes)
        _save(figure, path)


def learning_curve_lines(curve: LearningCurve) -> list[str]:
    """The same in words, and whether more simulations pay."""
    lines = [
        f"Median errors on designs held out, of small ensembles on {_joined(curve.designs)} designs:"
    ]
    twice = 2 * curve.designs[-1]
    for name, errors in curve.errors.items():
        show = _ERRORS[name]
        expected = curve.at(name, twice)
        gain = 100 * (1 - expected / curve.at(name, curve.designs[-1]))
        worth = f"{gain:.0f} % less" if gain >= 0 else "no less"
        numbers = ", ".join(show.number(error) for error in errors)
        lines.append(
            f"  {show.label}: {numbers} {show.unit}; with {twice} designs about {show.text(expected)} "
            f"({worth})"
        )
    return lines


def _joined(sizes: tuple[int, ...]) -> str:
    return ", ".join(map(str, sizes[:-1])) + f" and {sizes[-1]}"


def _plain(axes: Axes) -> None:
    """Errors as plain numbers along a logarithmic axis, at least two of them."""
    low, high = axes.get_ylim()
    decades = [
        digit * 10.0**power
        for power in range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
        for digit in (1, 2, 5)
    ]
    axes.set_yticks([tick for tick in decades if low <= tick <= high])
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(ScalarFormatter())


def _save(figure: Figure, path: Path) -> None:
    with replacing(path) as (partial,):
        figure.savefig(partial, format="png", dpi=150)
