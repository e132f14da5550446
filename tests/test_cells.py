"""Six cells run the same study, with nothing changed but the cell's name; a BPX file runs it too."""

import json
from pathlib import Path

import pytest
from conftest import ROOT

import electrograd as eg
from electrograd.study_file import parse_study

BPX = ROOT / "tests" / "data" / "graphite_nmc_bpx.json"
STUDY = """\
name: same_study
cell: {cell}
variables:
  N/P ratio: [1.05, 1.30]
  Positive electrode thickness [m]: [40.0e-6, 80.0e-6]
scenario:
  C-rate: 1.0
goal:
  maximise: Theoretical energy density [W.h.L-1]
  limits:
    Accepted share of nominal capacity: {{at least: 0.6}}
sweep:
  designs: 32
training:
  members: 2
  steps: 200
design:
  starts: 2
sensitivity:
  samples: 16
"""


@pytest.mark.parametrize(
    "cell", ["Chen2020", "OKane2022", "Ecker2015", "Ai2020", "Mohtat2020", "Prada2013", str(BPX)]
)
def test_the_same_study_runs_on_every_cell(cell: str, tmp_path: Path) -> None:
    package = eg.run_study(parse_study(STUDY.format(cell=cell)), tmp_path, eg.Reporter(quiet=True))
    record = json.loads((package.folder / "design.json").read_text())
    assert record["sweep"]["failed"] == 0
    assert record["limits_met"]
    figures = record["figures_of_merit"]
    energy = figures["Theoretical energy density [W.h.L-1]"]
    # The volume of a stack in closed form: what is predicted is what is simulated.
    assert energy["predicted"] == pytest.approx(energy["simulated"], rel=1e-5)
    assert figures["Accepted share of nominal capacity"]["simulated"] >= 0.6
    delivered = figures["Energy density [W.h.L-1]"]["simulated"]
    assert 0.85 * energy["simulated"] < delivered < energy["simulated"]
    assert (package.folder / "report.html").stat().st_size > 10_000
