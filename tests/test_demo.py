"""The whole chain on real simulations: the README's example, run as a script, and what it left."""

import csv
import html
import json
from pathlib import Path

import numpy as np
import pytest
from conftest import electrograd

import electrograd as eg
from electrograd.front_command import act
from electrograd.study_file import bundled_text, parse_study

SHARE = "Accepted share of nominal capacity"
Run = tuple[Path, str]


@pytest.fixture(scope="module")
def package(readme_run: Run) -> Path:
    return readme_run[0] / "runs" / "fast_charge" / "package"


@pytest.fixture(scope="module")
def record(package: Path) -> dict:
    return json.loads((package / "design.json").read_text())


def test_readme_example_is_short_and_prints_the_design(readme_run: Run) -> None:
    lines = (readme_run[0] / "example.py").read_text().splitlines()
    assert len([line for line in lines if line.strip()]) < 15
    assert "{'voltage cut-off': 256}" in readme_run[1]
    assert "Plating margin [mV]" in readme_run[1]


def test_plain_pybamm_repeats_the_charge(package: Path, record: dict) -> None:
    """With only parameter_values.json and what design.json states: no electrograd in it."""
    import pybamm

    stated = record["simulation"]
    values = pybamm.ParameterValues.from_json(str(package / "parameter_values.json"))
    simulated = record["figures_of_merit"]
    potential = "Negative electrode surface potential difference at separator interface [V]"

    def charge(sharper: float = 1.0, **mesh: object) -> tuple[float, float]:
        assert stated["model"] == {"class": "pybamm.lithium_ion.DFN", "options": {}}
        simulation = pybamm.Simulation(
            pybamm.lithium_ion.DFN(),
            parameter_values=values,
            solver=pybamm.IDAKLUSolver(
                rtol=sharper * stated["solver"]["rtol"], atol=sharper * stated["solver"]["atol"]
            ),
            **mesh,
        )
        solution = simulation.solve(stated["time_span_s"])
        assert solution.termination == "event: Maximum voltage [V]"
        assert stated["end"] == "voltage cut-off"
        return solution.t[-1] / 3600 * stated["current_density_A_m2"], solution[potential].entries.min()

    submeshes = {
        domain: getattr(pybamm, name.removeprefix("pybamm."))
        for domain, name in stated["mesh"]["submesh_types"].items()
    }
    mesh = {
        "var_pts": stated["mesh"]["points"],
        "submesh_types": {**pybamm.lithium_ion.DFN().default_submesh_types, **submeshes},
    }
    accepted, margin = charge(**mesh)
    assert accepted == pytest.approx(simulated["Accepted capacity [A.h.m-2]"]["simulated"], rel=1e-5)
    # A microvolt, and what plain PyBaMM's own solver leaves open at the stated tolerance.
    noise = 1e-6 + abs(margin - charge(sharper=1e-2, **mesh)[1])
    assert noise < 3e-6
    assert margin == pytest.approx(simulated["Plating margin [V]"]["simulated"], abs=noise)
    # On PyBaMM's own default mesh, three times coarser, that mesh's error comes on top: 0.11 %.
    accepted, margin = charge()
    assert accepted == pytest.approx(simulated["Accepted capacity [A.h.m-2]"]["simulated"], rel=2e-3)
    assert margin == pytest.approx(simulated["Plating margin [V]"]["simulated"], abs=3e-4)


def test_prediction_meets_simulation(record: dict) -> None:
    figures = record["figures_of_merit"]
    capacity, margin = figures["Accepted capacity [A.h.m-2]"], figures["Plating margin [V]"]
    assert capacity["predicted"] == pytest.approx(capacity["simulated"], rel=0.01)
    assert margin["predicted"] == pytest.approx(margin["simulated"], abs=3e-3)
    for name in ("Theoretical specific energy [W.h.kg-1]", "Nominal areal capacity [A.h.m-2]"):
        assert figures[name]["predicted"] == pytest.approx(figures[name]["simulated"], rel=1e-6)
    errors = record["surrogate"]["accuracy"]["figures"]["Plating margin [V]"]
    assert errors["median"] < 0.5e-3


def test_the_winner_beats_baseline_and_sweep(record: dict) -> None:
    assert record["limits_met"]
    assert all(limit["holds"] for limit in record["constraints"])
    assert not all(limit["baseline_holds"] for limit in record["constraints"])
    energy = record["figures_of_merit"]["Theoretical specific energy [W.h.kg-1]"]
    assert energy["simulated"] > energy["baseline"]
    best = record["best_of_sweep"]["figures_of_merit"]["Theoretical specific energy [W.h.kg-1]"]
    assert energy["simulated"] > best
    assert record["inside_trained_domain"]
    assert not record["baseline"]["inside_box"]
    assert record["schema_version"] == 5
    c3 = record["figures_of_merit"]["Specific energy [W.h.kg-1]"]
    assert c3["baseline"] < c3["simulated"] < energy["simulated"]


def test_curves(package: Path, record: dict) -> None:
    with (package / "curves.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert {(row["electrode"], row["source"]) for row in rows} == {
        ("design", "simulated"),
        ("design", "predicted"),
        ("baseline", "simulated"),
    }
    voltage = {
        source: np.array(
            [
                float(row["Voltage [V]"])
                for row in rows
                if (row["electrode"], row["source"]) == ("design", source)
            ]
        )
        for source in ("simulated", "predicted")
    }
    assert np.sqrt(np.mean((voltage["simulated"] - voltage["predicted"]) ** 2)) < 3e-3
    last = [row for row in rows if (row["electrode"], row["source"]) == ("design", "simulated")][-1]
    simulated = record["figures_of_merit"]["Accepted capacity [A.h.m-2]"]["simulated"]
    assert float(last["Charge passed [A.h.m-2]"]) == pytest.approx(simulated)


def test_sensitivity_and_report(package: Path) -> None:
    indices = json.loads((package / "sensitivity.json").read_text())["indices"]
    energy = indices["Theoretical specific energy [W.h.kg-1]"]
    assert sum(index["first"] for index in energy.values()) == pytest.approx(1, abs=0.1)
    page = (package / "report.html").read_text()
    assert page.count("<svg") == len(list((package / "figures").glob("*.svg"))) == 16
    assert "<h2>Around the design</h2>" in page
    why = json.loads((package / "why.json").read_text())
    for whose in ("design", "baseline"):
        assert why[whose]["process"] == "plating at the separator"
        assert why[whose]["sentence"] in html.unescape(page)
    assert "is about to plate" in why["design"]["sentence"], "it keeps its limit"
    assert "can plate" in why["baseline"]["sentence"]
    along = (package / "sensitivity_along_charge.csv").read_text().splitlines()
    assert len(along) == 1 + 2 * 24 * 4
    assert (package / "figures" / "map.svg").read_text().split("<svg", 1)[1] in page
    for outside in ('src="http', 'href="http', "<script", "@import", "url("):
        assert outside not in page.replace("url(#", "")


def test_every_step_resumes(readme_run: Run, package: Path) -> None:
    folder = readme_run[0]
    before = {
        path: path.stat().st_mtime_ns
        for path in (package / "design.json", package.parent / "surrogate" / "config.json")
    }
    done = electrograd("run", "fast_charge", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "Simulating: 256/256" in done.stderr
    assert "Training: done before" in done.stderr
    assert "Designing: done before" in done.stderr
    assert {path: path.stat().st_mtime_ns for path in before} == before
    silent = electrograd("train", "-q", "fast_charge", cwd=folder)
    assert silent.stderr == ""
    assert "Plating margin: median" in silent.stdout


def test_the_surrogate_leaves_as_one_function(readme_run: Run, record: dict) -> None:
    """`electrograd export`: the file predicts the winner as the package does."""
    from jax import export

    folder = readme_run[0]
    done = electrograd("export", "-q", "fast_charge", "surrogate.jaxexport", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "wrote surrogate.jaxexport\n"
    call = export.deserialize((folder / "surrogate.jaxexport").read_bytes()).call
    design = {
        name: np.array([entry["value"]], np.float32) for name, entry in record["variables"].items()
    }
    found = call(design, np.linspace(0, 1, 5, dtype=np.float32))
    for name in ("Accepted share of nominal capacity", "Plating margin [V]"):
        predicted = record["figures_of_merit"][name]["predicted"]
        assert float(found["figures"][name][0]) == pytest.approx(predicted, abs=1e-5)
    assert found["inside"].all()


def test_a_truncated_result_is_made_again(readme_run: Run, package: Path) -> None:
    """A damaged file: its step runs again."""
    (package / "sensitivity.json").write_text('{"made_from": ')
    done = electrograd("sensitivity", "-q", "fast_charge", cwd=readme_run[0])
    assert done.returncode == 0, done.stderr
    found = json.loads((package / "sensitivity.json").read_text())
    assert set(found) == {"made_from", "indices", "swings", "along the charge", "check"}


def test_gradients_against_resimulation(readme_run: Run) -> None:
    """Accepted share and plating margin along one direction, against central differences of PyBaMM."""
    import jax
    import jax.numpy as jnp

    from electrograd.physics.cell import Cell
    from electrograd.physics.p2d import P2D
    from electrograd.physics.scenario import SolverSettings

    study = eg.load_study("fast_charge")
    surrogate = eg.load_surrogate(readme_run[0] / "runs" / "fast_charge" / "surrogate")
    model = P2D(Cell.load("Chen2020"), study.scenario, SolverSettings(rtol=1e-8, atol=1e-10))
    space = study.space
    width = np.asarray(space.upper) - np.asarray(space.lower)
    slopes = jax.jit(jax.jacfwd(surrogate.figures))
    gaps = []
    for design in space.sobol(4, seed=11):
        truth, learned = [], []
        predicted = slopes(jnp.asarray(design, jnp.float32))
        for k in range(len(space)):
            ends = []
            for sign in (1, -1):
                moved = design.copy()
                moved[k] += sign * 0.01 * width[k]
                record = model.charge(
                    model.cell.parameters(dict(zip(space.names, map(float, moved), strict=True)))
                )
                ends.append((record.accepted / record.nominal, 10 * record.plating_margin))
            truth.append((np.array(ends[0]) - np.array(ends[1])) / 0.02)
            names = ("Accepted share of nominal capacity", "Plating margin [V]")
            learned.append(
                [float(predicted[n][k]) * width[k] * s for n, s in zip(names, (1, 10), strict=True)]
            )
        gaps.append(np.linalg.norm(np.array(learned) - truth) / np.linalg.norm(truth))
    assert np.median(gaps) < 0.05


def test_packages_share_what_they_learn_alike_and_are_compared(readme_run: Run) -> None:
    text = f"""{bundled_text("fast_charge")}
packages:
  hungry:
    goal:
      limits:
        Accepted share of nominal capacity: {{at least: 0.70}}
"""
    runs, study = readme_run[0] / "runs", parse_study(text)
    made = eg.run_packages(study, runs, eg.Reporter(quiet=True))
    assert [one.name for one in made] == ["fast_charge", "hungry"]
    assert not (runs / "fast_charge-hungry" / "sweep.zarr").exists()
    assert not (runs / "fast_charge-hungry" / "surrogate").exists()
    energy = "Theoretical specific energy [W.h.kg-1]"
    overview = json.loads((runs / "fast_charge" / "overview.json").read_text())
    first, second = (overview["packages"][one.name] for one in made)
    assert second["figures_of_merit"][energy] > first["figures_of_merit"][energy] + 1
    assert second["figures_of_merit"][SHARE] >= 0.70
    assert overview["best"] == "hungry"
    page = (runs / "fast_charge" / "overview.html").read_text()
    assert page.count("<svg") == 2
    for one in overview["packages"].values():
        assert (runs / "fast_charge" / one["folder"] / "report.html").exists()
        assert f'href="{one["folder"]}/report.html"' in page


def test_the_front_trades_one_figure_for_the_other_and_is_verified(readme_run: Run) -> None:
    text = f"{bundled_text('fast_charge')}\nfront:\n  maximise: {SHARE}\n  points: 3\n"
    run = eg.StudyRun(parse_study(text), readme_run[0] / "runs", eg.Reporter(quiet=True))
    act(run)
    folder = run.folder / "front"
    points = json.loads((folder / "front.json").read_text())["points"]
    share, energy, margin = (
        np.array([[point[whose][name] for whose in ("simulated", "predicted")] for point in points])
        for name in (SHARE, "Theoretical specific energy [W.h.kg-1]", "Plating margin [V]")
    )
    assert len(points) == 3
    assert np.all(np.diff(share[:, 0]) > 0.01)
    assert np.all(np.diff(energy[:, 0]) < -0.1)
    assert np.all(margin[:, 0] >= 0)
    assert np.all(share[:, 0] >= 0.72)
    # The last level lies in a corner of the box, where the surrogate knows that it knows less.
    places = [[point["design"][name] for name in run.study.space.names] for point in points]
    widths = run.surrogate.half_widths(np.array(places))
    assert np.all(np.abs(share[:, 1] - share[:, 0]) < 2 * widths[SHARE])
    assert np.all(np.abs(margin[:, 1] - margin[:, 0]) < 2 * widths["Plating margin [V]"])
    np.testing.assert_allclose(share[:2, 1], share[:2, 0], rtol=5e-3)
    np.testing.assert_allclose(margin[:2, 1], margin[:2, 0], atol=2e-3)
    assert (folder / "front.png").stat().st_size > 5000
    before = (folder / "front.json").stat().st_mtime_ns
    assert len(act(run)["points"]) == 3
    assert (folder / "front.json").stat().st_mtime_ns == before, "what is there is taken"
