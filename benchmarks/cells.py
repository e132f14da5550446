"""One study on every cell, with nothing changed but the cell's name: the whole chain, and what it finds.

``make bench`` runs it and writes ``benchmarks/results/cells.json`` and ``.md``; some minutes.
"""

import json
import platform
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import electrograd as eg
from electrograd.design.package import versions
from electrograd.study_file import bundled_text, parse_study
from electrograd.tables import FIGURES

RESULTS = Path(__file__).parent / "results"
BPX = Path(__file__).parents[1] / "tests" / "data" / "graphite_nmc_bpx.json"
CELLS = ("Chen2020", "OKane2022", "Ecker2015", "Ai2020", "Mohtat2020", "Prada2013", str(BPX))
SHOWN = (
    "Theoretical energy density [W.h.L-1]",
    "Energy density [W.h.L-1]",
    "Accepted share of nominal capacity",
    "Plating margin [V]",
)


def main() -> None:
    """Run, print, and write the results."""
    results = {}
    for cell in CELLS:
        study = parse_study(bundled_text("any_cell").replace("cell: Chen2020", f"cell: {cell}"))
        began = time.perf_counter()
        with tempfile.TemporaryDirectory() as runs:
            record = eg.run_study(study, runs, eg.Reporter(quiet=True)).record
        figures = {name: record["figures_of_merit"][name] for name in SHOWN}
        results[Path(cell).name] = {
            "seconds": time.perf_counter() - began,
            "limits_met": record["limits_met"],
            "ends": record["sweep"]["ends"],
            "figures": {name: [f["simulated"], f["baseline"]] for name, f in figures.items()},
        }
        print(cell, results[Path(cell).name])
    stated = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "versions": versions(),
        "cells": results,
    }
    shows = [FIGURES[name] for name in SHOWN]
    lines = [
        f"# One study on every cell, {stated['date']}",
        "",
        f"{stated['machine']}. The bundled study `any_cell`, design / published cell, both simulated.",
        "",
        "| cell | " + " | ".join(show.title for show in shows) + " | limits met | s |",
        "|---" * (len(SHOWN) + 3) + "|",
    ]
    for cell, result in results.items():
        pairs = [result["figures"][name] for name in SHOWN]
        told = [
            " / ".join(show.number(v) for v in pair) for show, pair in zip(shows, pairs, strict=True)
        ]
        told += ["yes" if result["limits_met"] else "no", f"{result['seconds']:.0f}"]
        lines.append(f"| `{cell}` | " + " | ".join(told) + " |")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "cells.json").write_text(json.dumps(stated, indent=2) + "\n")
    (RESULTS / "cells.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
