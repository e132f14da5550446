"""What a study file says of its sweeps: what they come to, and every mistake with its line."""

from pathlib import Path

import pytest

import electrograd as eg
from electrograd.console import Reporter
from electrograd.learning import check_learnable
from electrograd.physics.charge import CURVES, TIME
from electrograd.physics.errors import InputError
from electrograd.physics.variables import CHANNEL_SHAPE, POSITIVE_THICKNESS
from electrograd.study_file import bundled_text, parse_study
from electrograd.sweeping import StudySweep

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
        (
            "{choices: [slit, hole]}",
            "[slit, hole]",
            "takes labels; received: ['slit', 'hole']; nearest valid: {choices: [slit, hole]}",
        ),
        ("{choices: [slit, hole]}", "{integer: [0, 1]}", "takes labels; received: {'integer': [0, 1]}"),
        ("{integer: [1, 4]}", "{choices: [1, 2, true]}", "of 'C-rate' must be numbers; received: True"),
        ("{integer: [1, 4]}", "[1, fast]", "of 'C-rate' must be numbers; received: 'fast'"),
        ("{integer: [1, 4]}", "[1, .nan]", "of 'C-rate' must be finite; received: nan"),
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
        ("designs: 64", "sampler: grid", "received: grid; nearest valid: {grid: 5}"),
        ("designs: 64", "sampler: saltelli", "nearest valid: {saltelli: 64}"),
        ("designs: 64", "sampler: morris", "nearest valid: {morris: 10}"),
        ("designs: 64", "sampler: fast", "nearest valid: {fast: 65}"),
        ("designs: 64", "sampler: csv", "nearest valid: {csv: points.csv}"),
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
        ("  held:", "  main:", "is called 'main'; received: main; nearest valid: main-2"),
        ("memory://sweeps", '" "', "'store' must be a folder or a URL"),
        ("memory://sweeps", "memry://sweeps", "fsspec can reach; received: memry://sweeps"),
        ("hold voltage: true", "hold voltages: true", "nearest valid: hold voltage"),
        ("hold voltage: true", "least negative potential [V]: 5", "received: 5; nearest valid: 0.005"),
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


@pytest.mark.parametrize(
    ("sweep", "further", "batches"),
    [
        ("designs: 999", "fidelity: resolved", (16, 1)),
        ("designs: 1000", "designs: 8", (64, 16)),
        ("designs: 64, batch: 8", "fidelity: solid", (8, 8)),
        ("fidelity: resolved", "fidelity: p2d-channels", (1, 16)),
        ("sampler: {grid: 10}", "batch: 5", (16, 5)),
        ("sampler: {grid: 32}", "sampler: {grid: 31}", (64, 16)),
    ],
)
def test_batches_suit_what_a_design_takes(sweep: str, further: str, batches: tuple[int, int]) -> None:
    text = "name: batches\ncell: Chen2020\nscenario: {C-rate: 1.0}\n"
    text += "variables: {N/P ratio: [1.1, 1.3], C-rate: [1, 2]}\n"
    study = parse_study(text + f"sweep: {{{sweep}}}\nfurther sweeps: {{other: {{{further}}}}}\n")
    assert (study.sweep_of().batch, study.sweep_of("other").batch) == batches


def test_stores_lie_where_the_study_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the study file, at home, or at a URL: in a folder of the study's name."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    for said, lies in (
        ("stores", f"{tmp_path}/stores/fast_charge"),
        ("stores/", f"{tmp_path}/stores/fast_charge"),
        ("~/stores", f"{tmp_path}/home/stores/fast_charge"),
        (f"{tmp_path}/far", f"{tmp_path}/far/fast_charge"),
        ("memory://bucket/", "memory://bucket/fast_charge"),
        (None, f"{tmp_path}/runs/fast_charge"),
    ):
        (tmp_path / "study.yaml").write_text(TEXT + (f"\nstore: {said}\n" if said else ""))
        study = eg.load_study(tmp_path / "study.yaml")
        sweep = StudySweep(study, tmp_path / "runs" / "fast_charge", Reporter(quiet=True))
        assert Path(sweep.place) == Path(f"{lies}/sweep.zarr")


def test_what_can_be_swept_but_not_learned_says_so() -> None:
    check_learnable(parse_study(TEXT))
    log = TEXT.replace("[40.0e-6, 100.0e-6]", "{log: [40.0e-6, 100.0e-6]}")
    check_learnable(parse_study(log))
    for right, wrong, message in (
        (
            "[1.05, 1.30]",
            "{choices: [1.30, 1.05]}",
            r"of 1.3, 1.05; nearest valid: N/P ratio: \[1.05, 1.3\]",
        ),
        ("variables:", "constraints: {}\nvariables:", "'constraints' can be swept"),
    ):
        with pytest.raises(InputError, match=message):
            check_learnable(parse_study(TEXT.replace(right, wrong, 1)))
    labels = SWEEPS.replace("C-rate: {integer: [1, 4]}", "C-rate: [1, 4]")
    labels = labels.replace("{choices: [50.0e-6, 100.0e-6]}", "[5.0e-5, 1.0e-4]")
    with pytest.raises(InputError, match=r"hole; nearest valid: channels: {shape: slit}"):
        check_learnable(parse_study(labels))
    check_learnable(eg.load_study("R1"))
    with pytest.raises(InputError, match="must state a 'goal'"):
        _ = eg.load_study("R1").goal
