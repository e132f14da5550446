"""The notebooks run, and what a visitor reads is what runs.

Those of the studies take what `make bench` leaves, or many minutes: they are compared, and not run.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import HANGS, ROOT

SCRIPTS = sorted((ROOT / "notebooks").glob("*.py"))


def code_cells(script: str) -> list[str]:
    """Code cells of a py:percent script."""
    cells = script.split("\n# %%")[1:]
    return [cell.split("\n", 1)[1].strip() for cell in cells if not cell.startswith(" [markdown]")]


QUICK = [script for script in SCRIPTS if "runs/benchmark" not in script.read_text()]


@pytest.mark.parametrize("script", QUICK, ids=lambda path: path.stem)
def test_notebook_runs(script: Path, readme_run: tuple[Path, str]) -> None:
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=readme_run[0],
        capture_output=True,
        text=True,
        timeout=HANGS,
        check=False,
        env={**os.environ, "MPLBACKEND": "Agg"},
    )
    assert done.returncode == 0, done.stderr
    assert "Plating margin [mV]" in done.stdout


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_notebook_equals_its_script(script: Path) -> None:
    path, text = script.with_suffix(".ipynb"), script.read_text()
    notebook = json.loads(path.read_text())
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert ["".join(cell["source"]).strip() for cell in cells] == code_cells(text)
    assert not any(o["output_type"] == "error" for cell in cells for o in cell["outputs"])
    pictures = sum("image/png" in o.get("data", {}) for cell in cells for o in cell["outputs"])
    assert pictures == text.count("plt.show()")
    assert path.stat().st_size < 400_000
