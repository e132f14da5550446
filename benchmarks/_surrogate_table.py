"""The results of the surrogates as tables for people."""

from typing import Any

TARGETS = {
    "R1-512": "0.07 / 0.0025 / 0.4, 1.2 / 0.3",
    "R1-2048": "0.03 / – / – / –",
    "R1-wide-512": "0.35 / 0.01 / 2, 10 / –",
}


def table(result: dict[str, Any], metrics: tuple[str, ...]) -> str:
    """Everything that has been measured, as Markdown."""
    rows = []
    capacity, share, voltage, voltage_95, _, _, margin, _ = metrics
    for part, one in result.items():
        if not part.startswith("R1"):
            continue
        for who in ("student", "ensemble"):
            said = one[who]
            cover = ", ".join(f"{100 * value:.1f}" for value in one["coverage"].values())
            rows.append(
                f"| {part} | {who} | {said[capacity]:.3f} / {said[share]:.4f} / {said[voltage]:.2f}, "
                f"{said[voltage_95]:.2f} / {said[margin]:.2f} | {TARGETS.get(part, '')} | "
                + (
                    f"{cover} | {100 * one['flagged']['test designs']:.1f} | "
                    f"{100 * one['flagged']['one variable 20 % outside']:.1f} | "
                    f"{100 * one['ends_told']:.1f} | {seconds(one['training_s'])} |"
                    if who == "student"
                    else "| | | | |"
                )
            )
    text = f"""# Surrogates on the reference problems

{result["machine"]}; {", ".join(" ".join(one) for one in result["versions"].items())}.

Errors over the 4,096 designs of the test sweep: accepted capacity, median [%] / accepted share, 95th
percentile / voltage RMSE at the truth's charges, median and 95th percentile [mV] / plating margin,
median [mV]. Intervals: share of test designs held by the 90 % intervals of accepted capacity, share,
margin and charging energy [%]. Flagged as outside the trained domain [%]: test designs, and designs
with one variable 20 % of its range outside. Ends: designs whose end the curves tell [%]. Training: all
members and the student.

| N | who | errors | asked for | intervals | flagged inside | flagged outside | ends | training [s] |
|---|---|---|---|---|---|---|---|---|
{chr(10).join(rows)}
"""
    if "speed" in result:
        fast = result["speed"]
        both = ", ".join(f"{v:.2f} ms ({k})" for k, v in fast["value_and_gradient_ms"].items())
        text += f"""
## Speed, warm, in one run ({fast["date"]})

All curves (40 points) and figures of merit of 4,096 designs: {fast["us_per_design"]:.2f} µs a design,
{fast["designs_per_s"]:,.0f} designs a second; two processes of PyBaMM with a model built once:
{fast["pybamm_designs_per_s"]:.1f} a second. Ratio {fast["ratio"]:,.0f}. One value with its gradient:
{both}.
Matrix products of the same machine: {fast["matrix_GFLOP_per_s"]:.0f} GFLOP/s, of which the network's
products alone use {100 * fast["share_of_matrix_rate"]:.0f} %. Compilations when only values change:
{fast["compilations"] - 1}.
"""
    if "gradients" in result:
        rows = [
            f"| {name} | {100 * one['median']:.1f} | {100 * one['worst']:.1f} |"
            for name, one in result["gradients"].items()
            if isinstance(one, dict)
        ]
        text += f"""
## Gradients against central differences of PyBaMM

Norm of the deviation over the norm, variables scaled by the box, 20 test designs, N = 512.

| figure | median [%] | worst [%] |
|---|---|---|
{chr(10).join(rows)}
"""
    return text


def seconds(spent: float | None) -> str:
    """Seconds of a training, or a dash for one that was not measured in one piece."""
    return "–" if spent is None else f"{spent:.0f}"
