"""Made-up cells, each limited by one process: the process is named, and what is said to help does."""

import dataclasses
from functools import cache

import numpy as np
import pytest

from electrograd.physics.cell import Cell
from electrograd.physics.charge import (
    CURVES,
    ELECTROLYTE,
    LOSSES,
    NEGATIVE_SATURATED,
    POSITIVE_SATURATED,
    POSITIVE_SURFACE,
    VOLTAGE,
    Charge,
    End,
)
from electrograd.physics.charge import nothing as no_charge
from electrograd.physics.errors import InputError
from electrograd.physics.groups import dimensionless_groups
from electrograd.physics.limit_words import Process
from electrograd.physics.limiting import Explainer, Limit, limiting_process, loss_breakdown
from electrograd.physics.p2d import P2D
from electrograd.physics.remedies import possible, remedied, remedy_gains, share_taken
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.physics.structure import Structure
from electrograd.physics.variables import (
    N_P_RATIO,
    NEGATIVE_POROSITY,
    POSITIVE_THICKNESS,
    channel_pitch,
    channel_width,
)

NEGATIVE_RADIUS, POSITIVE_RADIUS = "Negative particle radius [m]", "Positive particle radius [m]"
THICK = {N_P_RATIO: 1.1, POSITIVE_THICKNESS: 95e-6, NEGATIVE_POROSITY: 0.2}


@dataclasses.dataclass(frozen=True)
class Made:
    """A made-up cell: values that replace Chen2020's, its design and charge, and what must be said."""

    process: Process
    cause: str
    helps: set[str]
    little: set[str]
    design: dict[str, float] = dataclasses.field(default_factory=dict)
    overrides: dict[str, float] = dataclasses.field(default_factory=dict)
    scenario: Scenario = Scenario(1.0)  # noqa: RUF009
    least_potential: float | None = None


PORES = {"negative pores", "negative channels", "positive pores", "positive channels"}
MADE = {
    "thick and dense": Made(
        Process.NEGATIVE_ELECTROLYTE,
        "",
        {"negative pores", "negative channels"},
        {"negative particles", "positive pores"},
        design=THICK,
        scenario=Scenario(1.5),
    ),
    "large negative particles": Made(
        Process.NEGATIVE_DIFFUSION,
        "",
        {"negative particles"},
        {"positive particles", "positive pores", "positive channels"},
        design={
            NEGATIVE_RADIUS: 20e-6,
            POSITIVE_RADIUS: 2e-6,
            POSITIVE_THICKNESS: 35e-6,
            N_P_RATIO: 1.05,
        },
        scenario=Scenario(1.5),
        overrides={"Negative electrode exchange-current density [A.m-2]": 2.0},
    ),
    "large positive particles": Made(
        Process.POSITIVE_DIFFUSION,
        "",
        {"positive particles"},
        {"negative particles", *PORES},
        design={POSITIVE_RADIUS: 10e-6},
    ),
    "slow positive kinetics": Made(
        Process.KINETICS,
        "positive electrode",
        {"positive particles"},
        PORES - {"negative channels"},
        overrides={"Positive electrode exchange-current density [A.m-2]": 0.05},
    ),
    "cold": Made(
        Process.KINETICS,
        "negative electrode",
        set(),
        PORES,
        scenario=Scenario(1.0, temperature=253.15),
    ),
    "solids that hardly conduct": Made(
        Process.OHMIC,
        "solids",
        {"thinner coatings"},
        PORES,
        overrides={"Positive electrode conductivity [S.m-1]": 0.005},
    ),
    "electrolyte that hardly conducts": Made(
        Process.OHMIC,
        "electrolyte",
        {"negative channels", "thinner coatings"},
        {"positive pores"},
        overrides={
            "Electrolyte conductivity [S.m-1]": 0.1,
            "Electrolyte diffusivity [m2.s-1]": 1e-9,
        },
    ),
    "plating": Made(
        Process.PLATING,
        "the negative electrode's kinetics",
        {"negative channels", "negative particles"},
        {"positive particles", "positive pores", "positive channels"},
        scenario=Scenario(3.0),
        least_potential=0.0,
    ),
    "slow charge": Made(Process.NONE, "", set(), set(), scenario=Scenario(0.05)),
}


@pytest.fixture(scope="module")
def usual(cell: Cell) -> Charge:
    return P2D(cell, Scenario(1.0), SolverSettings(), (VOLTAGE,)).charge(cell.parameters({}))


@cache
def explained(name: str) -> tuple[Explainer, Charge, Limit]:
    made = MADE[name]
    cell = Cell.load("Chen2020", overrides=made.overrides)
    explainer = Explainer(cell, made.scenario, least_potential=made.least_potential)
    return explainer, *explainer(made.design)


@pytest.mark.parametrize("name", MADE)
def test_the_limiting_process_is_named(name: str) -> None:
    made, (explainer, charge, limit) = MADE[name], explained(name)
    assert (limit.process, limit.cause) == (made.process, made.cause), limit.sentence
    assert limit.sentence.startswith(f"At {made.scenario.c_rate:g}C ")
    assert limit.sentence.endswith(".")
    assert f"{100 * limit.end:.0f} %" in limit.sentence
    assert 0 <= limit.since <= limit.end == pytest.approx(charge.accepted / charge.nominal)
    assert made.helps <= set(limit.helps), limit.gains
    assert made.little <= set(limit.little), limit.gains
    assert set(limit.gains) == (set() if made.process is Process.NONE else set(possible(explainer.cell)))


@pytest.mark.parametrize(
    "name",
    [
        "thick and dense",
        "large negative particles",
        "large positive particles",
        "slow positive kinetics",
        "electrolyte that hardly conducts",
    ],
)
def test_what_helps_raises_the_accepted_capacity_more(name: str) -> None:
    """Simulated anew; these remedies hold the nominal capacity."""
    made, (explainer, charge, _) = MADE[name], explained(name)
    parameters = explainer.cell.parameters(made.design)

    def accepted(remedy: str) -> float:
        record = explainer.model.charge(remedied(explainer.cell, parameters, remedy))
        assert record.nominal == pytest.approx(charge.nominal, rel=1e-9)
        return record.accepted

    helped = [accepted(remedy) for remedy in made.helps - {"thinner coatings"}]
    hardly = [accepted(remedy) for remedy in made.little]
    assert min(helped) > max(charge.accepted, *hardly) + 0.01 * charge.nominal


def test_the_sentence_of_depletion() -> None:
    sentence = explained("thick and dense")[2].sentence
    assert "the negative electrode's electrolyte is depleted" in sentence
    helps, _, hardly = sentence.partition(" help, ")
    assert "channels or straighter pores in the negative electrode" in helps
    assert "smaller negative particles" in hardly


def test_channels_help_a_depleted_electrode(cell: Cell) -> None:
    """Slits that push the mass aside, homogenised, at the same capacity."""
    explainer, charge, _ = explained("thick and dense")
    design = {**THICK, channel_pitch("negative"): 40e-6, channel_width("negative"): 0.1}
    cut = Cell.load("Chen2020", Structure.of(design, mass="conserved"))
    record, limit = Explainer(cut, explainer.scenario)(design, remedies=False)
    assert record.nominal == pytest.approx(charge.nominal, rel=1e-6)
    smaller = explainer.model.charge(
        remedied(explainer.cell, cell.parameters(THICK), "negative particles")
    )
    assert record.accepted > smaller.accepted + 0.02 * charge.nominal
    assert limit.gains == {}
    assert " help" not in limit.sentence


@pytest.mark.parametrize(
    "name",
    ["cold", "slow positive kinetics", "solids that hardly conduct", "electrolyte that hardly conducts"],
)
def test_without_the_named_process_more_is_accepted_than_by_any_remedy(name: str, usual: Charge) -> None:
    """Each of these cells is Chen2020 but for one material: with its own, the process is gone."""
    _, charge, limit = explained(name)
    gain = (usual.accepted - charge.accepted) / charge.nominal
    assert gain > max(limit.gains.values())
    assert limit.process is not Process.KINETICS or "warmth" in limit.sentence


@pytest.mark.parametrize("name", ["thick and dense", "solids that hardly conduct"])
def test_the_parts_sum_to_the_whole(name: str) -> None:
    _, charge, limit = explained(name)
    losses = loss_breakdown(charge, 17)
    assert losses.share[[0, -1]] == pytest.approx([0, limit.end])
    assert len(losses.parts) == 6
    np.testing.assert_allclose(sum(losses.parts.values()), losses.voltage, atol=3e-5)
    steps = sum(charge.observables[part] for part in LOSSES)
    np.testing.assert_allclose(steps, charge.observables[VOLTAGE], atol=1e-6)
    whole = losses.voltage[-1] - losses.parts["open-circuit voltage at the mean stoichiometries"][-1]
    assert sum(limit.parts.values()) == pytest.approx(whole, abs=1e-5)


def test_groups_tell_what_the_p2d_does() -> None:
    """Diffusivities constant: surfaces lead by a fifteenth of the group, salt goes as another says."""
    cell = Cell.load("Chen2020", overrides={"Electrolyte diffusivity [m2.s-1]": 3e-10})
    charge, limit = Explainer(cell, Scenario(0.5))({}, remedies=False)
    groups, known = limit.groups, charge.observables
    for side in ("negative", "positive"):
        surface = known[f"X-averaged {side} particle surface stoichiometry"]
        mean = known[f"Mean {side} electrode stoichiometry"]
        passed = abs(mean[-1] - mean[0]) / limit.end
        lead = getattr(groups, side).solid_diffusion / 15 * passed
        assert abs(surface[-1] - mean[-1]) == pytest.approx(lead, rel=0.05)
    assert charge.least_electrolyte == pytest.approx(1000 * (1 - groups.limiting_current), rel=0.03)
    assert groups.salt_time < 0.05
    assert groups.negative.exchange_current == pytest.approx(0.45, abs=0.01)
    assert 0.5 < groups.positive.reaction_zone < groups.negative.reaction_zone


def test_the_positive_electrode_is_named_too() -> None:
    """No charge empties the positive electrode of salt: the records of one are changed to say so."""
    explainer, charge, limit = explained("thick and dense")
    salt = {
        side: f"X-averaged {side} electrolyte concentration [mol.m-3]"
        for side in ("negative", "positive")
    }
    known = charge.observables
    changed = {
        **known,
        salt["negative"]: known[salt["positive"]],
        salt["positive"]: known[salt["negative"]],
        POSITIVE_SURFACE: np.zeros_like(known[POSITIVE_SURFACE]),
    }
    depleted = dataclasses.replace(charge, end=End.VOLTAGE_CUT_OFF, observables=changed)
    rest = explainer.scenario, limit.groups, 1.5, 1000.0
    assert limiting_process(depleted, *rest).process is Process.POSITIVE_ELECTROLYTE
    half = np.full_like(known[ELECTROLYTE], 0.5)
    ample = {**known, ELECTROLYTE: 1800.0 * half, NEGATIVE_SATURATED: half}
    crowded = limiting_process(dataclasses.replace(charge, observables=ample), *rest)
    assert "crowds at the negative electrode's front" in crowded.sentence
    empty = dataclasses.replace(charge, observables={**ample, POSITIVE_SATURATED: 2 * half})
    assert limiting_process(empty, *rest).process is Process.POSITIVE_DIFFUSION


def test_plating_beside_the_limit() -> None:
    explainer, charge, limit = explained("plating")
    assert limit.since == pytest.approx(charge.plating_onset, abs=1e-4) == share_taken(charge, 0.0)
    aside = limiting_process(charge, explainer.scenario, limit.groups, 3.0, 1000.0)
    assert aside.process is not Process.PLATING
    assert "lithium can plate from" in aside.sentence


HELD = Scenario(6.0, hold_voltage=True, plating_potential=0.0, hold_until=0.2)
QUICK = {NEGATIVE_RADIUS: 3e-6, POSITIVE_RADIUS: 1e-6, POSITIVE_THICKNESS: 50e-6}


def test_a_held_potential_is_named_and_what_helps_shortens_the_charge(cell: Cell) -> None:
    explainer = Explainer(cell, HELD)
    charge, limit = explainer(QUICK)
    assert (limit.process, limit.cause) == (Process.PLATING, "the negative electrode's kinetics")
    minutes = charge.time_to(0.8) / 60
    assert f"80 % are in after {minutes:.1f} min" in limit.sentence
    assert limit.sentence.startswith("At up to 6C plating at the separator, above all by")
    assert "negative particles" in limit.helps
    assert "positive particles" in limit.little
    parameters = cell.parameters(QUICK)
    smaller, *hardly = (
        explainer.model.charge(remedied(cell, parameters, name)).time_to(0.8) / 60
        for name in ("negative particles", *limit.little)
    )
    assert smaller < 0.9 * minutes
    assert min(hardly) > smaller + 0.5 * (minutes - smaller)
    assert limit.gains["negative particles"] == pytest.approx(1 - smaller / minutes, abs=1e-3)
    rate = 0.8 / (minutes / 60)
    assert limit.groups.negative.solid_diffusion == pytest.approx(
        dimensionless_groups(
            cell, explainer.materials, explainer.solids, parameters, rate
        ).negative.solid_diffusion,
        rel=1e-6,
    )


def test_a_held_voltage_and_the_charger_s_own_current_are_named() -> None:
    slow = Cell.load("Chen2020", overrides={"Positive electrode exchange-current density [A.m-2]": 0.05})
    held = Scenario(2.0, hold_voltage=True, hold_until=0.05)
    _, limit = Explainer(slow, held)({}, remedies=False)
    assert (limit.process, limit.cause) == (Process.KINETICS, "positive electrode")
    assert "the voltage limits the current for" in limit.sentence
    assert "kinetics, most in the positive electrode, cost the most voltage" in limit.sentence
    charge, limit = Explainer(slow, Scenario(0.1, hold_voltage=True, hold_until=0.05))({})
    assert limit.process is Process.NONE
    assert "the charger's own current is the limit for 100 % of the time" in limit.sentence
    assert limit.gains == {}
    assert charge.time_to(0.8) == pytest.approx(8 * 3600, rel=0.01)


def test_a_potential_that_comes_near_its_limit_is_it(cell: Cell) -> None:
    explainer, charge, limit = explained("large positive particles")
    rest = explainer.scenario, limit.groups, 1.0, 1000.0
    margin = charge.plating_margin
    near = limiting_process(charge, *rest, least_potential=margin - 0.5e-3)
    assert near.process is Process.PLATING
    assert "lithium is about to plate" in near.sentence
    far = limiting_process(charge, *rest, least_potential=margin - 2e-3)
    assert far.process is Process.POSITIVE_DIFFUSION
    past = limiting_process(charge, *rest, least_potential=margin + 2e-3)
    assert "lithium can plate at the separator" in past.sentence


def test_a_remedy_whose_simulation_fails_gains_nothing_that_is_known(
    cell: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    explainer, charge, _ = explained("large positive particles")
    broken = dataclasses.replace(charge, end=End.SOLVER_FAILURE)
    answers = iter([charge, broken])
    monkeypatch.setattr(explainer.model, "charge", lambda parameters: next(answers))
    gains = remedy_gains(explainer.model, cell.parameters({}), ["positive particles"])
    assert np.isnan(gains["positive particles"])


def test_what_is_refused(cell: Cell) -> None:
    explainer, charge, limit = explained("large positive particles")
    kept = dataclasses.replace(charge, observables={name: charge.observables[name] for name in CURVES})
    rest = explainer.scenario, limit.groups, 1.0, 1000.0
    with pytest.raises(InputError, match="must have recorded"):
        limiting_process(kept, *rest)
    with pytest.raises(InputError, match="must have recorded"):
        loss_breakdown(kept)
    with pytest.raises(InputError, match="gave nothing"):
        loss_breakdown(no_charge(50.0, End.SOLVER_FAILURE, "it broke"))
    assert np.isnan(share_taken(no_charge(50.0, End.SOLVER_FAILURE, "")))
    with pytest.raises(InputError, match="nearest valid: negative particles"):
        remedied(cell, cell.parameters({}), "negative particle")
    cut = Cell.load("Chen2020", Structure.of([channel_pitch("negative"), channel_width("negative")]))
    assert "negative pores" not in possible(cut)
    with pytest.raises(InputError, match="uniform electrode"):
        remedied(cut, cut.parameters({}), "negative pores")
    with pytest.raises(InputError, match="C-rate"):
        dimensionless_groups(cell, explainer.materials, explainer.solids, cell.parameters({}), 0.0)
    assert set(remedy_gains(explainer.model, cell.parameters({}), ["positive particles"])) == {
        "positive particles"
    }
