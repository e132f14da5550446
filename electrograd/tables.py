"""Numbers for people: units they use, digits that mean something, plain-text tables."""

import math
from dataclasses import dataclass, replace
from typing import Any

from electrograd.physics.charge import NEGATIVE_POTENTIAL, VOLTAGE
from electrograd.physics.variables import (
    ACCEPTED_CAPACITY,
    ACCEPTED_SHARE,
    CHARGE_TIME,
    CHARGING_ENERGY,
    ENERGY_DENSITY,
    HOTTEST,
    LEAST_ELECTROLYTE,
    NOMINAL_CAPACITY,
    PLATING_MARGIN,
    PLATING_ONSET,
    SPECIFIC_ENERGY,
    THEORETICAL_ENERGY_DENSITY,
    THEORETICAL_SPECIFIC_ENERGY,
    USABLE_RATIO,
    figure_and_scenario,
)
from electrograd.physics.variables import VARIABLES as VARIABLE_NAMES
from electrograd.surrogates.surrogate import Accuracy

UNKNOWN = "–"


@dataclass(frozen=True)
class Display:
    """How a quantity is shown: its label, unit, the factor into that unit, decimals, and its absence."""

    label: str
    unit: str
    scale: float
    decimals: int
    absent: str = UNKNOWN

    @property
    def title(self) -> str:
        """Label with the unit in brackets."""
        return f"{self.label} [{self.unit}]" if self.unit else self.label

    def number(self, value: float | None) -> str:
        """The value in the unit for people, without the unit; `absent` where there is none."""
        if value is None or not math.isfinite(value):
            return self.absent
        text = f"{value * self.scale:.{self.decimals}f}"
        return text.replace("-", "−") if float(text) else text.lstrip("-")

    def text(self, value: float | None) -> str:
        """The value with its unit."""
        number = self.number(value)
        return number if number == self.absent else f"{number} {self.unit}".rstrip()


FIGURES: dict[str, Display] = {
    THEORETICAL_SPECIFIC_ENERGY: Display("Theoretical specific energy", "Wh/kg", 1.0, 1),
    THEORETICAL_ENERGY_DENSITY: Display("Theoretical energy density", "Wh/L", 1.0, 0),
    SPECIFIC_ENERGY: Display("Discharge specific energy", "Wh/kg", 1.0, 1),
    ACCEPTED_SHARE: Display("Accepted share of nominal capacity", "%", 100.0, 2),
    ACCEPTED_CAPACITY: Display("Accepted capacity", "mAh/cm²", 0.1, 3),
    NOMINAL_CAPACITY: Display("Nominal areal capacity", "mAh/cm²", 0.1, 3),
    PLATING_MARGIN: Display("Plating margin", "mV", 1e3, 2),
    PLATING_ONSET: Display("Plating begins, share of nominal capacity", "%", 100.0, 1, "never"),
    CHARGING_ENERGY: Display("Energy taken up by the charge", "mWh/cm²", 0.1, 2),
    USABLE_RATIO: Display("N/P ratio, channels counted", "", 1.0, 3),
    ENERGY_DENSITY: Display("Discharge energy density", "Wh/L", 1.0, 0),
    CHARGE_TIME: Display("Charge time to 80 %", "min", 1 / 60, 1, "not reached"),
    HOTTEST: Display("Highest temperature", "K", 1.0, 1),
    LEAST_ELECTROLYTE: Display("Least electrolyte concentration", "mol/m³", 1.0, 0),
}
"""Every figure of merit, in the order in which a report shows them."""


def display(name: str) -> Display:
    """How a figure of merit is shown, of a further scenario with that in its label."""
    figure, scenario = figure_and_scenario(name)
    show = FIGURES[figure]
    return replace(show, label=f"{show.label} ({scenario})") if scenario else show


def shown(record: dict[str, Any]) -> dict[str, Display]:
    """Every figure of merit of a design, in the order in which a report shows them."""
    further = [name for name in record["figures_of_merit"] if figure_and_scenario(name)[1]]
    return {**FIGURES, **{name: display(name) for name in further}}


VARIABLES: dict[str, Display] = {
    name: Display(
        name.partition(" [")[0],
        variable.display_unit,
        variable.display_scale,
        1 if variable.display_unit else 3,
    )
    for name, variable in VARIABLE_NAMES.items()
}


CURVES = {
    VOLTAGE: "Voltage along the charge",
    NEGATIVE_POTENTIAL: "Negative electrode potential at the separator along the charge",
}
"""The learned curves whose errors are quoted."""


def summary(record: dict[str, Any]) -> str:
    """The contents of ``design.json`` as a plain-text table."""
    rows = [["", "design", "baseline", "limits"]]
    for name, entry in record["variables"].items():
        show = VARIABLES[name]
        rows.append(
            [
                show.title,
                show.number(entry["value"]),
                show.number(entry["baseline"]),
                f"{show.number(entry['lower'])} … {show.number(entry['upper'])}",
            ]
        )
    wanted: dict[str, list[str]] = {}
    for limit in record["constraints"]:
        verdict = "met" if limit["holds"] else "BROKEN"
        text = f"{limit['sense']} {display(limit['figure']).number(limit['value'])}: {verdict}"
        wanted.setdefault(limit["figure"], []).append(text)
    wanted.setdefault(record["goal"]["figure"], []).append(record["goal"]["sense"])
    for name, show in shown(record).items():
        told = [simulated(record, name, whose) for whose in ("simulated", "baseline")]
        rows.append([show.title, *told, "; ".join(wanted.get(name, []))])
    widths = [max(len(row[k]) for row in rows) for k in range(4)]
    lines = [
        f"{row[0]:<{widths[0]}}  {row[1]:>{widths[1]}}  {row[2]:>{widths[2]}}  {row[3]}".rstrip()
        for row in rows
    ]
    lines.insert(1 + len(record["variables"]), "")
    if record["simulation"]["electrolyte_depleted"]:
        lines.append("The design's electrolyte runs empty somewhere: trust its figures less.")
    said = [*conflict_lines(record), *unsettled_lines(record), *bound_lines(record)]
    return "\n".join(["All figures of merit as simulated in PyBaMM.", *lines, *said])


def simulated(record: dict[str, Any], figure: str, whose: str) -> str:
    """A simulated figure of merit without its unit, the design's ("simulated") or the "baseline"'s.

    ``design.json`` has null for what is infinite and for what is unknown because the charge failed: only
    the first never happens or is not reached.
    """
    found, show = record["figures_of_merit"], display(figure)
    failed = found[ACCEPTED_CAPACITY][whose] is None and found[figure][whose] is None
    return UNKNOWN if failed else show.number(found[figure][whose])


def accuracy_lines(accuracy: Accuracy) -> list[str]:
    """The surrogate's held-out errors, a line each."""
    lines = [f"Errors on {accuracy.designs} designs, each held out from what predicted it:"]
    for name, error in accuracy.curves.items():
        lines.append(
            f"{CURVES[name]}: median {error['median [mV]']:.2f} mV, "
            f"95th percentile {error['95th percentile [mV]']:.2f} mV"
        )
    for name, error in accuracy.figures.items():
        show = display(name)
        unit = "percentage points" if show.unit == "%" else show.unit
        finer = Display(show.label, unit, show.scale, show.decimals + 1)
        lines.append(
            f"{show.label}: median {finer.text(error['median'])}, "
            f"95th percentile {finer.text(error['95th percentile'])}"
        )
    return lines


def leaning_lines(record: dict[str, Any]) -> list[str]:
    """What holds a design back, and what giving way would be worth, in sentences."""
    held = record["leans_on"]
    if held is None:
        return bound_lines(record)
    goal = display(record["goal"]["figure"])
    lines = []
    for limit in held["limits"]:
        show = display(limit["figure"])
        weaker = "less" if limit["sense"] == "at least" else "more"
        worth = f"{limit['gain'] * goal.scale / show.scale:.3g} {goal.unit}"
        lines.append(
            f"It leans on {show.label.lower()} {limit['sense']} {show.text(limit['value'])}: each "
            f"{show.unit} {weaker} would be worth {worth}."
        )
    for name, bound in held["bounds"].items():
        entry = record["variables"][name]
        far = 0.05 * (entry["upper"] - entry["lower"])
        lines.append(
            f"{VARIABLES[name].label} lies on its {entry['at_bound']} bound: a box wider by a twentieth "
            f"there would be worth about {bound['gain'] * far * goal.scale:.3g} {goal.unit}."
        )
    if held["interior"]:
        lines.append("It leans on no bound of the box: no wider box holds a better design nearby.")
    return lines


def bound_lines(record: dict[str, Any]) -> list[str]:
    """Which variables lie on bounds of the study's box, in a sentence; none where none does.

    A bound that costs the design nothing is left out, where it is known what each costs.
    """
    held = record["leans_on"]
    told = [
        f"{VARIABLES[name].label} lies on its {entry['at_bound']} bound "
        f"({VARIABLES[name].text(entry[entry['at_bound']])})"
        for name, entry in record["variables"].items()
        if entry["at_bound"] and (held is None or name in held["bounds"])
    ]
    if not told:
        return []
    whole = len(told) == len(record["variables"])
    does = "alone decides the design" if whole else "holds the design back"
    return [f"The study's box {does}. {'. '.join(told)}. A wider box may hold a better one."]


def unsettled_lines(record: dict[str, Any]) -> list[str]:
    """That the budget of the search ended before it settled, in a sentence; none where it settled."""
    search = record["search"]
    if search.get("settled", True) or not record["limits_met"]:  # `conflict_lines` says more then
        return []
    figure = record["goal"]["figure"]
    entry, show = record["figures_of_merit"][figure], display(figure)
    more = (
        f"'design: {{budget: {2 * search['budget']}}}' in the study file"
        if search["explored_designs"]
        else "a larger sweep"
    )
    return [
        f"The search had not settled when its budget of {search['budget']} simulations was spent: "
        f"{show.label.lower()} was predicted to be {show.text(entry['predicted'])} and is "
        f"{show.text(entry['simulated'])}. A better design may be found with {more}."
    ]


def conflict_lines(record: dict[str, Any]) -> list[str]:
    """Why limits are not met, in sentences; none where they are."""
    if "conflict" not in record:
        return []
    limits = record["conflict"]
    if not limits:
        return [
            "By the surrogate all limits can be met; the simulations did not bear it out. More designs "
            "in the sweep, or a larger budget, may."
        ]
    told = []
    for limit in limits:
        show = display(limit["figure"])
        told.append(f"{show.label.lower()} {limit['sense']} {show.text(limit['value'])}")
    if len(limits) == 1:
        show = display(limits[0]["figure"])
        reach = show.text(limits[0]["within_reach"])
        return [f"No design of the box has {told[0]}; the best has about {reach}."]
    lines = [f"No design of the box meets these together: {'; '.join(told)}."]
    for limit in limits:
        show = display(limit["figure"])
        reach = show.text(limit["within_reach"])
        lines.append(f"With the others met, {show.label.lower()} comes to about {reach}.")
    return lines


SENSITIVITIES = {
    "total": ("total", False),
    "first": ("first", False),
    "effect": ("effect", True),
    "deviation": ("scatter", True),
    "median": ("median", False),
    "dummy": ("dummy", False),
    "bound": ("total at most", False),
}
"""What ``sensitivity.json`` says of a variable: how it is called, and whether in the figure's unit.

The first that a method tells is what variables are ranked by.
"""


def sensitivity_lines(record: dict[str, Any]) -> list[str]:
    """What each variable matters to each figure, by whichever method; then pairs of variables."""
    lines = []
    for figure, indices in record["indices"].items():
        show = display(figure)
        keys = [key for key in SENSITIVITIES if key in next(iter(indices.values()))]
        measured = any(SENSITIVITIES[key][1] for key in keys)
        lines.append(show.title if measured else show.label)
        for name, index in sorted(indices.items(), key=lambda item: -item[1][keys[0]]):
            told = [_sensitivity(index, key, show) for key in keys]
            lines.append(f"  {label_of(name):<40} {'   '.join(told)}")
        lines += [
            f"  {label_of(one)} with {label_of(other).lower()}: {index:.3f} ± {wide:.3f}"
            for one, other, index, wide in pairs_that_matter(indices)
        ]
    if record.get("check"):
        lines += ["", *check_lines(record["check"])]
    return lines


def check_lines(check: dict[str, Any]) -> list[str]:
    """A surrogate's total indices beside PyBaMM's on the same samples."""
    left = f"; {check['left_out']} left out, for a simulation failed" if check["left_out"] else ""
    lines = [f"Total indices by PyBaMM and by the surrogate on {check['samples']} base samples{left}"]
    for figure, found in check["simulated"].items():
        apart = check["differences"][figure]
        lines.append(f"{display(figure).label}: they differ by {apart:.4f} at most")
        for name, index in sorted(found.items(), key=lambda item: -item[1]["total"]):
            other = check["surrogate"][figure][name]["total"]
            told = f"{index['total']:6.3f} ± {index['total confidence']:.3f}   surrogate {other:6.3f}"
            lines.append(f"  {label_of(name):<40} PyBaMM {told}")
    return lines


def label_of(name: str) -> str:
    """A variable's label; a group's name as it is."""
    return VARIABLES[name].label if name in VARIABLES else name


def _sensitivity(index: dict[str, Any], key: str, show: Display) -> str:
    label, measured = SENSITIVITIES[key]
    scale = show.scale if measured else 1.0
    told = f"{label} {scale * index[key]:6.3f}"
    wide = index.get(f"{key} confidence")
    return told if wide is None else f"{told} ± {scale * wide:.3f}"


def pairs_that_matter(indices: dict[str, Any]) -> list[tuple[str, str, float, float]]:
    """Pairs of variables whose second-order index lies beyond its confidence, the greatest first."""
    found = [
        (one, other, index["second"][other], index["second confidence"][other])
        for k, (one, index) in enumerate(indices.items())
        for other in list(indices)[k + 1 :]
        if "second" in index
    ]
    return sorted((pair for pair in found if abs(pair[2]) > pair[3]), key=lambda pair: -abs(pair[2]))
