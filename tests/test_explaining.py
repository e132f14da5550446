"""An explanation in words, tables and a picture; the demo's own is tested with the demo."""

import html
from pathlib import Path
from typing import Any

import pytest

from electrograd import why_view
from electrograd.cli import main
from electrograd.explaining import _told
from electrograd.physics.cell import Cell
from electrograd.physics.errors import InputError
from electrograd.physics.limiting import Explainer
from electrograd.physics.scenario import Scenario
from electrograd.report import as_svg, template
from electrograd.steps import StudyRun
from electrograd.sweeps.solver import Lost
from electrograd.tables import display
from electrograd.why_view import group_rows, known, losses_picture, remedy_rows, why_lines


@pytest.fixture(scope="module")
def record(cell: Cell) -> dict[str, Any]:
    explainer = Explainer(cell, Scenario(1.0))
    gains = {"gains": {"negative pores": 0.021, "positive pores": None, "positive particles": 0.1}}
    return {
        "held": False,
        "design": {**_told(explainer({}, remedies=False)), **gains},
        "baseline": _told(Lost(hung=True, message="ended after 60 s")),
    }


def test_a_baseline_that_failed_is_said_and_the_design_explained(record: dict[str, Any]) -> None:
    lines = why_lines(record)
    assert lines[0].startswith("Design: At 1C ")
    assert lines[1] == "Baseline: ended after 60 s"
    assert known(record) == ["design"]
    assert as_svg(losses_picture(record)).count("<svg") == 1
    assert _told(InputError("a rule", 1.0))["failed"].startswith("a rule")


@pytest.mark.parametrize("homogenised", [True, False])
def test_the_page_says_so_too(record: dict[str, Any], homogenised: bool) -> None:
    share = "Accepted share of nominal capacity"

    def page(one: dict[str, Any]) -> str:
        return html.unescape(
            template("why.html.jinja").render(
                why={**one, "channels_homogenised": homogenised},
                words=why_view,
                drawn={"losses": ""} if known(one) else {},
                figures={share: display(share)},
                fom={share: {"simulated": 0.5}},
            )
        )

    told = page(record)
    assert record["design"]["sentence"] in told
    assert "It could not be simulated: ended after 60 s" in told
    assert "+10.0" in told
    assert ("and 50.00 % as it was verified" in told) == homogenised
    swapped = page({**record, "design": record["baseline"], "baseline": record["design"]})
    assert "as it was verified" not in swapped
    assert "<table>" in swapped
    lost = page({**record, "design": record["baseline"]})
    assert lost.count("It could not be simulated") == 2
    assert "<table>" not in lost


def test_the_verb_tells_it(
    record: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(StudyRun, "why", record)
    with pytest.raises(SystemExit, match="0"):
        main(["why", "-q", "fast_charge", "--runs", str(tmp_path)])
    assert capsys.readouterr().out.splitlines() == why_lines(record)


def test_changes_are_ranked_and_what_failed_is_last(record: dict[str, Any]) -> None:
    rows = remedy_rows(record)
    assert [row[0].split()[0] for row in rows] == ["smaller", "more", "more"]
    assert [row[1:] for row in rows] == [("+10.0", "–"), ("+2.1", "–"), ("–", "–")]
    assert "(percentage points of the nominal capacity)" in "\n".join(why_lines(record))
    assert "(per cent less time)" in "\n".join(why_lines({**record, "held": True}))


def test_every_group_is_told_of_both(record: dict[str, Any]) -> None:
    rows = group_rows(record)
    assert len(rows) == 10
    groups = record["design"]["groups"]
    assert rows[0][1:] == (f"{groups['negative']['solid_diffusion']:.2g}", "–", "small")
    assert rows[-2][1] == f"{groups['limiting_current']:.2g}"
