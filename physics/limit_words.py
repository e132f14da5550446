"""The processes that can limit a charge, and how a limit is said in a sentence."""

import math
from collections.abc import Mapping, Sequence
from enum import StrEnum

from electrograd.physics.charge import Charge
from electrograd.physics.remedies import REMEDIES


class Process(StrEnum):
    """What can limit a charge."""

    NEGATIVE_ELECTROLYTE = "negative electrolyte depletion"
    POSITIVE_ELECTROLYTE = "positive electrolyte depletion"
    NEGATIVE_DIFFUSION = "negative solid diffusion"
    POSITIVE_DIFFUSION = "positive solid diffusion"
    KINETICS = "kinetics"
    OHMIC = "ohmic"
    PLATING = "plating at the separator"
    NONE = "none: the capacity is taken"


HELPS, HELPS_LITTLE = 1 / 2, 1 / 5
"""A remedy helps if it gains at least that part of what the best one gains, little if at most that."""
_WORTH = 0.01  # share of the nominal capacity: a gain below it is none

_COSTS = {
    Process.NEGATIVE_ELECTROLYTE: "salt in the negative electrode",
    Process.POSITIVE_ELECTROLYTE: "salt in the positive electrode",
    Process.NEGATIVE_DIFFUSION: "diffusion in the negative particles",
    Process.POSITIVE_DIFFUSION: "diffusion in the positive particles",
    Process.KINETICS: "kinetics",
    Process.OHMIC: "ohmic resistance",
}
_BESIDES = {Process.KINETICS: "warmth", Process.OHMIC: "better conductors"}
_NAMED = 3
"""So many of the remedies that do little are named."""
DRY, SURFACE, LARGEST, NEAR = "dry", "surface", "largest", "near"
"""How a process shows: no salt left, a full (or empty) surface, the largest part of the losses; of
plating, that it is near and does not come."""


def sorted_out(gains: Mapping[str, float]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Which remedies help and which do little, the best first, by what they gain."""
    known = {name: gain for name, gain in gains.items() if not math.isnan(gain)}
    order = sorted(known, key=lambda name: -known[name])
    best = max(known.values(), default=0.0)
    helps = tuple(name for name in order if best >= _WORTH and known[name] >= HELPS * best)
    little = tuple(name for name in order if helps and known[name] <= HELPS_LITTLE * best)
    return helps, little


def clause(process: Process, cause: str, shows: str, costs: Mapping[Process, float]) -> str:
    """Say a process.

    Parameters
    ----------
    process, cause
        As in `limiting.Limit`.
    shows
        `DRY`, `SURFACE`, `LARGEST` or `NEAR`; of plating empty where it comes.
    costs
        What each process costs at the instant that counts [V].
    """
    if process is Process.NONE:
        return "nothing limits the charge: the capacity is taken"
    if process is Process.PLATING:
        does = "is about to plate" if shows == NEAR else "can plate"
        return f"lithium {does} at the separator, above all by {cause},"
    side = process.split()[0]
    if shows == DRY:
        return f"the {side} electrode's electrolyte is depleted{_beside(process, costs)}"
    if shows == SURFACE:
        state = "full" if side == "negative" else "empty"
        if process in (Process.NEGATIVE_DIFFUSION, Process.POSITIVE_DIFFUSION):
            return (
                f"the surfaces of the {side} particles are {state}, for lithium diffuses slowly in them,"
            )
        return f"the reaction crowds at the {side} electrode's front, whose surfaces are {state},"
    return _largest(process, cause, costs)


def _largest(process: Process, cause: str, costs: Mapping[Process, float]) -> str:
    most = f", most in the {cause}," if cause else ""
    verb = "cost" if process is Process.KINETICS else "costs"
    own = f"({1e3 * costs[process]:.0f} mV)"
    return f"{_COSTS[process]}{most} {verb} the most voltage {own}{_beside(process, costs)}"


def _beside(process: Process, costs: Mapping[Process, float]) -> str:
    """Say what costs more than half as much; kinetics of what is left of an electrode say nothing."""
    salt = (Process.NEGATIVE_ELECTROLYTE, Process.POSITIVE_ELECTROLYTE)
    left_out = (process, Process.KINETICS) if process in salt else (process,)
    others = {other: cost for other, cost in costs.items() if other not in left_out}
    second = max(others, key=lambda other: others[other])
    if others[second] <= costs[process] / 2:
        return ""
    return f", beside {_COSTS[second]} ({1e3 * others[second]:.0f} mV),"


def saturation_words(charge: Charge) -> str:
    """Say where particle surfaces are full or empty during a charge; empty where none are."""
    said = ""
    for found in charge.saturations:
        state = "full" if found.side == "negative" else "empty"
        place = "near the separator" if found.depth < 0.5 else "near the current collector"
        since = 100 * (charge.start + found.charge) / charge.nominal
        said += (
            f" From {since:.0f} % on, surfaces of the {found.side} particles are {state}, first {place} "
            f"and over {100 * found.share:.0f} % of the electrode at most; the reaction moves on."
        )
    return said


def sentence(
    process: Process,
    said: str,
    since: float,
    end: float,
    plating_onset: float,
    c_rate: float,
    helps: Sequence[str],
    little: Sequence[str],
) -> str:
    """Say a limit in one sentence.

    Parameters
    ----------
    process, said
        The process, and its `clause`.
    since, end, plating_onset
        Charge over the nominal capacity: where it begins to limit, where the charge ends, where plating
        begins (infinite if never).
    c_rate
        The charge's rate [1/h].
    helps, little
        Names of remedies, as `sorted_out` gives them.
    """
    whole = f"At {c_rate:.3g}C {said}"
    if process is Process.NONE:
        whole += f" ({100 * end:.0f} %)"
    else:
        whole += (
            f" from {100 * since:.0f} % of the capacity on, and the charge ends at {100 * end:.0f} %"
        )
    whole += _remedies(process, helps, little)
    if process is not Process.PLATING and math.isfinite(plating_onset):
        whole += f"; lithium can plate from {100 * plating_onset:.0f} % on"
    return whole + "."


def held_sentence(
    process: Process,
    said: str,
    since: float,
    part: float,
    taken: float,
    seconds: float,
    c_rate: float,
    helps: Sequence[str],
    little: Sequence[str],
) -> str:
    """Say in one sentence what limits the current of a charge in which limits are held.

    Parameters
    ----------
    process, said
        What holds the current back the longest: `Process.PLATING` with its cause; `Process.NONE` for
        the charger's current; else the `clause` of what costs the voltage that is held.
    since, part
        Charge over the nominal capacity from which on, and the part of the time for which it does.
    taken, seconds
        The share of the nominal capacity that is looked at, and when it is in.
    c_rate
        The largest rate that the charger gives [1/h].
    helps, little
        As for `sentence`.
    """
    long = f"for {100 * part:.0f} % of the time, from {100 * since:.0f} % of the capacity on"
    if process is Process.PLATING:
        what = f"plating at the separator, above all by {said}, limits the current {long}"
    elif process is Process.NONE:
        what = f"the charger's own current is the limit {long}"
    else:
        what = f"the voltage limits the current {long}: {said.rstrip(',')}"
    whole = f"At up to {c_rate:.3g}C {what}; {100 * taken:.0f} % are in after {seconds / 60:.1f} min"
    return whole + _remedies(process, helps, little) + "."


def _remedies(process: Process, helps: Sequence[str], little: Sequence[str]) -> str:
    words = [REMEDIES[name].words for name in helps]
    no_words = [REMEDIES[name].words for name in little[-_NAMED:]]
    if not words:
        return ""
    words += [_BESIDES[process]] if process in _BESIDES else []
    return f"; {_listed(words, 'or')} help" + (f", {_listed(no_words, 'or')} hardly" if no_words else "")


def _listed(words: list[str], last: str) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"
