import copy
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from electrograd.physics.cell import Cell
from electrograd.physics.cell_data import load_parameter_values, solids_density
from electrograd.physics.cell_tables import (
    COMMON,
    DENSITIES,
    SUPPLEMENT,
    TRUE_DENSITY,
    VALIDITY,
    WINDOWS,
)
from electrograd.physics.errors import InputError
from electrograd.physics.validity import frozen_transport, warnings_for
from electrograd.physics.variables import SIDES
from electrograd.physics.windows import number, open_circuit_voltage, stoichiometry_windows

SIX = ("Chen2020", "OKane2022", "Ecker2015", "Ai2020", "Mohtat2020", "Prada2013")
BPX = Path(__file__).parent / "data" / "graphite_nmc_bpx.json"
EVERY = [*WINDOWS, str(BPX)]


def full_capacity(values: Any, side: str) -> float:
    """Areal capacity from stoichiometry 0 to 1 [A.h.m-2]."""
    title = side.capitalize()
    layer = values[f"{title} electrode thickness [m]"]
    active = values[f"{title} electrode active material volume fraction"]
    return (
        96485.33212
        * layer
        * active
        * values[f"Maximum concentration in {side} electrode [mol.m-3]"]
        / 3600
    )


def usable(source: str, values: Any) -> dict[str, float]:
    windows = stoichiometry_windows(source, values)
    return {s: full_capacity(values, s) * abs(windows[s][1] - windows[s][0]) for s in SIDES}


def charge(source: str, options: dict[str, str] | None = None) -> tuple[float, float, float, str, Any]:
    """Plain PyBaMM's 1C charge from empty: accepted share, first voltage, margin, end, solution."""
    from electrograd.physics.pybamm_import import pybamm

    values = load_parameter_values(source)
    windows = stoichiometry_windows(source, values)
    nominal = min(usable(source, values).values())
    area = values["Electrode height [m]"] * values["Electrode width [m]"]
    pairs = values["Number of electrodes connected in parallel to make a cell"]
    values.update({"Current function [A]": -nominal * area * pairs, "Lower voltage cut-off [V]": 0.0})
    for side in SIDES:
        maximum = values[f"Maximum concentration in {side} electrode [mol.m-3]"]
        start = windows[side][0] * maximum
        values.update({f"Initial concentration in {side} electrode [mol.m-3]": start})
    simulation = pybamm.Simulation(
        pybamm.lithium_ion.DFN(options or {}),
        parameter_values=values,
        solver=pybamm.IDAKLUSolver(rtol=1e-6, atol=1e-8),
    )
    solution = simulation.solve([0, 1.1 * 3600])
    face = "Negative electrode surface potential difference at separator interface [V]"
    return (
        float(solution.t[-1] / 3600),
        float(solution["Voltage [V]"].entries[0]),
        float(solution[face].entries.min()),
        solution.termination,
        solution,
    )


# Accepted share of the nominal capacity and plating margin [mV] at 1C, plain PyBaMM on its default mesh.
CHARGES = {
    "Chen2020": (0.7598, -30.8),
    "OKane2022": (0.6789, -17.2),
    "Ecker2015": (0.8531, -53.1),
    "Ai2020": (0.8347, -3.2),
    "Mohtat2020": (0.9265, 54.7),
    "Prada2013": (0.9881, -3.1),
}


@pytest.mark.parametrize("name", SIX)
def test_a_1c_charge_runs_from_empty_to_the_upper_cut_off(name: str) -> None:
    """Reference values; `python tests/test_cell_data.py` prints them anew."""
    accepted, first, margin, end, _ = charge(name)
    values = load_parameter_values(name)
    assert end == "event: Maximum voltage [V]"
    assert values["Lower voltage cut-off [V]"] < first < values["Upper voltage cut-off [V]"]
    assert accepted == pytest.approx(CHARGES[name][0], abs=2e-4)
    assert margin * 1e3 == pytest.approx(CHARGES[name][1], abs=0.2)


def test_a_bpx_file_is_the_cell_it_describes() -> None:
    """The example holds Chen2020's published numbers: PyBaMM's own set must charge alike."""
    ours, theirs = charge(str(BPX)), charge("Chen2020")
    assert ours[0] == pytest.approx(theirs[0], rel=1e-5)
    assert ours[2] == pytest.approx(theirs[2], abs=1e-6)
    from electrograd.physics.pybamm_import import pybamm

    volumetric = pybamm.thermal_parameters.rho_c_p_eff(pybamm.Scalar(298.15))
    kept = load_parameter_values(BPX).evaluate(volumetric)
    assert float(kept) == pytest.approx(2500.0 * 900.0)  # the file's, whatever the layers' densities


@pytest.mark.parametrize("source", ["Prada2013", str(BPX)])
def test_what_was_lacking_is_enough_for_heat(source: str) -> None:
    temperature = charge(source, {"thermal": "lumped"})[4][
        "Volume-averaged cell temperature [K]"
    ].entries
    assert 0.5 < temperature.max() - temperature[0] < 20


@pytest.mark.parametrize("source", EVERY)
def test_the_data_is_plausible(source: str) -> None:
    values = load_parameter_values(source)
    for title in ("Negative", "Positive"):
        pores = values[f"{title} electrode porosity"]
        assert pores + values[f"{title} electrode active material volume fraction"] <= 1 + 1e-9
    assert 1800 < solids_density(values, "negative") < 2400  # graphite and binder
    phosphate = source == "Prada2013"
    assert (
        (2800 if phosphate else 3500)
        < solids_density(values, "positive")
        < (3600 if phosphate else 5000)
    )
    assert 350 < number(values, "Separator density [kg.m-3]") < 1000  # dry
    for title, density in (("Negative", 8960), ("Positive", 2700)):
        assert number(values, f"{title} current collector density [kg.m-3]") == pytest.approx(
            density, rel=0.01
        )
        assert 5e-6 < number(values, f"{title} current collector thickness [m]") < 30e-6
    layers = ["Negative electrode", "Positive electrode", "Separator"]
    layers += ["Negative current collector", "Positive current collector"]
    for layer in layers:
        heat = number(values, f"{layer} specific heat capacity [J.kg-1.K-1]")
        volumetric = heat * number(values, f"{layer} density [kg.m-3]")
        assert 2e5 < volumetric < 5e6  # foam and copper are 0.3 and 3.4 MJ/m³/K
    assert 0 < number(values, "Total heat transfer coefficient [W.m-2.K-1]") < 100
    assert 1e-3 < number(values, "Cell cooling surface area [m2]") < 1
    assert 1e-6 < number(values, "Cell volume [m3]") < 1e-4
    assert 290 < number(values, "Ambient temperature [K]") < 300


@pytest.mark.parametrize("source", EVERY)
def test_windows_keep_within_the_voltage_limits(source: str) -> None:
    values = load_parameter_values(source)
    windows = stoichiometry_windows(source, values)
    empty, full = (
        open_circuit_voltage(values, windows["negative"][i], windows["positive"][i]) for i in (0, 1)
    )
    low, high = values["Lower voltage cut-off [V]"], values["Upper voltage cut-off [V]"]
    assert low <= empty < full <= high
    if source not in ("Chen2020", str(BPX), "ORegan2022"):  # rounded from the balance, so close inside
        assert empty - low < 0.045
        assert high - full < 0.015
    assert windows["negative"][0] < windows["negative"][1]
    assert windows["positive"][0] > windows["positive"][1]


@pytest.mark.parametrize("source", EVERY)
def test_ratio_of_the_baseline(source: str) -> None:
    """Balance windows hold the same charge by their meaning; Chen2020's are rounded unevenly (0.92)."""
    capacity = usable(source, load_parameter_values(source))
    ratio = capacity["negative"] / capacity["positive"]
    if source in ("Chen2020", str(BPX)):
        assert ratio == pytest.approx(0.9216, abs=1e-4)
    else:
        assert 1.0 <= ratio < 1.005


def test_windows_are_the_balance_of_the_set() -> None:
    """The table against PyBaMM's electrode balance, which it was rounded from; also without a table."""
    from electrograd.physics.pybamm_import import pybamm

    for name in set(WINDOWS) - {"Chen2020", "ORegan2022"}:
        values = load_parameter_values(name)
        x0, x100, y100, y0 = pybamm.lithium_ion.get_min_max_stoichiometries(values)
        table = WINDOWS[name]
        balance = {"negative": (x0, x100), "positive": (y0, y100)}
        for side in SIDES:
            np.testing.assert_allclose(table[side], balance[side], atol=2.5e-3)
            low, high = sorted(balance[side])
            assert low <= min(table[side]) < max(table[side]) <= high
        computed = stoichiometry_windows("somebody's set", values)
        assert computed["positive"] == pytest.approx((float(y0), float(y100)))


def test_every_number_of_the_tables_has_a_source() -> None:
    entries = [*TRUE_DENSITY.values(), *COMMON.values()]
    entries += [
        entry for table in (*SUPPLEMENT.values(), *DENSITIES.values()) for entry in table.values()
    ]
    assert all(isinstance(entry, str) or len(entry.source) > 4 for entry in entries)
    assert set(VALIDITY) == set(WINDOWS)


@pytest.mark.parametrize(
    ("material", "mass", "volume", "formulas"),
    [  # g/mol, Å³ of the unit cell, formula units in it
        ("graphite", 12.011, math.sqrt(3) / 2 * 2.464**2 * 6.711, 4),
        ("LCO", 97.87, math.sqrt(3) / 2 * 2.816**2 * 14.05, 3),
        ("NMC532", 96.55, math.sqrt(3) / 2 * 2.868**2 * 14.23, 3),
        ("NCA", 96.08, math.sqrt(3) / 2 * 2.864**2 * 14.18, 3),
        ("NCO", 97.78, math.sqrt(3) / 2 * 2.84**2 * 14.12, 3),
        ("LFP", 157.76, 10.33 * 6.01 * 4.69, 4),
        ("lithium titanate", 459.1, 8.359**3, 8 / 3),
    ],
)
def test_true_densities_follow_from_unit_cells(
    material: str, mass: float, volume: float, formulas: float
) -> None:
    density = formulas * mass / 0.602214 / volume * 1e3
    assert TRUE_DENSITY[material].value == pytest.approx(density, rel=3e-3)


@pytest.mark.parametrize("name", ["Ecker2015", "Ai2020", "Mohtat2020", "ORegan2022", "NCA_Kim2011"])
def test_corrected_densities_keep_the_heat_capacity(name: str) -> None:
    """A design's mass changes, PyBaMM's thermal model does not."""
    from electrograd.physics.pybamm_import import pybamm

    volumetric = pybamm.thermal_parameters.rho_c_p_eff(pybamm.Scalar(310.0))
    ours = float(load_parameter_values(name).evaluate(volumetric))
    assert ours == pytest.approx(float(pybamm.ParameterValues(name).evaluate(volumetric)), rel=1e-12)


def test_what_is_not_corrected_is_pybamms_own() -> None:
    from electrograd.physics.pybamm_import import pybamm

    for name in ("Chen2020", "OKane2022"):
        ours, theirs = load_parameter_values(name), pybamm.ParameterValues(name)
        assert set(ours.keys()) >= set(theirs.keys())
        assert all(ours[k] == theirs[k] for k in theirs.keys())  # noqa: SIM118


def test_overrides_win() -> None:
    thickness, density = (
        "Negative current collector thickness [m]",
        "Negative electrode density [kg.m-3]",
    )
    heat = "Negative electrode specific heat capacity [J.kg-1.K-1]"
    values = load_parameter_values("Prada2013", {thickness: 8e-6, density: 1300.0})
    assert (values[thickness], values[density], values[heat]) == (8e-6, 1300.0, 1100.0)
    values = load_parameter_values("Ai2020", {heat: 800.0})
    assert values[heat] == 800.0
    denser = load_parameter_values("Prada2013", {"Negative electrode porosity": 0.42})
    assert denser[density] == pytest.approx(0.58 * 2260.0)  # no room left for the binder
    with pytest.raises(InputError, match="nearest valid: Negative current collector thickness"):
        load_parameter_values("Prada2013", {"Negative current colector thickness [m]": 8e-6})
    with pytest.raises(InputError, match="must not sum to more than 1"):
        load_parameter_values("Chen2020", {"Negative electrode porosity": 0.3})


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Chen2020_composite", "composite"),
        ("Bonkile2024", "composite"),
        ("Xu2019", "half-cell"),
        ("Ecker2015_graphite_halfcell", "half-cell"),
        ("OKane2022_graphite_SiOx_halfcell", "half-cell"),
        ("Sulzer2019", "lead_acid"),
        ("Chayambuka2022", "sodium_ion"),
        ("ECM_Example", "ecm"),
        ("MSMR_Example", "MSMR"),
        ("Chen202", "nearest valid: Chen2020"),
        ("nowhere/cell.json", "nowhere/cell.json: the cell's file must be readable"),
    ],
)
def test_other_sets_are_refused_and_why(name: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        load_parameter_values(name)


def test_every_set_of_pybamm_loads_or_is_refused() -> None:
    from electrograd.physics.pybamm_import import pybamm

    loaded = set()
    for name in pybamm.parameter_sets:
        try:
            load_parameter_values(name)
        except InputError:
            continue
        loaded.add(name)
    assert loaded >= set(WINDOWS)


def test_transport_that_does_not_depend_on_temperature_is_found() -> None:
    transport = [
        "negative solid diffusivity",
        "positive solid diffusivity",
        "electrolyte diffusivity",
        "electrolyte conductivity",
    ]
    for name in WINDOWS:
        expected = transport if name in ("Chen2020", "Prada2013") else []
        assert frozen_transport(load_parameter_values(name)) == expected


def test_warnings() -> None:
    assert warnings_for("Chen2020", -1.5, 298.15) == []
    assert warnings_for("Chen2020", 1.0, 298.15) == []
    fast, hot, frozen = warnings_for("Chen2020", 3.0, 318.15)
    assert fast.startswith("3C is beyond what Chen2020 was compared with: a 1.5C discharge (no charge")
    assert hot == "318.15 K is beyond what Chen2020 was measured at: 298.15 K."
    assert "do not depend on temperature: negative solid diffusivity" in frozen
    assert warnings_for("Chen2020", 1.0, 298.15, heated=True) == [frozen]
    assert warnings_for("Ecker2015", -5.0, 297.0) == []
    assert warnings_for("Prada2013", 1.0, 298.15) == [
        "Nothing documents up to which rate Prada2013 holds.",
    ]
    assert len(warnings_for(BPX, 1.0, 298.15)) == 1


# Damaged BPX files: what is done to the good one, and what the error must say.
P, NEG, POS = "Parameterisation", "Negative electrode", "Positive electrode"


def _without(*keys: str) -> Callable[[dict], None]:
    def damage(data: dict) -> None:
        for key in keys[:-1]:
            data = data[key]
        del data[keys[-1]]

    return damage


def _with(value: object, *keys: str) -> Callable[[dict], None]:
    def damage(data: dict) -> None:
        for key in keys[:-1]:
            data = data[key]
        data[keys[-1]] = value

    return damage


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_without("Header"), "must have the section 'Header'"),
        (_without("Header", "Model"), "the section 'Header' lacks the field 'Model'"),
        (_without("Header", "BPX"), "the section 'Header' lacks the field 'BPX'"),
        (_without(P), "must have the section 'Parameterisation'"),
        (_without(P, "Separator"), "must have the section 'Separator'"),
        (_without(P, NEG, "Porosity"), "the section 'Negative electrode' lacks the field 'Porosity'"),
        (_without(P, POS, "OCP [V]"), r"'Positive electrode' lacks the field 'OCP \[V\]'"),
        (
            _without(P, "Electrolyte", "Diffusivity [m2.s-1]"),
            r"'Electrolyte' lacks the field 'Diffusivity",
        ),
        (
            _without(P, "Cell", "Upper voltage cut-off [V]"),
            r"'Cell' lacks the field 'Upper voltage cut-off",
        ),
        (_with(0.3, P, NEG, "Porositty"), "received: Porositty; nearest valid: Porosity"),
        (_with([1], P, NEG, "Porosity"), r"'Porosity' of the section 'Negative electrode' is not valid"),
        (_with(1.2, P, NEG, "Porosity"), r"'Porosity' of the section 'Negative electrode' must lie in"),
        (_with(0.5, P, NEG, "Porosity"), "must not sum to more than 1; received: 0.5 .* 0.75"),
        (
            _with(-1e-6, P, POS, "Thickness [m]"),
            r"'Thickness \[m\]' of .* must be positive; received: -1e-06",
        ),
        (_with(0.95, P, NEG, "Minimum stoichiometry"), "minimum stoichiometry < maximum"),
        (_with(5.0, P, "Cell", "Lower voltage cut-off [V]"), "cut-off must lie below the upper"),
        (
            _with({"A": {}, "B": {}}, P, NEG, "Particle"),
            "of one active material; received: a blended neg",
        ),
        (
            _with("exit(x)", P, NEG, "OCP [V]"),
            r"OCP \[V\]' must be a number, a table or an .* exit\(x\)",
        ),
        (_with("__import__('os')", P, NEG, "OCP [V]"), "must be a number, a table or an expression"),
        (_with("9**9**9**9", P, NEG, "OCP [V]"), "must be a number, a table or an expression"),
        (_with("1 +", P, NEG, "OCP [V]"), r"received: '1 \+'"),
        (_with("y + 1", P, NEG, "OCP [V]"), "received: y"),
        (
            _with("exp", P, NEG, "OCP [V]"),
            r"graphite_nmc.json: 'Negative electrode / OCP \[V\]' must be a number.*received: exp",
        ),
        (
            _with("1 / (x - x)", P, NEG, "OCP [V]"),
            "functions must be defined|must be a number at the window",
        ),
        (
            _with("(x - 2) ** 0.5", P, NEG, "OCP [V]"),
            "functions must be defined|must be a number at the",
        ),
        (_with({"x": [0, 1], "y": [1]}, P, NEG, "OCP [V]"), "as many numbers x as y"),
        (_with({"x": [0, 0], "y": [1, 2]}, P, NEG, "OCP [V]"), "as many numbers x as y"),
        (_with("5 - x", P, NEG, "OCP [V]"), "must lie above the negative's"),
    ],
)
def test_a_damaged_bpx_file_is_refused(damage: Callable, message: str, tmp_path: Path) -> None:
    data = json.loads(BPX.read_text())
    damage(data)
    path = tmp_path / "graphite_nmc.json"
    path.write_text(json.dumps(data))
    with pytest.raises(InputError, match=message) as caught:
        load_parameter_values(path)
    assert str(caught.value).startswith(str(path))
    assert len(str(caught.value)) < len(str(path)) + 300  # no page of pydantic


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"Header": NaN}', "[" * 100_000, "\x00"])
def test_a_file_that_is_not_bpx_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "cell.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"must be JSON|must hold an object"):
        load_parameter_values(str(path))
    with pytest.raises(InputError, match="must be readable"):
        load_parameter_values(tmp_path)


def test_a_file_may_leave_out_what_the_standard_lets_it(tmp_path: Path) -> None:
    """Nothing but the P2D's own: shape, heat and state come from the tables."""
    data = json.loads(BPX.read_text())
    for name in (
        "External surface area [m2]",
        "Volume [m3]",
        "Density [kg.m-3]",
        "Reference temperature [K]",
    ):
        del data[P]["Cell"][name]
    del data[P]["Cell"]["Specific heat capacity [J.K-1.kg-1]"], data["State"]
    path = tmp_path / "bare.json"
    path.write_text(json.dumps(data))
    values = load_parameter_values(path)
    depth = 85.2e-6 + 75.6e-6 + 12e-6 + 12e-6 + 16e-6
    assert values["Cell volume [m3]"] == pytest.approx(0.1027 * depth)
    assert values["Cell cooling surface area [m2]"] == pytest.approx(0.2054 + 4 * 0.1027**0.5 * depth)
    assert values["Reference temperature [K]"] == 298.15
    # 0.75 of graphite leaves no room for a binder
    assert solids_density(values, "negative") == pytest.approx(2260.0)
    assert charge(str(path))[0] == pytest.approx(0.7598, abs=2e-4)


def test_iron_phosphate_in_a_file_is_recognised(tmp_path: Path) -> None:
    data = json.loads(BPX.read_text())
    data[P][POS]["OCP [V]"] = {"x": [0.0, 0.05, 0.95, 1.0], "y": [4.0, 3.45, 3.4, 2.0]}
    data[P][NEG]["OCP [V]"] = "1.55"
    path = tmp_path / "lfp.json"
    path.write_text(json.dumps(data))
    values = load_parameter_values(path)
    assert solids_density(values, "positive") == pytest.approx(3600.0)
    assert solids_density(values, "negative") == pytest.approx(3480.0)
    empty, below = warnings_for(path, 1.0, 298.15)
    assert empty.startswith("Nothing documents")
    assert below == "lfp.json is empty at 1.853 V open-circuit, below its lower cut-off of 2.5 V."


def test_nothing_is_left_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The `bpx` package leaves a Python file behind for every expression."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    load_parameter_values(BPX)
    assert list(tmp_path.iterdir()) == []


def test_an_old_file_loads(tmp_path: Path) -> None:
    """BPX 0.x, as the standard's published examples are: initial values stand elsewhere."""
    data = json.loads(BPX.read_text())
    old = copy.deepcopy(data)
    old["Header"]["BPX"] = "0.4.0"
    del old["State"]
    old[P]["Cell"] |= {"Ambient temperature [K]": 298.15, "Thermal conductivity [W.m-1.K-1]": 2.0}
    old[P]["Electrolyte"]["Initial concentration [mol.m-3]"] = 1000.0
    path = tmp_path / "old.json"
    path.write_text(json.dumps(old))
    assert load_parameter_values(path)["Initial concentration in electrolyte [mol.m-3]"] == 1000.0


if __name__ == "__main__":
    for name in SIX:
        accepted, first, margin, end, _ = charge(name)
        print(f'    "{name}": ({accepted:.4f}, {margin * 1e3:.1f}),  # starts at {first:.3f} V; {end}')


def test_an_edited_file_is_another_cell(tmp_path: Path) -> None:
    path = tmp_path / "cell.json"
    text = BPX.read_text()
    path.write_text(text)
    before = Cell.load(path)
    path.write_text(text + "\n")
    assert Cell.load(path) != before
    assert Cell.load(path).to_dict() != before.to_dict()
