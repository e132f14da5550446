"""Cells from files as people have them: BPX in its variants, and PyBaMM parameter sets as JSON."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from electrograd.physics.cell import Cell
from electrograd.physics.cell_data import load_parameter_values
from electrograd.physics.cell_file import read_cell_file
from electrograd.physics.errors import InputError
from electrograd.physics.plain import plain_parameter_values
from electrograd.physics.scenario import Scenario
from electrograd.physics.stack import nominal_capacity
from electrograd.physics.structure import Structure
from electrograd.physics.validity import warnings_for
from electrograd.study_file import load_study
from electrograd.sweeps.worker import Charging, Job

BPX = Path(__file__).parent / "data" / "graphite_nmc_bpx.json"
NEG, POS, ENTROPIC = "Negative electrode", "Positive electrode", "Entropic change coefficient [V.K-1]"


def pouch(version: object = 0.1) -> dict[str, Any]:
    """A cell of our own numbers in the structure of the standard's first examples, BPX 0.1."""
    electrolyte = {
        "Initial concentration [mol.m-3]": 1100,
        "Cation transference number": 0.27,
        "Conductivity [S.m-1]": "0.12 * (x / 1000) ** 3 - 2.4 * (x / 1000) ** 1.5 + 3.2 * (x / 1000)",
        "Diffusivity [m2.s-1]": "9e-11 * (x / 1000) ** 2 - 4e-10 * (x / 1000) + 5e-10",
        "Conductivity activation energy [J.mol-1]": 16000,
        "Diffusivity activation energy [J.mol-1]": 16000,
    }
    negative = {
        "Particle radius [m]": 4.5e-06,
        "Thickness [m]": 5.8e-05,
        "Diffusivity [m2.s-1]": 2.5e-14,
        "OCP [V]": "0.13 + 0.9 * exp(-25 * x) - 0.06 * tanh(9 * (x - 0.5)) - 0.02 * tanh(20 * x - 3)",
        ENTROPIC: "(-0.1 * x + 0.03 + 0.35 * exp(-((x - 0.08) ** 2) / 0.005)) / 1000",
        "Conductivity [S.m-1]": 0.25,
        "Surface area per unit volume [m-1]": 480000,
        "Porosity": 0.26,
        "Transport efficiency": 0.13,
        "Reaction rate constant [mol.m-2.s-1]": 5e-06,
        "Minimum stoichiometry": 0.006,
        "Maximum stoichiometry": 0.76,
        "Maximum concentration [mol.m-3]": 29500,
        "Diffusivity activation energy [J.mol-1]": 30000,
        "Reaction rate constant activation energy [J.mol-1]": 50000,
    }
    positive = negative | {
        "Thickness [m]": 5.2e-05,
        "OCP [V]": "4.35 - 0.75 * x - 0.06 * tanh(12 * (x - 0.45)) - 0.5 * exp(30 * (x - 1.0))",
        ENTROPIC: -1e-4,
        "Surface area per unit volume [m-1]": 430000,
        "Minimum stoichiometry": 0.42,
        "Maximum stoichiometry": 0.96,
        "Maximum concentration [mol.m-3]": 46000,
    }
    cell = {
        "Initial temperature [K]": 298.15,
        "Reference temperature [K]": 298.15,
        "Lower voltage cut-off [V]": 2.7,
        "Upper voltage cut-off [V]": 4.2,
        "Nominal cell capacity [A.h]": 12,
        "Specific heat capacity [J.K-1.kg-1]": 950,
        "Thermal conductivity [W.m-1.K-1]": 2.0,
        "Density [kg.m-3]": 1900,
        "Electrode area [m2]": 0.017,
        "Number of electrode pairs connected in parallel to make a cell": 30,
        "External surface area [m2]": 0.038,
        "Volume [m3]": 0.00012,
    }
    measured = {"Time [s]": [0, 100], "Current [A]": [-12, -12], "Voltage [V]": [4.1, 4.0]}
    return {
        "Header": {"BPX": version, "Title": "own pouch cell", "Model": "DFN"},
        "Parameterisation": {
            "Cell": cell,
            "Electrolyte": electrolyte,
            NEG: negative,
            POS: positive,
            "Separator": {"Thickness [m]": 2e-05, "Porosity": 0.46, "Transport efficiency": 0.31},
        },
        "Validation": {"1C discharge": measured},
    }


def tabulated() -> dict[str, Any]:
    """A cell in the structure of sets converted from PyBaMM: tables, entropic coefficients of 0."""
    data = pouch("1.1.0")
    parameters = data["Parameterisation"]
    for name in ("Initial temperature [K]", "Thermal conductivity [W.m-1.K-1]"):
        del parameters["Cell"][name]
    del parameters["Electrolyte"]["Initial concentration [mol.m-3]"]
    parameters["Electrolyte"]["Conductivity [S.m-1]"] = {"x": [200, 1000, 2000], "y": [0.4, 0.95, 0.6]}
    parameters[NEG] |= {"OCP [V]": {"x": [0.005, 0.1, 0.5, 0.995], "y": [1.9, 0.25, 0.12, 0.05]}}
    parameters[POS] |= {"OCP [V]": {"x": [0.2, 0.6, 0.995], "y": [4.4, 3.8, 3.4]}, ENTROPIC: 0.0}
    parameters[NEG][ENTROPIC] = 0.0
    data["State"] = {
        "Initial conditions": {
            "Initial temperature [K]": 298.15,
            "Initial state-of-charge": 1.0,
            "Initial electrolyte concentration [mol.m-3]": 1000.0,
        }
    }
    return data


def bare() -> dict[str, Any]:
    """A cell in the structure of PyBaMM's own example: no heat, entropic coefficients of 0."""
    data = pouch()
    parameters = data["Parameterisation"]
    for section in (NEG, POS, "Electrolyte"):
        for name in [name for name in parameters[section] if "activation" in name]:
            del parameters[section][name]
    parameters[NEG][ENTROPIC] = parameters[POS][ENTROPIC] = 0
    parameters["Cell"]["Ambient temperature [K]"] = 298.15
    for name in ("Specific heat capacity [J.K-1.kg-1]", "Density [kg.m-3]"):
        del parameters["Cell"][name]
    del parameters["Cell"]["Thermal conductivity [W.m-1.K-1]"], data["Validation"]
    return data


def written(data: object, folder: Path, name: str = "cell.json") -> Path:
    path = folder / name
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return path


def changed(data: dict[str, Any], change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    data = copy.deepcopy(data)
    change(data["Parameterisation"])
    return data


@pytest.mark.parametrize("data", [pouch(), pouch("0.4.0"), bare(), tabulated()])
def test_public_examples_of_every_structure_are_read_and_charged(data: dict, tmp_path: Path) -> None:
    path = written(data, tmp_path)
    assert read_cell_file(path).notes == ()
    cell = Cell.load(path)
    scenario = Scenario(0.5).of(cell)
    from electrograd.physics.scenario import SolverSettings

    record = Charging(Job(cell, scenario, SolverSettings(), 60.0))({})
    assert record.end.completed
    assert record.accepted > 0.5 * record.nominal


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (0, 0.0),
        (0.0, 0.0),
        (-2e-4, -2e-4),
        (3e-5, 3e-5),
        ("-1e-4", -1e-4),
        ("-0.0001 + 0*x", -1e-4),
        ("0.0002 * (x - 0.5) - 1e-4", -1e-4),
        ({"x": [0, 1], "y": [-3e-4, 1e-4]}, -1e-4),
        (None, 0.0),
    ],
)
def test_entropic_coefficients_are_of_any_sign_and_form(
    said: object, expected: float, tmp_path: Path
) -> None:
    from electrograd.physics.pybamm_import import pybamm
    from electrograd.physics.windows import evaluated

    path = written(changed(pouch(), lambda p: p[NEG].update({ENTROPIC: said})), tmp_path)
    values = load_parameter_values(path)
    negative = pybamm.LithiumIonParameters().n.prim
    half = evaluated(values, negative.dUdT(pybamm.Scalar(0.5)))
    assert half == pytest.approx(expected, abs=1e-12)


def _own(**fields: object) -> Callable[[dict[str, Any]], Any]:
    return lambda p: p.update({"User-defined": fields})


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (
            lambda p: p["Cell"].update({"Manufacturer": "ACME"}),
            "'Cell' that BPX does not know are ignored: 'Man",
        ),
        (
            lambda p: p[NEG].update({"Binder [wt %]": 3, "Batch": None}),
            "are ignored: 'Binder [wt %]', 'Batch'",
        ),
        (lambda p: p[POS].update({"Thickness [um]": 52}), "are ignored: 'Thickness [um]'"),
        (
            lambda p: p.update({"Current collectors": {"Thickness [m]": 1e-5}}),
            "ignored in 'Parameterisation'",
        ),
        (
            _own(Supplier="ACME GmbH", Notes={"by": "A. B."}, Share=0.08),
            "no number are ignored: 'Supplier', 'Notes'",
        ),
        (_own(Script="__import__('os').system('true')"), "no number are ignored: 'Script'"),
        (
            lambda p: p[NEG].update(
                {"OCP (lithiation) [V]": "0.1", "OCP hysteresis decay constant": 0.01}
            ),
            "Hysteresis of the negative electrode is ignored ('OCP (lithiation) [V]', 'OCP hyst",
        ),
        (
            lambda p: p[POS].update({"Surface area per unit volume [m-1]": 493333.7}),
            "pores and active material sum to 1.0000005, from rounding; 0.74 of",
        ),
        (lambda p: p[NEG].update({"Surface area per unit volume [m-1]": 493900}), "sum to 1.0008"),
    ],
)
def test_what_is_ignored_is_read_and_said(change: Callable, note: str, tmp_path: Path) -> None:
    path = written(changed(pouch(), change), tmp_path)
    assert load_parameter_values(path)["Electrode height [m]"] > 0
    assert any(note in said for said in warnings_for(path, 1.0, 298.15)), read_cell_file(path).notes


def test_a_rounded_sum_is_not_a_wrong_one(tmp_path: Path) -> None:
    wrong = changed(pouch(), lambda p: p[NEG].update({"Surface area per unit volume [m-1]": 494500}))
    with pytest.raises(InputError, match=r"must not sum to more than 1; received: 0.26 \+ 0.74"):
        load_parameter_values(written(wrong, tmp_path))


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("1.1.0", ""),
        ("1.0", ""),
        (1.0, ""),
        (1, ""),
        ("1.2.0", "newer than 1.1"),
        ("2.0.0", "version 2.0.0"),
    ],
)
def test_versions(version: object, said: str, tmp_path: Path) -> None:
    data = tabulated()
    data["Header"]["BPX"] = version
    path = written(data, tmp_path)
    load_parameter_values(path)
    notes = read_cell_file(path).notes
    assert bool(notes) == bool(said)
    assert said in "".join(notes)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_passed_over(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "cell.json"
    path.write_bytes(json.dumps(pouch()).encode(encoding))
    assert load_parameter_values(path)["Separator porosity"] == 0.46


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "(x/1000)^0.5",
            r"a power is written \*\*; received: '\(x/1000\)\^0.5'; nearest valid: \(x/1000\)\*\*0.5",
        ),
        ("sqrt(x)", r"received: sqrt\(x\); nearest valid: \(x\)\*\*0.5"),
        ("2 * sto", "received: sto; nearest valid: x"),
        ("x if x else 1", "received: x if x else 1"),
        ("x < 1", "received: x < 1"),
        ("exp(tanh)", "received: tanh"),
        ("(" * 60 + "x" + ")" * 60, "30 brackets within one another"),
        ("1000000**(1000000*1000000)", "must be defined over"),
    ],
)
def test_what_is_no_expression_is_named(text: str, message: str, tmp_path: Path) -> None:
    path = written(changed(pouch(), lambda p: p[NEG].update({"OCP [V]": text})), tmp_path)
    with pytest.raises(InputError, match=message):
        load_parameter_values(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda p: p[NEG].update({"Difusivity activation energy [J.mol-1]": 1}),
            "nearest valid: Diffusivity act",
        ),
        (
            lambda p: p["Cell"].update({"Density [g.cm-3]": p["Cell"].pop("Density [kg.m-3]")}),
            "Density .kg.m-3",
        ),
        (
            lambda p: p.update({"Negative Electrode": p.pop(NEG)}),
            "section 'Negative electrode'; received: Neg",
        ),
        (lambda p: p[NEG].update({"Porosity": 26}), "nearest valid: 0.26"),
        (
            _own(**{"Negative electrode density [kg.m-3]": "x"}),
            "must be a number, the same at every place",
        ),
    ],
)
def test_slips_in_a_bpx_file_are_named(change: Callable, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        load_parameter_values(written(changed(pouch(), change), tmp_path))


DESIGN = {
    "Negative electrode porosity": 0.35,
    "Positive electrode porosity": 0.3,
    "Positive electrode thickness [m]": 60e-6,
    "N/P ratio": 1.1,
}


@pytest.mark.parametrize("source", ["Chen2020", "ORegan2022", str(BPX)])
def test_a_packages_parameter_set_is_the_cell_of_its_design(source: str, tmp_path: Path) -> None:
    cell = Cell.load(source)
    parameters = cell.parameters(DESIGN)
    plain = plain_parameter_values(cell, Scenario(1.0), parameters, 2.4, 20)
    again = Cell.load(written(plain.to_json(), tmp_path, "parameter_values.json"))
    for side in ("negative", "positive"):
        ours, theirs = getattr(cell, side), getattr(again, side)
        assert (ours.empty, ours.full) == (theirs.empty, theirs.full)
        assert ours.solids_density == pytest.approx(theirs.solids_density)
        assert ours.active_share == pytest.approx(theirs.active_share)
    capacity = nominal_capacity(again, again.parameters({}))
    assert float(capacity) == pytest.approx(float(nominal_capacity(cell, parameters)))
    assert again.lower_voltage == cell.lower_voltage


@pytest.mark.parametrize("source", ["Ecker2015", "Ai2020"])
def test_a_parameter_set_as_pybamm_writes_it_is_the_set(source: str, tmp_path: Path) -> None:
    """Its functions give the same values, its window is the balance that the table is rounded from."""
    from electrograd.physics.pybamm_import import pybamm
    from electrograd.physics.windows import evaluated

    values = pybamm.ParameterValues(source)
    path = written(values.to_json(), tmp_path)
    again, cell, own = load_parameter_values(path), Cell.load(path), Cell.load(source)
    for side in ("negative", "positive"):
        assert getattr(cell, side).empty == pytest.approx(getattr(own, side).empty, abs=2e-3)
        assert getattr(cell, side).full == pytest.approx(getattr(own, side).full, abs=2e-3)
    p, warm = pybamm.LithiumIonParameters(), pybamm.Scalar(310.0)
    for symbol in (
        p.n.prim.U(pybamm.Scalar(0.4), warm),
        p.p.prim.D(0.6 * p.p.prim.c_max, warm),
        p.n.prim.j0(p.c_e_init, 0.3 * p.n.prim.c_max, warm),
        p.kappa_e(p.c_e_init, warm),
    ):
        assert evaluated(again, symbol) == pytest.approx(evaluated(values, symbol), rel=1e-12)
    said = [note for note in warnings_for(path, 1.0, 298.15) if "energies per mass are too low" in note]
    assert len(said) == (source == "Ai2020")  # PyBaMM's own densities; Ecker2015's are of wet layers
    factor = "Negative particle diffusivity factor"
    scaled = cell.with_factors([factor])
    plain = plain_parameter_values(scaled, Scenario(1.0), scaled.parameters({factor: 2.0}), 3.0, 20)
    symbol = p.n.prim.D(0.6 * p.n.prim.c_max, warm)
    assert evaluated(plain, symbol) == pytest.approx(2 * evaluated(values, symbol), rel=1e-12)


def test_a_study_takes_the_file_beside_it(tmp_path: Path) -> None:
    cell = Cell.load("Chen2020")
    plain = plain_parameter_values(cell, Scenario(1.0), cell.parameters(DESIGN), 2.4, 20)
    written(plain.to_json(), tmp_path, "parameter_values.json")
    text = "name: again\ncell: parameter_values.json\nvariables:\n  N/P ratio: [1.05, 1.30]\n"
    path = written(f"{text}scenario:\n  C-rate: 1.0\n", tmp_path, "study.yaml")
    study = load_study(path)
    assert study.loaded_cell.name == "parameter_values.json"
    told = warnings_for(study.cell, 1.0, 298.15)
    assert told[0].startswith("parameter_values.json: Its lower voltage cut-off is 0 V; 2.5 V is taken")


def _operation(kind: str, *children: object, **fields: object) -> dict[str, Any]:
    return {"$type": kind, "children": list(children), **fields}


def _of_one(body: object) -> dict[str, Any]:
    kind = "pybamm.expression_tree.operations.serialise.ExpressionFunctionParameter"
    return _operation(kind, body, name="OCP", func_name="ocp", func_args=["sto"])


STO = {"$type": "pybamm.expression_tree.parameter.Parameter", "name": "sto"}
DEEP: Any = STO
for _ in range(400):
    DEEP = _operation("pybamm.expression_tree.unary_operators.Negate", DEEP)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            _of_one(_operation("subprocess.Popen", "true")),
            "made of these alone: .*received: subprocess.Popen",
        ),
        ({"$type": "type", "class": "os.system"}, "made of these alone"),
        ({"py/object": "os.system", "py/id": 1}, "made of these alone"),
        (_of_one(_operation("pybamm.Simulation", STO)), "received: Simulation"),
        (_of_one({"type": "Time"}), "received: Time"),
        (
            _of_one(_operation("Power", 9.0, _operation("Power", 9.0, 999.0))),
            "must be one that can be evaluated",
        ),
        (_of_one({"type": "Parameter", "name": "somewhere"}), "of parameters that the file has"),
        (_of_one(_operation("Addition", STO)), "must have its arguments"),
        (_of_one(DEEP), "100 operations deep|must not be so deep"),
        (_of_one({"$type": "Scalar", "value": "1"}), "must be a finite number"),
        (_of_one(_operation("Interpolant", STO, x=[[0, 1]], y=[1])), "as many numbers x as y"),
        (_of_one(_operation("Interpolant", STO, x=[[1, 0]], y=[1, 2])), "must ascend"),
        ({"x": [0, 1]}, "must be a tree of operations"),
        ("[input]", "without 'Negative electrode OCP"),
        ("nan", "without 'Negative electrode OCP"),
        (10**400, "must be a finite number"),
    ],
)
def test_a_strangers_parameter_set_runs_nothing(value: object, message: str, tmp_path: Path) -> None:
    from electrograd.physics.pybamm_import import pybamm

    data = pybamm.ParameterValues("Chen2020").to_json() | {"Negative electrode OCP [V]": value}
    with pytest.raises(InputError, match=message) as caught:
        load_parameter_values(written(data, tmp_path))
    assert len(str(caught.value)) < 700


def test_other_parameter_sets_and_files_are_refused_and_why(tmp_path: Path) -> None:
    from electrograd.physics.pybamm_import import pybamm

    half = pybamm.ParameterValues("Xu2019").to_json()
    with pytest.raises(InputError, match="half-cell"):
        load_parameter_values(written(half, tmp_path))
    names = ["Negative electrode porosity of layer 1", "Negative electrode porosity of layer 2"]
    graded = Cell.load("Chen2020", Structure.of(names))
    parameters = graded.parameters(dict(zip(names, (0.3, 0.4), strict=True)))
    plain = plain_parameter_values(graded, Scenario(1.0), parameters, 3.0, 20).to_json()
    with pytest.raises(
        InputError, match="'Negative electrode porosity' must be a number, the same at every"
    ):
        load_parameter_values(written(plain, tmp_path, "parameter_values.json"))
    record = written({"figures_of_merit": {}, "design": {}}, tmp_path, "design.json")
    with pytest.raises(InputError, match=r"must be BPX, .* nearest valid: .*parameter_values.json"):
        load_parameter_values(record)
    with pytest.raises(InputError, match=r"must be readable; .* nearest valid: .*parameter_values.json"):
        load_parameter_values(tmp_path)
