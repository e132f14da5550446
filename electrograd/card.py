"""The accuracy card of a surrogate: what it is, how wrong it is, and what it must not be used for."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from electrograd.console import duration
from electrograd.physics.variables import (
    ACCEPTED_CAPACITY,
    C_RATE,
    ENERGY_DENSITY,
    figure_and_scenario,
)
from electrograd.surrogates.checkpoint import write_atomic
from electrograd.surrogates.figure_surrogate import FigureSurrogate
from electrograd.surrogates.surrogate import Accuracy, Surrogate
from electrograd.sweeps.space import DesignSpace
from electrograd.tables import CURVES, FIGURES, VARIABLES, Display, display
from electrograd.training_figures import draw_parity, draw_training

_ERRORS_HEAD = ("", "median", "95th percentile", "90 % interval ±", "unit")
CARD, PARITY, TRAINING = "card.md", "parity.png", "training.png"

_NOT_FOR = (
    "- Designs outside the box or far from all data in it: ask `inside` first; nothing is clipped.",
    "- Another cell, chemistry, temperature or charging protocol.",
    "- Ageing, safety, or anything over many cycles: it saw first charges only.",
    "- A statement about real cells. Its errors are against the simulation that taught it; how far "
    "that is from an experiment is not in them.",
    "- A last word on a design: simulate the one that is chosen.",
)


def describe(surrogate: Surrogate, folder: Path, facts: Mapping[str, Any]) -> None:
    """Write the card and its pictures into a surrogate's folder; the card comes last.

    Parameters
    ----------
    facts
        What the surrogate itself does not know: ``name`` of the study, ``ends`` of the simulations by
        reason, ``seconds`` of the training, ``student error [mV]`` of its voltage, ``training`` and
        ``distillation`` settings, ``versions``; each may lack.
    """
    draw_parity(surrogate.accuracy, folder / PARITY)
    if surrogate.accuracy.history:
        draw_training(surrogate.accuracy.history, folder / TRAINING)
    write_atomic(folder / CARD, card(surrogate, facts).encode())


def card(surrogate: Surrogate, facts: Mapping[str, Any]) -> str:
    """The card as Markdown; ``facts`` as for `describe`."""
    cell, scenario = surrogate.physics.cell, surrogate.scenario
    rate = "of each design's own" if C_RATE in surrogate.space.names else f"at {scenario.c_rate:g}C"
    lines = [
        f"# Surrogate {facts.get('name', '')}".rstrip(),
        "",
        "Predicts the curves of a charge, and figures of merit from them, in place of a P2D simulation "
        "in PyBaMM.",
        "",
        f"- Cell: {cell.source}, coatings {'with channels' if cell.structure.channelled else 'whole'}",
        f"- Scenario: constant current {rate}, from empty to {scenario.upper_voltage:g} V "
        f"or {scenario.charge_limit:g} of the nominal capacity; "
        f"{scenario.temperature:g} K, {'isothermal' if scenario.cooling is None else 'lumped heat'}",
        f"- Data: {_simulations(facts)}, fingerprint `{surrogate.dataset}`",
        *_networks(surrogate, facts),
    ]
    lines += ["", "## Box", "", *_table(("Variable", "from", "to", "unit"), _box(surrogate.space))]
    lines += [
        "",
        "## Errors",
        "",
        f"Of {surrogate.accuracy.designs} designs, each held out from the networks that predicted it. "
        "The interval is the typical half-width that holds 90 % of new designs like these; "
        "`half_widths` says a design's own." + _of_student(facts),
        "",
        *_table(_ERRORS_HEAD, _errors(surrogate.accuracy)),
    ]
    if facts.get("ends"):
        lines += [
            "",
            "## Ends of the simulations",
            "",
            *_table(("End", "designs"), ((end, f"{n}") for end, n in facts["ends"].items())),
        ]
    lines += ["", "## Not for", "", *_NOT_FOR, ""]
    if facts.get("versions"):
        told = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
        lines += ["## Made with", "", told, ""]
    return "\n".join(lines)


def describe_figures(surrogate: FigureSurrogate, folder: Path, facts: Mapping[str, Any]) -> None:
    """The same for a surrogate of figures of merit."""
    doubled = (ENERGY_DENSITY, ACCEPTED_CAPACITY)  # what another picture shows already
    shown = [name for name in surrogate.accuracy.held_out if name not in doubled]
    draw_parity(surrogate.accuracy, folder / PARITY, tuple(shown))
    write_atomic(folder / CARD, figures_card(surrogate, facts).encode())


def figures_card(surrogate: FigureSurrogate, facts: Mapping[str, Any]) -> str:
    """The card of a surrogate of figures of merit as Markdown; ``facts`` as for `describe`."""
    cell = surrogate.physics.cell
    scenarios = {"main": surrogate.scenario, **surrogate.others}
    lines = [
        f"# Surrogate {facts.get('name', '')}".rstrip(),
        "",
        "Predicts figures of merit in place of P2D simulations in PyBaMM: a Gaussian process each.",
        "",
        f"- Cell: {cell.source}, coatings {'with channels' if cell.structure.channelled else 'whole'}",
        *(
            f"- Scenario {name}: {s.protocol}, {s.c_rate:g}C, {s.upper_voltage:g} V, {s.temperature:g} K"
            for name, s in scenarios.items()
        ),
        f"- Data: {_simulations(facts)}, fingerprint `{surrogate.dataset}`",
        "",
        "## Box",
        "",
        *_table(("Variable", "from", "to", "unit"), _box(surrogate.space)),
        "",
        "## Errors",
        "",
        "Of designs left out in turn, hyperparameters kept; `half_widths` says a design's own interval.",
        "",
        *_table(_ERRORS_HEAD, _errors(surrogate.accuracy)),
        "",
        "## Not for",
        "",
        *_NOT_FOR,
        "",
    ]
    if facts.get("versions"):
        told = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
        lines += ["## Made with", "", told, ""]
    return "\n".join(lines)


def _simulations(facts: Mapping[str, Any]) -> str:
    ends = facts.get("ends")
    return f"{sum(ends.values())} simulations" if ends else "a sweep"


def _of_student(facts: Mapping[str, Any]) -> str:
    """Errors are the ensemble's: how far the student is from it must be said beside them."""
    error = facts.get("student error [mV]")
    if error is None:
        return ""
    return f" The student's voltage is within {error:.2g} mV (median RMSE) of the ensemble's."


def _networks(surrogate: Surrogate, facts: Mapping[str, Any]) -> list[str]:
    ensemble, student = surrogate.ensemble, surrogate.student
    said = f"- Networks: {ensemble.members} members of {ensemble.depth} × {ensemble.width} neurons"
    if student:
        said += f"; a student of {student.depth} × {student.width}, taught by them, answers"
    lines = [said]
    if history := surrogate.accuracy.history:
        step, error = min(history, key=lambda check: check[1])
        most = facts.get("training", {}).get("steps") or history[-1][0]
        lines.append(
            f"- Training: the ensemble as it was after {step} of {most} steps, where voltage and "
            f"negative potential were {error:.3g} mV (RMSE) wrong on designs held out"
        )
    if "seconds" in facts:
        lines.append(f"- Trained in {duration(facts['seconds'])}, the last time it was begun")
    if facts.get("training"):
        seeds = facts["training"]["seed"], facts["distillation"]["seed"]
        lines.append(f"- Seeds: ensemble {seeds[0]}, student {seeds[1]}")
    return lines


def _box(space: DesignSpace) -> Iterable[tuple[str, ...]]:
    for axis in space.axes:
        show = VARIABLES[axis.name]
        yield show.label, show.number(axis.lower), show.number(axis.upper), show.unit


def _errors(accuracy: Accuracy) -> Iterable[tuple[str, ...]]:
    for name, error in accuracy.curves.items():
        numbers = (f"{error[key]:.2f}" for key in ("median [mV]", "95th percentile [mV]"))
        yield f"{CURVES[name]} (RMSE)", *numbers, "–", "mV"
    for name, error in accuracy.figures.items():
        known = figure_and_scenario(name)[0] in FIGURES
        show = display(name) if known else Display(*_parted(name), 1.0, 2)
        unit = "percentage points" if show.unit == "%" else show.unit
        finer = Display(show.label, unit, show.scale, show.decimals + 1)
        numbers = (finer.number(error[key]) for key in ("median", "95th percentile", "interval"))
        yield show.label, *numbers, unit


def _parted(name: str) -> tuple[str, str]:
    label, _, unit = name.partition(" [")
    return label, unit.rstrip("]")


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    ruled = " | ".join("---" if k == 0 else "---:" for k in range(len(head)))
    return [f"| {' | '.join(head)} |", f"| {ruled} |", *(f"| {' | '.join(row)} |" for row in rows)]
