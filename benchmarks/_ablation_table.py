"""The results of an ablation as tables for people."""

import math
from typing import Any

from _ablation_variants import EVERYTHING, VARIANTS
from _accuracy import CAPACITY, MARGIN, METRICS, SHARE_95, VOLTAGE_95, VOLTAGE_RMSE

COLUMNS = {
    CAPACITY: "capacity, median [%]",
    SHARE_95: "share, 95th",
    VOLTAGE_RMSE: "voltage, median [mV]",
    VOLTAGE_95: "95th",
    MARGIN: "margin, median [mV]",
}
WHERE = ("inside", "outside")
PLACES = [(n, where) for n in (128, 512) for where in WHERE]


def ratio(one: dict[str, float], other: dict[str, float]) -> float:
    """How many times the error of another one has, as the geometric mean over `METRICS`."""
    return math.exp(sum(math.log(one[name] / other[name]) for name in METRICS) / len(METRICS))


def ratios(measured: dict[str, Any], name: str, against: str) -> dict[tuple[int, str], float]:
    """`ratio` of a variant to another, by number of designs and place, where both were measured."""
    return {
        (n, where): ratio(measured[f"{name}-{n}"][where], measured[f"{against}-{n}"][where])
        for n, where in PLACES
        if f"{name}-{n}" in measured and f"{against}-{n}" in measured
    }


def verdict(found: dict[tuple[int, str], float], chance: float) -> str:
    """What a change does to the error where it is more than chance does."""
    told = {
        "worse": [place for place, value in found.items() if value > chance],
        "better": [place for place, value in found.items() if value < 1 / chance],
    }
    said = [f"{word} in {len(places)} of {len(found)}" for word, places in told.items() if places]
    return ", ".join(said) or "nothing beyond chance"


def table(result: dict[str, Any]) -> str:
    """Everything that has been measured, as Markdown."""
    measured, tested, settings = result["measured"], result["tested"], result["settings"]
    by_chance = ratios(measured, "seed", EVERYTHING).values()
    chance = math.exp(max((abs(math.log(value)) for value in by_chance), default=0.0))
    told_chance = (
        f"Another seed changes a ratio by up to {chance:.2f} times: nearer to 1 than that is chance."
        if by_chance
        else "What another seed changes has not been measured, so no verdict is given."
    )
    compared = []
    for name, variant in VARIANTS.items():
        found = ratios(measured, name, variant.against)
        if name == EVERYTHING or not found:
            continue
        cells = [f"{found[place]:.2f}" if place in found else "–" for place in PLACES]
        says = variant.says + (f" (against: {variant.against})" if variant.against != EVERYTHING else "")
        told = "–" if name == "seed" or not by_chance else verdict(found, chance)
        compared.append(f"| {says} | {' | '.join(cells)} | {told} |")
    blocks = []
    for n, where in PLACES:
        rows = [
            f"| {variant.says} | "
            + " | ".join(f"{measured[f'{name}-{n}'][where][metric]:.3g}" for metric in COLUMNS)
            + " |"
            for name, variant in VARIANTS.items()
            if f"{name}-{n}" in measured
        ]
        if rows:
            blocks.append(
                f"### N = {n}, {where}\n\n| variant | {' | '.join(COLUMNS.values())} |\n"
                f"|{'---|' * (1 + len(COLUMNS))}\n" + "\n".join(rows) + "\n"
            )
    return f"""# What each piece of physics is worth

{result["machine"]}; {", ".join(" ".join(one) for one in result["versions"].items())}.

{settings["members"]} members of width {settings["width"]}, {settings["steps"]:,} steps of
{settings["batch"]:,} points, no student: smaller than the package's own, and so to be compared only
with each other. Inside: {tested["inside"]:,} test designs of R1. Outside: {tested["outside"]:,}
designs that leave R1's box by up to 20 % of its range along each variable, most along several.

## Error of each variant over that of everything

Geometric mean of the ratios of eight errors (accepted capacity, accepted share, voltage, negative
potential and plating margin: medians and 95th percentiles). Above 1 the variant is worse.
{told_chance}

| variant | {" | ".join(f"N = {n}, {where}" for n, where in PLACES)} | verdict |
|{"---|" * (2 + len(PLACES))}
{chr(10).join(compared)}

## Errors themselves

{chr(10).join(blocks)}"""
