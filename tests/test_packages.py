"""A study's packages: what each comes to, mistakes with their line, and what they share."""

import dataclasses
from pathlib import Path

import pytest

import electrograd as eg
from electrograd.overview import Made, best_of, overview_lines
from electrograd.packages_command import runs_of
from electrograd.physics.errors import InputError
from electrograd.physics.variables import (
    ACCEPTED_CAPACITY,
    CHARGE_TIME,
    PLATING_MARGIN,
    POSITIVE_THICKNESS,
    SPECIFIC_ENERGY,
)
from electrograd.study_file import bundled_text, parse_study

TEXT = bundled_text("fast_charge")
PACKAGES = """
packages:
  hungry:
    goal:
      limits:
        Accepted share of nominal capacity: {at least: 0.6}
        Plating margin [V]: null
  cold:
    scenario:
      temperature [K]: 273.15
    variables:
      Positive electrode thickness [m]: [30.0e-6, 60.0e-6]
  quick:
    goal:
      minimise: Charge time to 80 % [s]
"""


def test_packages_differ_in_what_they_state() -> None:
    study = parse_study(TEXT + PACKAGES)
    hungry, cold, quick = study.packages.values()
    assert [one.name for one in (hungry, cold, quick)] == [
        "fast_charge-hungry",
        "fast_charge-cold",
        "fast_charge-quick",
    ]
    (limit,) = hungry.goal.limits
    assert (limit.value, hungry.goal.figure) == (0.6, study.goal.figure)
    assert dataclasses.replace(cold.scenario, temperature=298.15) == study.scenario
    assert cold.space.axis(POSITIVE_THICKNESS).upper == 60e-6
    assert len(cold.space) == len(study.space)
    assert (quick.goal.sense, quick.goal.figure) == ("minimise", CHARGE_TIME)
    assert quick.goal.limits == study.goal.limits


def test_packages_that_learn_alike_share_what_they_learn(tmp_path: Path) -> None:
    runs = runs_of(parse_study(TEXT + PACKAGES), tmp_path, eg.Reporter(quiet=True))
    folders = [run.sweep().place for run in runs]
    own = [str(run.folder / "sweep.zarr") for run in runs]
    assert [place == mine for place, mine in zip(folders, own, strict=True)] == [True, False, True, True]
    assert folders[1] == folders[0]
    assert not list(tmp_path.iterdir()), "nothing is begun yet"


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("{at least: 0.6}", "{at least: 60}", "received: 60.0; nearest valid: 0.6"),
        ("temperature [K]: 273.15", "temperature [K]: 0", "nearest valid: 273.15"),
        ("    scenario:\n      temp", "    scenaro:\n      temp", "nearest valid: scenario"),
        ("[30.0e-6, 60.0e-6]", "[30, 60]", "nearest valid: [3e-05, 6e-05]"),
        (
            "  quick:\n    goal:\n      minimise: Charge time to 80 % [s]",
            "  quick: 3",
            "must be a mapping",
        ),
        ("  quick:\n    goal:", "  quick:\n    name: other\n    goal:", "cannot state its name"),
        ("Plating margin [V]: null", "Plating margn [V]: {at least: 0.0}", "Plating margin [V]"),
        # what a package leaves as it is stands in the study: here N/P beside both thicknesses
        (
            "      Positive electrode thickness [m]: [30.0e-6, 60.0e-6]",
            "      Negative electrode thickness [m]: [30.0e-6, 60.0e-6]",
            "(package 'cold')",
        ),
    ],
)
def test_mistakes_in_packages_are_named(right: str, wrong: str, message: str) -> None:
    text = (TEXT + PACKAGES).replace(right, wrong)
    assert text != TEXT + PACKAGES
    with pytest.raises(InputError) as caught:
        parse_study(text, "mine.yaml")
    assert message in str(caught.value)
    assert "mine.yaml, line" in str(caught.value)


def test_a_study_without_packages_is_told_how_to_state_them() -> None:
    with pytest.raises(InputError, match="to be compared"):
        runs_of(parse_study(TEXT))


def made(name: str, energy: float | None, met: bool, sense: str = "maximise") -> Made:
    figures = {
        SPECIFIC_ENERGY: {"simulated": energy},
        PLATING_MARGIN: {"simulated": 0.001},
        ACCEPTED_CAPACITY: {"simulated": 30.0 if energy else None},
    }
    record = {
        "goal": {"figure": SPECIFIC_ENERGY, "sense": sense, "limits": [{"figure": PLATING_MARGIN}]},
        "limits_met": met,
        "figures_of_merit": figures,
        "variables": {POSITIVE_THICKNESS: {"value": 50e-6}},
        "parameters": {},
    }
    return Made(name, Path(), record, None)


def test_the_best_is_the_best_of_those_that_meet_their_limits() -> None:
    three = [made("a", 300.0, True), made("b", 310.0, True), made("c", 320.0, False)]
    assert best_of(three) is three[1]
    assert best_of([made("c", 320.0, False)]) is None
    assert best_of([made("a", 300.0, True), made("d", 310.0, True, "minimise")]) is None
    lines = overview_lines([*three, made("failed", None, False)])
    assert lines[1].split() == ["a", "b", "*", "c", "failed"]
    assert "BROKEN" in lines[2]
    assert lines[-1] == "* the best"
    assert "300.0" in next(line for line in lines if line.startswith("Discharge specific energy"))
