"""The bundled design studies: what they find, how long it takes, and how far it was from what was said.

``make bench`` runs it and writes ``benchmarks/results/studies.json`` and ``.md``. Each study is done
from nothing in ``runs/benchmark/studies``, sweep and learning included, and is kept there until that is
deleted; its time is that of the run that did all of it. Told are

- the best design's figures, as simulated, beside what was predicted before it was simulated;
- *beaten*: by how much the best of a million random designs, asked of the surrogate that has seen every
  candidate, is better than the best verified one, by its prediction and within every limit;
- the front of a study that states one, every point simulated, with the largest gap of any;
- of a study with channels, the same electrode before they are cut, and its packages' best.

    python benchmarks/studies.py [xfc graded ...]
"""

import json
import os
import platform
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import electrograd as eg
from electrograd.design.package import versions
from electrograd.design.refine import reached
from electrograd.designing import seen_by
from electrograd.front_command import traced
from electrograd.physics.variables import channel_width
from electrograd.tables import VARIABLES, display

RESULTS = Path(__file__).parent / "results"
KEPT = Path("runs") / "benchmark" / "studies"
STUDIES = ("xfc", "graded", "xfc_channels", "robust", "channels")
WIDTH = channel_width("negative")
RANDOM, AT_ONCE = 1_000_000, 8192


def measure(name: str) -> dict[str, Any]:
    """Do one study from nothing, or take what is there; say what it found."""
    study, timing = eg.load_study(name), KEPT / f"{name}.json"
    fresh = not (KEPT / name).exists()
    run = eg.StudyRun(study, KEPT, eg.Reporter())
    began = time.perf_counter()
    design = run.design.record
    designed = time.perf_counter() - began
    front = traced(run) if study.front_section else None
    if fresh:
        timing.write_text(json.dumps({"design [s]": designed, "all [s]": time.perf_counter() - began}))
    aimed = [design["goal"]["figure"], *(limit["figure"] for limit in design["goal"]["limits"])]
    figures = design["figures_of_merit"]
    found = {
        "seconds": json.loads(timing.read_text()) if timing.exists() else None,
        "designs in the sweep": design["sweep"]["designs"],
        "designs explored": len(design["search"]["explored_designs"]),
        "designs verified": len(design["search"]["verified_designs"]),
        "limits met": design["limits_met"],
        "figures": {
            figure: {key: figures[figure][key] for key in ("predicted", "simulated", "baseline")}
            for figure in aimed
        },
        "best of the sweep": design["best_of_sweep"]
        and design["best_of_sweep"]["figures_of_merit"][aimed[0]],
        "design": {entry: value["value"] for entry, value in design["variables"].items()},
        "as made": design.get("as_made"),
        "date": datetime.now(UTC).date().isoformat(),
    }
    if not study.tolerances:
        found["beaten by [share]"] = brute_force(run, design)
    if WIDTH in study.variables:
        with run.verifier() as verify:
            uncut = verify({**found["design"], WIDTH: 0.0}).figures
        found["uncut"] = {figure: uncut[figure] for figure in aimed}
    if study.packages:
        packages = {one.name: one.record for one in eg.run_packages(study, KEPT, eg.Reporter())[1:]}
        found["packages"] = {
            package: {name: record["figures_of_merit"][name]["simulated"] for name in aimed}
            for package, record in packages.items()
        }
    if front:
        names = (front["goal"]["figure"], front["other"]["figure"])
        found["front"] = {
            "figures": names,
            "points": [[point["simulated"][n] for n in names] for point in front["points"]],
            "largest gap [share]": max(
                abs(point["predicted"][n] / point["simulated"][n] - 1)
                for point in front["points"]
                for n in names
            ),
            "explored": len(front["explored_designs"]),
            "verified": len(front["verified_designs"]),
        }
    return found


def brute_force(run: Any, design: dict[str, Any]) -> float:
    """How much better the best of many random designs is by prediction; negative: none is as good."""
    goal, surrogate = (
        reached(run.study.goal),
        seen_by(run.surrogate, design["search"]["explored_designs"]),
    )
    low, high = np.asarray(surrogate.space.lower), np.asarray(surrogate.space.upper)
    generator, best = np.random.default_rng(11), -np.inf
    names = [goal.figure, *(limit.figure for limit in goal.limits)]

    def told(design: jax.Array) -> dict[str, jax.Array]:
        figures = surrogate.figures(design)
        return {name: figures[name] for name in names}

    asked = jax.jit(jax.vmap(told))
    for _ in range(RANDOM // AT_ONCE):
        drawn = low + generator.random((AT_ONCE, len(low))) * (high - low)
        figures = {name: np.asarray(value) for name, value in asked(jnp.asarray(drawn)).items()}
        held = np.all([limit.slack(figures) >= 0 for limit in goal.limits], axis=0)
        best = max(best, np.max(np.where(held, goal.sign * figures[goal.figure], -np.inf)))
    found = goal.sign * design["figures_of_merit"][goal.figure]["simulated"]
    return float((best - found) / abs(found))


def table(result: dict[str, Any]) -> str:
    """The results as Markdown."""
    lines = [
        f"# Design studies, {result['date']}",
        "",
        f"{result['machine']}. Every figure is simulated in PyBaMM; in brackets what was predicted.",
        "",
        "| study | sweep | explored, verified | figures | limits | best of the sweep | beaten by "
        "| time to the design [min] | and the front [min] |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, found in result["studies"].items():
        told = []
        for figure, values in found["figures"].items():
            show = display(figure)
            predicted = show.number(values["predicted"])
            told.append(f"{show.label}: {show.text(values['simulated'])} ({predicted})")
        goal = display(next(iter(found["figures"])))
        spent = found["seconds"] or {}
        minutes = [
            f"{spent[key] / 60:.1f}" if key in spent else "–" for key in ("design [s]", "all [s]")
        ]
        beaten = found.get("beaten by [share]")
        cells = [
            name,
            str(found["designs in the sweep"]),
            f"{found['designs explored']}, {found['designs verified']}",
            "; ".join(told),
            "met" if found["limits met"] else "BROKEN",
            goal.number(found["best of the sweep"]),
            "–" if beaten is None else f"{100 * beaten:.2f} %",
            minutes[0],
            minutes[1] if "front" in found else "–",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    for name, found in result["studies"].items():
        shown = (f"{VARIABLES[n].label} {VARIABLES[n].text(v)}" for n, v in found["design"].items())
        lines += ["", f"**{name}**: {', '.join(shown)}."]
        if made := found["as made"]:
            lines.append(f"Of {made['designs']} made designs {made['limits_met']} keep every limit.")
        for label, values in {
            "The same electrode before channels are cut": found.get("uncut"),
            **{f"Package {package}": told for package, told in found.get("packages", {}).items()},
        }.items():
            if values:
                told = [f"{display(n).label} {display(n).text(v)}" for n, v in values.items()]
                lines.append(f"{label}: {', '.join(told)}.")
        if front := found.get("front"):
            shows = [display(figure) for figure in front["figures"]]
            lines += ["", f"| {' | '.join(show.title for show in shows)} |", "|---|---|"]
            for point in front["points"]:
                cells = [show.number(v) for show, v in zip(shows, point, strict=True)]
                lines.append(f"| {' | '.join(cells)} |")
            lines.append("")
            lines.append(
                f"{front['explored']} simulations to explore, {front['verified']} to verify; predicted "
                "and simulated differ by at most "
                f"{100 * front['largest gap [share]']:.2f} %."
            )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Do the studies asked for, and write the results of all that have been done."""
    KEPT.mkdir(parents=True, exist_ok=True)
    path = RESULTS / "studies.json"
    done = json.loads(path.read_text())["studies"] if path.exists() else {}
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    for name in sys.argv[1:] or STUDIES:
        done[name] = measure(name)
        result = {
            "date": datetime.now(UTC).date().isoformat(),
            "machine": machine,
            "versions": versions(),
            "studies": {known: done[known] for known in STUDIES if known in done},
        }
        path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
        (RESULTS / "studies.md").write_text(table(result))
    print((RESULTS / "studies.md").read_text())


if __name__ == "__main__":
    main()
