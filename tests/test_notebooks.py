"""The notebooks run, and what a visitor reads is what runs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

SCRIPTS = sorted((ROOT / "notebooks").glob("*.py"))


def code_cells(script: str) -> list[str]:
    """Code cells of a py:percent script."""
    cells = script.split("\n# %%")[1:]
    return [cell.split("\n", 1)[1].strip() for cell in cells if not cell.startswith(" [markdown]")]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_notebook_runs_and_equals_its_script(script: Path, readme_run: tuple[Path, str]) -> None:
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=readme_run[0],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "MPLBACKEND": "Agg"},
    )
    assert done.returncode == 0, done.stderr
    assert "Plating margin [mV]" in done.stdout
    path = script.with_suffix(".ipynb")
    notebook = json.loads(path.read_text())
    shown = ["".join(c["source"]).strip() for c in notebook["cells"] if c["cell_type"] == "code"]
    assert shown == code_cells(script.read_text())
    pictures = sum(
        "image/png" in o.get("data", {}) for c in notebook["cells"] for o in c.get("outputs", [])
    )
    assert pictures == script.read_text().count("plt.show()")
    assert path.stat().st_size < 400_000
