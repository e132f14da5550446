"""Conservation and analytic limits of the P2D, over random designs of every structure."""

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from electrograd.physics.cell import FARADAY, Cell
from electrograd.physics.charge import CURRENT_DENSITY, NEGATIVE_MEAN, OBSERVABLES, POSITIVE_MEAN, Charge
from electrograd.physics.p2d import P2D
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.physics.stack import full_capacities
from electrograd.physics.structure import Structure
from electrograd.physics.variables import (
    N_P_RATIO,
    NEGATIVE_POROSITY,
    NEGATIVE_THICKNESS,
    POSITIVE_POROSITY,
    POSITIVE_THICKNESS,
    channel_depth,
    channel_pitch,
    channel_taper,
    channel_width,
    knot_porosity,
    layer_porosity,
    layer_share,
)

SALT = "Total lithium in electrolyte [mol]"
PARTICLES = "Total lithium in particles [mol]"
REACTION = {
    side: f"X-averaged {side} electrode volumetric interfacial current density [A.m-3]"
    for side in ("negative", "positive")
}

uniform = {
    N_P_RATIO: st.floats(1.0, 1.4),
    POSITIVE_THICKNESS: st.floats(40e-6, 100e-6),
    "Negative particle radius [m]": st.floats(2e-6, 8e-6),
    "C-rate": st.floats(0.3, 3.0),
}
porosities = {NEGATIVE_POROSITY: st.floats(0.2, 0.5), POSITIVE_POROSITY: st.floats(0.2, 0.5)}
graded = {
    **{layer_porosity("negative", k): st.floats(0.2, 0.5) for k in (1, 2, 3)},
    layer_share("negative", 1): st.floats(0.1, 0.45),
    layer_share("negative", 2): st.floats(0.1, 0.45),
    **{knot_porosity("positive", k): st.floats(0.25, 0.45) for k in (1, 2, 3)},
}
channels = {
    **porosities,
    channel_pitch("negative"): st.floats(20e-6, 200e-6),
    channel_width("negative"): st.floats(0.0, 0.4),
    channel_taper("negative"): st.floats(0.2, 1.2),
    channel_depth("negative"): st.floats(0.2, 1.0),
    channel_pitch("positive"): st.floats(20e-6, 200e-6),
    channel_width("positive"): st.floats(0.0, 0.3),
}
both = {**graded, **{name: values for name, values in channels.items() if "Negative channel" in name}}
LADDER = {"uniform": porosities, "graded": graded, "channels": channels, "both": both}


TIGHT = SolverSettings(rtol=1e-9, atol=1e-11)
"""At the default tolerances the reaction at an instant is good to 4e-5: 1e-6 of a potential of volts is
that much of an exponential. What it adds up to, the charge, is good to 1e-6 at the defaults too."""


def observed(structure: Structure, scenario: Scenario, settings: SolverSettings = TIGHT) -> P2D:
    names = (*OBSERVABLES, SALT, PARTICLES, *REACTION.values())
    return P2D(Cell.load("Chen2020", structure), scenario, settings, names)


MODELS = {
    name: observed(Structure.of(strategies, "hole"), Scenario(1.0))
    for name, strategies in LADDER.items()
}


def drift(values: np.ndarray) -> float:
    return float(np.ptp(values) / np.abs(values).max())


def check_conserved(cell: Cell, record: Charge, parameters: dict, instant: float = 1e-6) -> None:
    seen = record.observables
    assert record.end.completed, record.message
    assert drift(seen[SALT]) < 1e-6
    assert drift(seen[PARTICLES]) < 1e-6
    for side, sign in (("negative", -1), ("positive", 1)):
        thickness = float(parameters[f"{side.capitalize()} electrode thickness [m]"])
        current = sign * thickness * seen[REACTION[side]]
        np.testing.assert_allclose(current, seen[CURRENT_DENSITY], rtol=instant)
    # Faraday: what has passed is what the particles took up, by the closed form's own capacities.
    negative, positive = (float(q) for q in full_capacities(cell, parameters))
    for mean, capacity in ((seen[NEGATIVE_MEAN], negative), (seen[POSITIVE_MEAN], -positive)):
        taken = (mean - mean[0]) * capacity
        np.testing.assert_allclose(taken, record.charge, atol=1e-6 * record.nominal)


@pytest.mark.parametrize("structure", LADDER)
def test_lithium_salt_and_charge_are_conserved(structure: str) -> None:
    model = MODELS[structure]

    @settings(max_examples=6, derandomize=True, phases=(Phase.generate,))
    @given(st.fixed_dictionaries({**uniform, **LADDER[structure]}))
    def conserved(design: dict[str, float]) -> None:
        model.cell.check(design)
        parameters = model.cell.parameters(design)
        check_conserved(model.cell, model.charge(parameters), parameters)

    conserved()


def test_conserved_while_a_potential_is_held_and_the_cell_heats() -> None:
    scenario = Scenario(3.0, hold_voltage=True, plating_potential=0.0, cooling=20.0, charge_limit=0.9)
    model = observed(Structure(), scenario)
    parameters = model.cell.parameters({N_P_RATIO: 1.2})
    check_conserved(model.cell, model.charge(parameters), parameters)


def test_conserved_at_the_default_tolerances() -> None:
    model = observed(Structure(), Scenario(1.5), SolverSettings())
    parameters = model.cell.parameters({N_P_RATIO: 1.2})
    check_conserved(model.cell, model.charge(parameters), parameters, instant=2e-4)


def test_voltage_tends_to_the_open_circuit() -> None:
    """The distance falls in proportion to the rate; at C/10000 it is below 0.04 mV."""
    model = observed(Structure(), Scenario(1.0, charge_limit=0.8, time_limit=1e5), SolverSettings())
    parameters = model.cell.parameters({N_P_RATIO: 1.1})
    middle = []
    for rate in (1e-3, 1e-4):
        record = model.charge(parameters, c_rate=rate)
        loss = record.observables["Voltage [V]"] - record.observables["Battery open-circuit voltage [V]"]
        inside = (record.charge > 0.3 * record.nominal) & (record.charge < 0.7 * record.nominal)
        middle.append(float(np.median(loss[inside])))
    assert 0 < middle[1] < 4e-5
    assert middle[0] / middle[1] == pytest.approx(10, rel=0.03)


def test_secondary_current_distribution() -> None:
    """Newman and Tobias, J. Electrochem. Soc. 109 (1962) 1183: linear kinetics, no concentration
    gradients. The reaction along the negative electrode against the closed form, within 1 %."""
    import pybamm

    from electrograd.physics import model as built
    from electrograd.physics import symbolic_mesh
    from electrograd.physics.structure import Structure

    cell, kappa, sigma, exchange = Cell.load("Chen2020"), 0.3, 0.2, 3.0
    settings, scenario = SolverSettings(points=40), Scenario(1.0).of(cell)
    dfn = built.build_model(Structure(), scenario, settings)
    dfn.events = []
    values = built.parameter_values(cell, scenario)
    values.update(
        {
            "Electrolyte conductivity [S.m-1]": lambda c, temperature: pybamm.Scalar(kappa) + 0 * c,
            "Electrolyte diffusivity [m2.s-1]": lambda c, temperature: pybamm.Scalar(1e-5) + 0 * c,
            "Negative electrode conductivity [S.m-1]": sigma,
            "Negative electrode OCP [V]": lambda x: pybamm.Scalar(0.1) + 0 * x,
            "Negative electrode exchange-current density [A.m-2]": lambda ce, cs, cm, temperature: (
                exchange + 0 * ce
            ),
        }
    )
    reaction = "Negative electrode volumetric interfacial current density [A.m-3]"
    simulation = pybamm.Simulation(
        dfn,
        parameter_values=values,
        solver=pybamm.IDAKLUSolver(rtol=1e-8, atol=1e-10),
        submesh_types={**dfn.default_submesh_types, **symbolic_mesh.submesh_types()},
        spatial_methods=symbolic_mesh.spatial_methods(dfn),
        var_pts=built.mesh_points(settings),
    )
    parameters = {name: float(value) for name, value in cell.parameters({}).items()}
    applied = 1e-3  # far below 25 mV of overpotential: Butler–Volmer is linear
    off = {built.disarm(limit): 1.0 for limit in built.LIMITS}
    inputs = {
        **parameters,
        **off,
        **dict.fromkeys((built.UPPER_VOLTAGE, built.LOWER_VOLTAGE, built.PLATING_POTENTIAL), 0.0),
        **dict.fromkeys((built.LOW_CURRENT, built.SLACK, built.STAGE_CHARGE), 0.0),
        **dict(zip(built.HOLDS, (1.0, 0.0, 0.0), strict=True)),
        built.APPLIED: applied,
        built.INITIAL["negative"]: 0.4,
        built.INITIAL["positive"]: 0.5,
    }
    found = -simulation.solve([0, 1.0], inputs=inputs)[reaction].entries[:, -1]

    length, porosity = parameters[NEGATIVE_THICKNESS], parameters[NEGATIVE_POROSITY]
    active = parameters["Negative electrode active material volume fraction"]
    area = 3 * active / parameters["Negative particle radius [m]"]
    ionic = kappa * porosity ** parameters["Negative electrode Bruggeman coefficient (electrolyte)"]
    solid = sigma * (1 - porosity) ** values["Negative electrode Bruggeman coefficient (electrode)"]
    slope = area * exchange * FARADAY / (8.314462618 * 298.15)
    nu = length * np.sqrt(slope * (1 / ionic + 1 / solid))
    share = ionic / (ionic + solid)
    y = (np.arange(40) + 0.5) / 40  # from the collector
    shape = (1 - share) * np.cosh(nu * y) + share * np.cosh(nu * (1 - y))
    expected = applied / length * nu / np.sinh(nu) * shape
    assert expected.max() / expected.min() > 3  # uneven enough to tell something
    np.testing.assert_allclose(found, expected, rtol=0.01)


def test_reaction_reaches_deeper_with_porosity() -> None:
    reaction = "Negative electrode volumetric interfacial current density [A.m-3]"
    model = P2D(Cell.load("Chen2020"), Scenario(2.0), SolverSettings(), (*OBSERVABLES, reaction))
    depths = []
    for porosity in (0.2, 0.3, 0.4, 0.5):
        record = model.charge(model.cell.parameters({NEGATIVE_POROSITY: porosity, N_P_RATIO: 1.2}))
        early = np.searchsorted(record.charge, 0.02 * record.nominal)
        local = -record.observables[reaction][:, early]
        depths.append(float(local @ (1 - (np.arange(20) + 0.5) / 20) / local.sum()))
    assert np.all(np.diff(depths) > 0)


@pytest.mark.parametrize("exponent", [1.2, 1.9])
def test_tortuosity_is_recovered(exponent: float) -> None:
    """τ = ε D₀ / D_eff = ε^(1 - b), from the model's own transport efficiency."""
    design = {
        channel_pitch("negative"): 1e-4,
        channel_width("negative"): 0.0,
        "Negative electrode Bruggeman coefficient (electrolyte)": exponent,
        NEGATIVE_POROSITY: 0.3,
    }
    efficiency = "Negative electrolyte transport efficiency"
    cell = Cell.load("Chen2020", Structure.of(design))
    model = P2D(cell, Scenario(1.0, charge_limit=0.01), SolverSettings(), (*OBSERVABLES, efficiency))
    found = model.charge(cell.parameters(design)).observables[efficiency]
    np.testing.assert_allclose(0.3 / found, 0.3 ** (1 - exponent), rtol=1e-12)
