"""An explanation for people: in lines, as rows of tables, and as a picture."""

import math
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from electrograd.figures import SEVERAL
from electrograd.physics.limit_words import HELPS, HELPS_LITTLE
from electrograd.physics.remedies import MORE_PORES, REMEDIES, SMALLER, THINNER
from electrograd.physics.variables import SIDES
from electrograd.tables import UNKNOWN, Display

WHOSE = ("design", "baseline")

OF_ELECTRODES = {
    "solid_diffusion": ("Diffusion time of the particles over the charge’s, (R²/D) / t", "small"),
    "electrolyte_diffusion": ("Diffusion time of the salt over the charge’s, (L²/D_eff) / t", "small"),
    "reaction_zone": ("Depth that the reaction reaches over the thickness", "large"),
    "exchange_current": ("Exchange current of all surfaces over the applied current", "large"),
}
"""Groups of each electrode: what they are, and what they are where the process keeps pace."""
OF_CELL = {
    "limiting_current": ("Applied over limiting current of the electrolyte", "below 1"),
    "salt_time": ("Time in which the salt’s profile builds up over the charge’s", ""),
}


def why_lines(record: dict[str, Any]) -> list[str]:
    """What limits the design and its baseline, and what each remedy gains; of ``why.json``."""
    lines = []
    for whose in WHOSE:
        told = record[whose]
        lines.append(f"{whose.capitalize()}: {told.get('sentence') or told['failed']}")
    rows = remedy_rows(record)
    if rows:
        lines += ["", f"What each change gains ({gained_in(record)}), simulated; design, baseline:"]
        lines += [f"  {words:<58} {design:>8} {baseline:>8}" for words, design, baseline in rows]
    return lines


def gained_in(record: dict[str, Any]) -> str:
    """What gains are measured in."""
    if record["held"]:
        return "per cent less time"
    return "percentage points of the nominal capacity"


def remedy_rows(record: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What each change gains the design and its baseline, the design's best first."""
    gains = [record[whose].get("gains", {}) for whose in WHOSE]
    show = Display("gain", "", 100.0, 1)
    first = gains[0] or gains[1]
    names = sorted(first, key=lambda name: -(-math.inf if first[name] is None else first[name]))
    rows = []
    for name in names:
        design, baseline = (_signed(show, told.get(name)) for told in gains)
        rows.append((REMEDIES[name].words, design, baseline))
    return rows


def _signed(show: Display, value: float | None) -> str:
    text = show.number(value)
    return f"+{text}" if value is not None and text not in (UNKNOWN, "0.0") and value > 0 else text


def group_rows(record: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """Dimensionless groups: what each is, design, baseline, and what it is where it limits nothing."""

    def number(whose: str, *keys: str) -> str:
        value = record[whose].get("groups")
        for key in keys:
            value = value and value[key]
        return UNKNOWN if value is None else f"{value:.2g}"

    rows = []
    for group, (words, good) in OF_ELECTRODES.items():
        for side in SIDES:
            design, baseline = (number(whose, side, group) for whose in WHOSE)
            rows.append((f"{words}, {side}", design, baseline, good))
    for group, (words, good) in OF_CELL.items():
        rows.append((words, number("design", group), number("baseline", group), good))
    return rows


def remedies_caption() -> str:
    """What a change is, and what helping means."""
    return (
        f"More pores: {MORE_PORES:g} more porosity at the same active material. Straighter: pores that "
        "run straight through (Bruggeman exponent 1), which channels come near to. Smaller, thinner: "
        f"{SMALLER:g} times the radius, {THINNER:g} times the thickness. What gains at least "
        f"{100 * HELPS:.0f} % of what the best change gains is said to help, what gains at most "
        f"{100 * HELPS_LITTLE:.0f} % hardly. –: the changed cell does not come as far, or its "
        "simulation failed."
    )


def known(record: dict[str, Any]) -> list[str]:
    """Whose simulation gave something."""
    return [whose for whose in WHOSE if "losses" in record[whose]]


def losses_picture(record: dict[str, Any]) -> Figure:
    """Where the voltage goes along the charge, above the open-circuit voltage: design and baseline."""
    simulated = known(record)
    figure = Figure(figsize=(4.6 * len(simulated), 3.6), layout="constrained")
    panels = np.atleast_1d(figure.subplots(1, len(simulated), sharey=True))
    for axes, whose in zip(panels, simulated, strict=True):
        losses = record[whose]["losses"]
        share = 100 * np.array(losses["share"])
        above, below = np.zeros(len(share)), np.zeros(len(share))
        names = list(losses["parts"])[1:]
        for name, colour in zip(names, SEVERAL, strict=False):
            loss = 1e3 * np.array(losses["parts"][name])
            for stack, part in ((above, np.maximum(loss, 0)), (below, np.minimum(loss, 0))):
                label = name if stack is above and whose == simulated[0] else None
                axes.fill_between(
                    share, stack, stack + part, color=colour, alpha=0.85, linewidth=0, label=label
                )
                stack += part
        axes.axvline(100 * record[whose]["since"], color="#1d252b", linewidth=1, linestyle=(0, (3, 2)))
        axes.set(xlabel="Charge in the cell [% of nominal]", title=whose, xlim=(0, None))
    panels[0].set_ylabel("Voltage above open circuit [mV]")
    figure.legend(loc="outside lower center", ncols=3, fontsize=8)
    return figure
