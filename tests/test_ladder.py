"""The ladder of fidelities, and the README's example of it."""

import re

import pytest
from conftest import ROOT

from electrograd.physics.cell import Cell
from electrograd.physics.charge import Charge
from electrograd.physics.errors import InputError
from electrograd.physics.ladder import FIDELITIES, charge_at
from electrograd.physics.p2d import P2D
from electrograd.physics.resolved_mesh import MeshSettings
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.physics.structure import Structure
from electrograd.physics.variables import (
    N_P_RATIO,
    NEGATIVE_POROSITY,
    channel_depth,
    channel_pitch,
    channel_width,
    knot_porosity,
)

COARSE = MeshSettings(negative=10, separator=4, positive=10, channel=1, matrix=3, radial=10)
SLITS = {
    N_P_RATIO: 1.15,
    NEGATIVE_POROSITY: 0.3,
    channel_pitch("negative"): 80e-6,
    channel_width("negative"): 0.2,
    channel_depth("negative"): 0.8,
}
AREAL = Scenario(1.5, rate_of="coatings")


def charges(design: dict[str, float], *fidelities: str, **kinds: str) -> list[Charge]:
    cell = Cell.load("Chen2020", Structure.of(design, **kinds))
    return [charge_at(fidelity, cell, design, AREAL, mesh=COARSE) for fidelity in fidelities]


def test_fidelities_carry_the_same_current_and_close_on_each_other() -> None:
    plain, homogenised, columns, resolved, solid = charges(SLITS, *FIDELITIES)
    currents = [r.observables["Charging current density [A.m-2]"][-1] for r in (plain, columns, solid)]
    assert currents == pytest.approx([currents[0]] * 3, rel=1e-6)
    fine = charge_at("resolved", Cell.load("Chen2020", Structure.of(SLITS)), SLITS, AREAL)
    assert columns.accepted == pytest.approx(fine.accepted, rel=3e-3)
    assert columns.plating_margin == pytest.approx(fine.plating_margin, abs=2e-3)
    assert solid.accepted == pytest.approx(resolved.accepted, rel=1e-4)
    assert resolved.accepted < homogenised.accepted
    assert resolved.accepted == pytest.approx(homogenised.accepted, rel=0.04)
    assert resolved.plating_margin < homogenised.plating_margin
    assert plain.nominal > homogenised.nominal == pytest.approx(resolved.nominal)


def test_small_pitch_is_the_homogenised_value_for_graded_electrodes_too() -> None:
    """Graded matrix, slits of conserved mass, half the electrode deep."""
    design = {knot_porosity("negative", 1): 0.42, knot_porosity("negative", 2): 0.28, **SLITS}
    del design[NEGATIVE_POROSITY]
    design |= {channel_pitch("negative"): 4e-6, channel_depth("negative"): 0.5}
    cell = Cell.load("Chen2020", Structure.of(design, mass="conserved"))
    homogenised, resolved = (charge_at(f, cell, design, AREAL) for f in ("p2d-channels", "resolved"))
    assert resolved.accepted == pytest.approx(homogenised.accepted, rel=5e-3)
    assert resolved.plating_margin == pytest.approx(homogenised.plating_margin, abs=2e-3)


def test_no_width_is_the_electrode_without_channels() -> None:
    design = {**SLITS, channel_width("negative"): 0.0}
    plain, homogenised = charges(design, "p2d", "p2d-channels")
    assert homogenised.accepted == pytest.approx(plain.accepted, rel=1e-5)
    uniform = Cell.load("Chen2020")
    kept = {name: value for name, value in design.items() if "channel" not in name}
    alone = P2D(uniform, AREAL, SolverSettings()).charge(uniform.parameters(kept))
    assert plain.accepted == pytest.approx(alone.accepted, rel=1e-9)


@pytest.mark.parametrize(
    ("fidelity", "scenario", "message"),
    [
        ("p2d-channel", AREAL, "nearest valid: p2d-channels"),
        ("resolved", Scenario(1.0, hold_voltage=True), "one constant current"),
        ("p2d", Scenario(1.0, later_stages=((0.5, 0.5),)), "one constant current"),
        ("solid", Scenario(1.0, cooling=5.0), "one constant current"),
    ],
)
def test_what_a_fidelity_lacks_is_refused(fidelity: str, scenario: Scenario, message: str) -> None:
    cell = Cell.load("Chen2020", Structure.of(SLITS))
    with pytest.raises(InputError) as caught:
        charge_at(fidelity, cell, SLITS, scenario)
    assert message in str(caught.value)


def test_the_readmes_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    example = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)[1]
    exec(compile(example, "README.md", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["p2d", "p2d-channels", "p2d-columns", "resolved"]


def test_a_resolved_charge_knows_where_it_started() -> None:
    cell = Cell.load("Chen2020", Structure.of(SLITS))
    half = Scenario(1.0, start=0.4, charge_limit=0.6, rate_of="coatings")
    record = charge_at("resolved", cell, SLITS, half, mesh=COARSE)
    columns = charge_at("p2d-columns", cell, SLITS, half)
    assert record.time_to(0.5) == pytest.approx(columns.time_to(0.5), rel=1e-3)
