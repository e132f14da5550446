"""Pictures of an identification; each returns a Matplotlib figure."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from electrograd.design.identification import Identified
from electrograd.figures import ALARM, DESIGN, MUTED, SEVERAL
from electrograd.physics.variables import VARIABLES as NAMES
from electrograd.sweeps.axis import LOG
from electrograd.tables import VARIABLES

_DRAWN = 1500  # draws shown
_BINS = 32


def curves_and_residuals(found: Identified) -> Figure:
    """Measured curves with the best fit as PyBaMM simulates it, and what is left of them below."""
    figure = Figure(figsize=(6.4, 5.4), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    readings, simulated = found.readings, found.simulated_residuals()
    area_charge = readings.charge.ravel()[readings.rows]
    nominal = float(found.model.nominal(found.fit.unit))
    for c in range(len(readings.currents)):
        colour, of = SEVERAL[c % len(SEVERAL)], readings.curve == c
        share = 100 * area_charge[of] / nominal
        rate = readings.currents[c] / nominal
        above.plot(share, readings.voltage[of], ".", color=colour, markersize=4, label=f"{rate:.2g}C")
        line = found.simulated[c]
        if line is not None:
            above.plot(100 * line.charge / nominal, line.voltage, color=colour, linewidth=1)
        if simulated is not None:
            below.plot(share, 1e3 * simulated[of], ".-", color=colour, markersize=4, linewidth=0.7)
        below.plot(share, 1e3 * found.fit.residuals[of], ":", color=colour, linewidth=1)
    noise = 1e3 * float(np.max(readings.noise))
    below.axhspan(-2 * noise, 2 * noise, color=MUTED, alpha=0.25, linewidth=0)
    below.axhline(0, color="#5b6670", linewidth=0.8)
    above.set(ylabel="Voltage [V]")
    above.legend(title="dots: measured\nlines: best fit, PyBaMM", fontsize=8, title_fontsize=8)
    below.set(xlabel="Charge passed [% of nominal capacity]", ylabel="Measured − best fit [mV]")
    return figure


def corner(found: Identified) -> Figure:
    """The posterior: each parameter alone, and by pairs; in red what the curves do not tell."""
    axes, told = found.model.axes, found.told
    count = len(axes)
    draws = found.posterior.flat
    some = draws[np.linspace(0, len(draws) - 1, min(_DRAWN, len(draws))).astype(int)]
    values = {n: np.asarray(v) * _scale(n) for n, v in found.model.values(some).items()}
    names = list(values)
    figure = Figure(figsize=(1.2 + 1.65 * count, 1.0 + 1.65 * count), layout="constrained")
    grid = figure.subplots(count, count, squeeze=False)
    for row in range(count):
        for column in range(count):
            panel: Axes = grid[row, column]
            if column > row:
                panel.set_axis_off()
                continue
            x, logarithmic = values[names[column]], axes[column].kind == LOG
            if column == row:
                colour = DESIGN if told[names[row]] else ALARM
                panel.hist(x, bins=_BINS, color=colour, alpha=0.8)
                panel.set_yticks([])
            else:
                panel.plot(x, values[names[row]], ".", color=DESIGN, markersize=1.2, alpha=0.35)
                if axes[row].kind == LOG and np.ptp(np.log(values[names[row]])) > 1:
                    panel.set_yscale("log")
            if logarithmic and np.ptp(np.log(x)) > 1:
                panel.set_xscale("log")
            panel.tick_params(labelsize=7)
            panel.locator_params(
                nbins=3
            ) if panel.get_xscale() == "linear" == panel.get_yscale() else None
            if row == count - 1:
                panel.set_xlabel(_label(names[column]), fontsize=8)
                panel.tick_params(axis="x", rotation=30)
            else:
                panel.set_xticklabels([])
            if column == 0 and row:
                panel.set_ylabel(_label(names[row]), fontsize=8)
            elif column != row:
                panel.set_yticklabels([])
    return figure


def uncertainty_bars(found: Identified) -> Figure:
    """How much of what was possible each parameter's uncertainty still is: expected, and found."""
    names, told = found.model.names, found.told
    figure = Figure(figsize=(4.6, 1.2 + 0.5 * len(names)), layout="constrained")
    axes, rows = figure.add_subplot(), np.arange(len(names))
    axes.barh(rows - 0.18, 100 * found.before.left, 0.34, color=MUTED, label="expected before the fit")
    colours = [DESIGN if told[name] else ALARM for name in names]
    axes.barh(rows + 0.18, 100 * found.left, 0.34, color=colours, label="posterior")
    axes.axvline(50, color="#5b6670", linewidth=0.8, linestyle="--")
    axes.set_yticks(
        rows, [VARIABLES[name].label.replace(" electrode ", "\nelectrode ") for name in names]
    )
    axes.invert_yaxis()
    axes.set(xscale="log", xlim=(0.05, 120), xlabel="Left of the prior [%]")
    axes.grid(axis="y", visible=False)
    figure.legend(loc="outside upper right", ncols=2, fontsize=8)
    return figure


def _scale(name: str) -> float:
    return VARIABLES[name].scale if name in VARIABLES else 1.0


def _label(name: str) -> str:
    known = NAMES[name]
    return f"{known.symbol} [{known.display_unit}]" if known.display_unit else known.symbol
