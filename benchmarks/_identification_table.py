"""The results of `benchmarks/identification.py` as Markdown."""

from typing import Any

from _identification_curves import PLANTED


def table(result: dict[str, Any]) -> str:
    """All that was measured."""
    study, found, pair = result["study"], result["calibration"], result["pair"]
    lines = [f"# Identification, {result['date']}", "", f"{result['machine']}.", ""]
    if study["seconds"]:
        spent = ", ".join(f"{step} {seconds:.0f} s" for step, seconds in study["seconds"].items())
        lines += [f"The bundled study `identify`, from nothing: {spent}.", ""]
    lines += ["| parameter | planted | median | 90 % |", "|---|---|---|---|"]
    for name, entry in study["estimates"].items():
        told = (f"{entry[k]:.4g}" for k in ("median", "5 %", "95 %")) if entry else ("–",) * 3
        median, low, high = told
        lines.append(f"| {name} | {PLANTED[name]:g} | {median} | {low} to {high} |")
    lines += [
        "",
        f"## {found['trials']} cells drawn from the prior, three rates, 1 mV of noise",
        "",
        "| parameter | ranks uniform: p by χ² | by Kolmogorov and Smirnov "
        "| truth in the 90 % interval | deviation of the posterior [% of the range] |",
        "|---|---|---|---|---|",
    ]
    for name, one in found["parameters"].items():
        cells = [
            name,
            f"{one['chi-square p']:.3f}",
            f"{one['Kolmogorov-Smirnov p']:.3f}",
            f"{100 * one['inside 90 % interval']:.1f} %",
            f"{100 * one['median deviation [share of the range]']:.2f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    lines += [
        "",
        f"Doubted though of the right kind: {found['doubted']} of {found['trials']}. Largest R̂ "
        f"{found['largest R-hat']:.3f}, least effective draws {found['least effective draws']:.0f}, "
        f"{found['with divergences']} with divergences, {found['failed simulations']} simulations "
        f"failed. {found['seconds, median']:.1f} s each (median), nothing compiled anew.",
        "",
        "## Curves of other cells, given as Chen2020's",
        "",
    ]
    for one in found["strangers"]:
        if "failed" in one:
            lines.append(f"- {one['cell']}: its simulation failed")
            continue
        verdict = "flagged" if one["flagged"] else "NOT flagged"
        off = f"{one['RMSE [mV]']:.1f} mV RMS off"
        lines.append(f"- {one['cell']}: {verdict}, {off}. {' '.join(one['words'])}")
    told = "; ".join(f"{name}: {'a number' if e else 'none'}" for name, e in pair["estimates"].items())
    mean, deviation = pair["D/R² over the truth's: mean, deviation"]
    lines += [
        "",
        "## A pair: radius and diffusivity of particles with fast kinetics",
        "",
        *(f"> {word}" for word in pair["words"]),
        "",
        f"{told}. They correlate by {pair['correlation in the posterior']:+.3f} in the posterior, and "
        f"D/R² over the truth's {mean:.4f} ± {deviation:.4f}.",
    ]
    return "\n".join(lines) + "\n"
