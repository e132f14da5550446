"""Every mistake in a study file is met with file, line, rule, value and the nearest valid one."""

from pathlib import Path

import pytest
from conftest import ROOT

import electrograd as eg
from electrograd.physics.charge import CURVES, TIME
from electrograd.physics.errors import InputError
from electrograd.physics.variables import C_RATE, CHANNEL_SHAPE, N_P_RATIO, POSITIVE_THICKNESS
from electrograd.study import check_learnable
from electrograd.study_file import bundled_text, parse_study

TEXT = bundled_text("fast_charge")
SWEEPS = """
name: sweeps
cell: Chen2020
variables:
  Negative electrode thickness [m]: [50.0e-6, 90.0e-6]
  Positive electrode thickness [m]: {log: [40.0e-6, 80.0e-6]}
  C-rate: {integer: [1, 4]}
  Negative channel pitch [m]: {choices: [50.0e-6, 100.0e-6]}
  Negative channel width over pitch: [0.1, 0.3]
  Channel shape: {choices: [slit, hole]}
constraints:
  N/P ratio: {at least: 1.05, at most: 1.4}
  Positive electrode thickness [m]: {at most: "Negative electrode thickness [m]"}
scenario:
  C-rate: 1.0
sweep:
  designs: 64
  seed: 3
  observables: ["Mean negative electrode stoichiometry", "Time [s]"]
  batch: 8
further sweeps:
  resolved:
    designs: 2
    fidelity: resolved
    time limit [s]: 600
  held:
    scenario:
      C-rate: 2.0
      hold voltage: true
  corners:
    sampler: {grid: 3}
store: memory://sweeps
"""


def line_of(part: str, text: str) -> int:
    return text[: text.index(part)].count("\n") + 1


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("cell: Chen2020", "cell: Chen2002", "received: Chen2002; nearest valid: Chen2020"),
        ("designs: 256", "desings: 256", "known ones; received: desings; nearest valid: designs"),
        ("designs: 256", "designs: 25.5", "valid integer; received: 25.5"),
        ("designs: 256", "designs: 8", "received: 8; nearest valid: 32"),
        ("thickness [m]: [40.0e-6", "thickness [um]: [40.0e-6", "electrode thickness [m]"),
        ("[40.0e-6, 100.0e-6]", "[40, 100]", "received: [40, 100]; nearest valid: [4e-05, 0.0001]"),
        ("[0.20, 0.50]", "[0.5, 0.2]", "nearest valid: [0.2, 0.5]"),
        ("[1.05, 1.30]", "[1.05, 1.30, 2]", "at most 2 items"),
        ("C-rate: 1.0", "C-rate: -1", "'C-rate' must be greater than or equal to 0.01"),
        ("C-rate: 1.0", "C-rate: fast", "valid number; received: fast"),
        ("C-rate: 1.0", "C-rate: true", "valid number; received: True"),
        ("{at least: 0.72}", "{at leest: 0.72}", "received: at leest; nearest valid: at least"),
        ("{at least: 0.72}", "{at least: .nan}", "finite number; received: nan"),
        (
            "{at least: 0.72}",
            "{at least: 72}",
            "must lie in [0, 1.1]; received: 72.0; nearest valid: 0.72",
        ),
        ("margin [V]: {at least: 0.0}", "margin [V]: {at least: 5}", "nearest valid: 0.005"),
        ("{at least: 0.72}", "{}", "'at least' or 'at most'"),
        ("{at least: 0.72}", "0.72", "must be a mapping of keys to values; received: 0.72"),
        ("Plating margin [V]:", "Plating margn [mV]:", "nearest valid: Plating margin [V]"),
        ("maximise: Theo", "maximise: Theor", "nearest valid: Theoretical specific energy"),
        ("samples: 1024", "samples: 1000", "power of two; received: 1000; nearest valid: 1024"),
        ("name: fast_charge", "name: ../evil", "nearest valid: evil"),
        ("temperature [K]: 298.15", "temperature [K]: 25", "received: 25; nearest valid: 298.15"),
        ("upper voltage cut-off [V]: 4.2", "upper voltage cut-off [V]: 2.2", "must lie above the lower"),
    ],
)
def test_mistakes_are_named_with_their_line(right: str, wrong: str, message: str) -> None:
    text = TEXT.replace(right, wrong, 1)
    assert text != TEXT
    with pytest.raises(InputError) as caught:
        parse_study(text, "mine.yaml")
    assert message in str(caught.value)
    if "must lie above" not in message:  # that rule stands on two keys, one of them left out
        assert f"mine.yaml, line {line_of(wrong, text)}:" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must be a mapping of keys to values; received: NoneType"),
        ("- 1", "must be a mapping of keys to values; received: list"),
        ("name: [", "line 1: a study file must be valid YAML"),
        ("goal:\n\tx: 1", "line 2: a study file must be valid YAML"),
        ("name: a\nname: b", "duplicate key"),
        ("name: a\x07", "must be valid YAML"),
        ("name: a", "the key 'cell' is required"),
    ],
)
def test_files_that_are_no_study(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_study(text, "mine.yaml")
    assert message in str(caught.value)


def test_yaml_tags_run_nothing() -> None:
    with pytest.raises(InputError, match="valid YAML"):
        parse_study("name: !!python/object/apply:os.system ['true']")


def test_both_thickness_and_ratio_are_refused() -> None:
    extra = "variables:\n  Negative electrode thickness [m]: [50.0e-6, 90.0e-6]"
    with pytest.raises(InputError, match="one fixes the other"):
        parse_study(TEXT.replace("variables:", extra, 1))


def test_sources(tmp_path: Path) -> None:
    assert eg.load_study("fast_charge") == eg.load_study(ROOT / "studies" / "fast_charge.yaml")
    with pytest.raises(InputError, match="nearest valid: fast_charge"):
        eg.load_study("fast_charg")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="UTF-8"):
        eg.load_study(tmp_path / "binary.yaml")


def test_names_of_the_package() -> None:
    for name in eg.__all__:
        assert getattr(eg, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = eg.nonsense  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("variables:", "fixed: {C-rate: 2.0}\nvariables:", "belongs in the scenario"),
        ("variables:", "fixed: {N/P ratio: 1.1}\nvariables:", "fixed or varied, not both"),
        ("variables:", "channels: {shape: hole}\nvariables:", "they name none"),
        ("variables:", "overrides: {Separator porosit: 0.4}\nvariables:", "Separator porosity"),
        ("  N/P ratio:", "  C-rate of stage 2: [0.2, 0.5]\n  N/P ratio:", "nearest valid: C-rate"),
        (
            "  N/P ratio:",
            "  Negative channel pitch [m]: [2e-5, 1e-4]\n  N/P ratio:",
            "pitch and its width",
        ),
        ("  N/P ratio:", "  Negative electrode porosity of layer 2: [0.2, 0.4]\n  N/P ratio:", "from 1"),
        ("cell: Chen2020", "cell: no_such_file.json", "no_such_file.json"),
        ("cell: Chen2020", "cell: OKane2022_graphite_SiOx_halfcell", "half-cell"),
    ],
)
def test_mistakes_about_structure_are_named(right: str, wrong: str, message: str) -> None:
    text = TEXT.replace(right, wrong, 1)
    assert text != TEXT
    with pytest.raises(InputError) as caught:
        parse_study(text, "mine.yaml")
    assert message in str(caught.value)
    assert "mine.yaml, line" in str(caught.value)


def test_a_study_of_many_sweeps() -> None:
    study = parse_study(SWEEPS)
    assert study.sweep_names == ("", "resolved", "held", "corners")
    main, resolved, held, corners = map(study.sweep_of, study.sweep_names)
    plan = main.plan()
    assert (len(plan), plan.sampler["seed"], main.batch) == (64, 3, 8)
    assert main.observables == (*CURVES, "Mean negative electrode stoichiometry")
    assert main.observables.count(TIME) == 1
    assert set(plan.rejected) & {"N/P ratio at least 1.05", "N/P ratio at most 1.4"}
    assert main.plan() is plan
    # What a further sweep leaves out is the main one's, and the rest its own.
    assert (resolved.fidelity, resolved.time_limit, resolved.designs) == ("resolved", 600.0, 2)
    assert (resolved.plan().values == plan.values[:2]).all()
    assert (held.scenario.c_rate, held.scenario.hold_voltage) == (2.0, True)
    assert (held.plan().values == plan.values).all()
    assert (held.observables, held.batch, held.time_limit) == (main.observables, 8, 60.0)
    assert resolved.scenario == main.scenario == study.scenario
    assert (corners.designs, corners.plan().sampler["kind"]) == (None, "grid")
    assert len(corners.plan()) + sum(corners.plan().rejected.values()) == 3 * 3 * 4 * 2 * 3 * 2
    design = plan.design(0)
    assert design[CHANNEL_SHAPE] in ("slit", "hole")
    assert study.space.axis(POSITIVE_THICKNESS).kind == "log"
    assert study.store == "memory://sweeps"
    with pytest.raises(InputError, match="nearest valid: resolved"):
        study.sweep_of("resolve")
    with pytest.raises(InputError, match="must state a 'goal'"):
        _ = study.goal


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("{log: [40", "{lag: [40", "keys must be known ones; received: lag; nearest valid: log"),
        ("{log: [40.0e-6, 80.0e-6]}", "{log: [40.0e-6]}", "'log' must have at least 2 items"),
        ("{log: [40.0e-6, 80.0e-6]}", "{log: [80.0e-6, 40.0e-6]}", "nearest valid: [4e-05, 8e-05]"),
        ("{integer: [1, 4]}", "{integer: [1, 4], log: [1, 4]}", "one of 'log', 'integer', 'choices'"),
        ("{integer: [1, 4]}", "{}", "one of 'log', 'integer', 'choices'"),
        ("{integer: [1, 4]}", "{integer: [1, 4.5]}", "whole numbers"),
        ("{choices: [slit, hole]}", "{choices: [slit, hale]}", "nearest valid: hole"),
        ("{choices: [50.0e-6, 100.0e-6]}", "{choices: [50.0e-6]}", "two choices at least"),
        ("  N/P ratio: {at least", "  N/P rato: {at least", "nearest valid: N/P ratio"),
        ("at least: 1.05", "at leest: 1.05", "received: at leest; nearest valid: at least"),
        ("{at least: 1.05, at most: 1.4}", "{}", "'at least' or 'at most'"),
        ("{at least: 1.05, at most: 1.4}", "{at least: 1.4, at most: 1.3}", "next to none"),
        ("at most: 1.4", "at most: 14", "must lie within [0.5, 3]; received: 14"),
        ('"Negative electrode thickness [m]"}', '"Negative channel width"}', "channel width [m]"),
        ("designs: 64", "designs: 8", "received: 8; nearest valid: 32"),
        ("designs: 64", "sampler: sobbol", "nearest valid: sobol"),
        ("designs: 64", "sampler: {gird: 3}", "received: gird; nearest valid: grid"),
        ("designs: 64", "sampler: {grid: 3, fast: 65}", "one sampler"),
        ("designs: 64", "sampler: {grid: 1000}", "at most 1,000,000 designs"),
        ("designs: 64", "sampler: {saltelli: 100}", "power of two"),
        ("designs: 64", "sampler: {csv: none.csv}", "none.csv: the table of points must be a file"),
        ("  seed: 3", "  sampler: {morris: 4}\n  seed: 3", "sets the number of designs itself"),
        ('"Time [s]"]', '"Time"]', "nearest valid: Time [s]"),
        ("batch: 8", "batch: 0", "received: 0; nearest valid: 1"),
        ("fidelity: resolved", "fidelity: solved", "nearest valid: resolved"),
        ("fidelity: resolved", "fidelty: resolved", "received: fidelty; nearest valid: fidelity"),
        ("designs: 2", "designs: 0", "received: 0; nearest valid: 1"),
        ("  held:", "  he/ld:", "must be letters, digits"),
        ("hold voltage: true", "hold voltages: true", "nearest valid: hold voltage"),
        ("hold voltage: true", "least negative potential [V]: 5", "received: 5; nearest valid: 0.5"),
        (
            "      hold voltage: true",
            "      hold voltage: true\n    fidelity: resolved",
            "at the fidelity 'resolved' a charge is at one constant current",
        ),
        (
            "      hold voltage: true",
            "      start at share: 0.2\n    fidelity: p2d",
            "without its channels charges from empty",
        ),
        (
            "      hold voltage: true",
            "      heat transfer coefficient [W.m-2.K-1]: 10.0\n    fidelity: p2d-columns",
            "isothermal",
        ),
        ("sampler: {grid: 3}", "sampler: {grid: 3}\n    designs: 8", "the number of designs itself"),
        ("variables:", "channels: {shape: hole}\nvariables:", "stated under 'channels' or varied"),
    ],
)
def test_mistakes_about_sweeps_are_named_with_their_line(right: str, wrong: str, message: str) -> None:
    text = SWEEPS.replace(right, wrong, 1)
    assert text != SWEEPS
    with pytest.raises(InputError) as caught:
        parse_study(text, "mine.yaml")
    assert message in str(caught.value)
    assert "mine.yaml, line" in str(caught.value)


def test_mistakes_are_placed_in_the_sweep_that_makes_them() -> None:
    text = SWEEPS.replace("designs: 2\n", "designs: 2\n    seed: -1\n")
    with pytest.raises(InputError, match=f"line {line_of('seed: -1', text)}: 'seed' must"):
        parse_study(text, "mine.yaml")
    text = SWEEPS.replace("fidelity: resolved", "observables: [Tim]")
    with pytest.raises(InputError, match=f"line {line_of('observables: [Tim]', text)}: an observable"):
        parse_study(text, "mine.yaml")


def test_rates_must_be_of_the_stages_of_every_scenario() -> None:
    text = SWEEPS.replace("  C-rate: {integer: [1, 4]}", "  C-rate of stage 2: [0.5, 1.0]")
    text = text.replace("fidelity: resolved", "fidelity: p2d-columns")
    text = text.replace(
        "scenario:\n  C-rate: 1.0", "scenario:\n  C-rate: 1.0\n  later stages: {0.5: 0.7}"
    )
    with pytest.raises(InputError, match="of a stage of the scenario; received: C-rate of stage 2"):
        parse_study(text)


def test_a_box_that_cannot_be_built_is_refused_unless_designs_may_be_left_out() -> None:
    wide = "  Positive electrode thickness [m]: [40.0e-6, 1.0e-3]\n  C-rate: [0.5, 1.0]"
    text = TEXT.replace("  Positive electrode thickness [m]: [40.0e-6, 100.0e-6]", wide)
    with pytest.raises(InputError, match=r"can be built.*or state 'constraints:'"):
        parse_study(text)
    study = parse_study(text.replace("variables:", "constraints: {}\nvariables:", 1))
    plan = study.sweep_of().plan()
    assert len(plan) == 256
    assert any("Negative electrode thickness" in reason for reason in plan.rejected)
    with pytest.raises(InputError, match="must be a mapping of keys to values"):
        parse_study(text.replace("variables:", "constraints:\nvariables:", 1))


def test_points_of_a_study_lie_beside_it(tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text("N/P ratio\n1.1\n1.2\n")
    text = "name: table\ncell: Chen2020\nvariables: {N/P ratio: [1.0, 1.3]}\nscenario: {C-rate: 1.0}\n"
    (tmp_path / "study.yaml").write_text(text + "sweep: {sampler: {csv: points.csv}}\n")
    study = eg.load_study(tmp_path / "study.yaml")
    assert study.sweep_of().plan().values.tolist() == [[1.1], [1.2]]
    (tmp_path / "points.csv").write_text("N/P ratio\n1.1\n1.4\n")
    with pytest.raises(InputError, match=r"study.yaml, line 5.*points.csv, line 3, column 'N/P ratio'"):
        eg.load_study(tmp_path / "study.yaml")


def test_what_can_be_swept_but_not_learned_says_so() -> None:
    check_learnable(parse_study(TEXT))
    log = TEXT.replace("[40.0e-6, 100.0e-6]", "{log: [40.0e-6, 100.0e-6]}")
    check_learnable(parse_study(log))
    for right, wrong, message in (
        ("[1.05, 1.30]", "{choices: [1.05, 1.30]}", "N/P ratio: one of 1.05, 1.3"),
        ("variables:", "constraints: {}\nvariables:", "'constraints' can be swept"),
    ):
        with pytest.raises(InputError, match=message):
            check_learnable(parse_study(TEXT.replace(right, wrong, 1)))
    check_learnable(eg.load_study("R1"))
    with pytest.raises(InputError, match="must state a 'goal'"):
        _ = eg.load_study("R1").goal


@pytest.mark.parametrize(("name", "thickest"), [("R1", 75e-6), ("R1-wide", 110e-6)])
def test_the_reference_problem_is_as_agreed(name: str, thickest: float) -> None:
    study = eg.load_study(name)
    cell, scenario = study.loaded_cell, study.scenario
    assert (cell.negative.empty, cell.negative.full) == (0.03, 0.90)
    assert (cell.positive.empty, cell.positive.full) == (0.90, 0.27)
    assert set(cell.fixed.values()) == {0.95}
    assert scenario.constant_current
    assert (scenario.upper_voltage, scenario.charge_limit) == (4.2, 1.1)
    assert (study.solver.surface_full, study.solver.surface_empty) == (0.999, 0.001)
    assert len(study.space) == 7
    assert study.space.axis(N_P_RATIO).said() == [1.05, 1.3]
    assert study.space.axis(C_RATE).said() == [0.5, 4.0]
    assert study.space.axis(POSITIVE_THICKNESS).upper == thickest
    training, test = (study.sweep_of(sweep).plan() for sweep in ("", "test"))
    assert (len(training), len(test), training.rejected, test.rejected) == (2048, 4096, {}, {})
    assert not set(map(tuple, training.values)) & set(map(tuple, test.values))
