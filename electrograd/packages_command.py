"""`electrograd packages`: every package of a study, and a page that compares them.

The study itself is the first, unless it has no goal. Packages that differ in what they aim at only share
one sweep and one surrogate. In ``runs/<study>/``: ``overview.html`` and ``overview.json``; each package
has a folder of its own, ``runs/<study>-<package>``.
"""

from pathlib import Path

from electrograd.console import Reporter
from electrograd.front_command import act as trace
from electrograd.learning import check_trainable
from electrograd.overview import Made, overview_lines, write_overview
from electrograd.physics.errors import InputError
from electrograd.steps import StudyRun, learns_alike
from electrograd.study import Study


def runs_of(study: Study, runs: str | Path = "runs", reporter: Reporter | None = None) -> list[StudyRun]:
    """The runs of a study and its packages; those that learn alike share sweeps and surrogate.

    Raises
    ------
    InputError
        For a study without packages, or one of them that cannot be designed.
    """
    if not study.packages:
        raise InputError(
            "a study must state 'packages' to be compared",
            "a study without them",
            "packages: {slow: {scenario: {C-rate: 0.5}}}",
        )
    made: list[StudyRun] = []
    for one in (*([study] if study.goal_section else []), *study.packages.values()):
        base = next((run for run in made if learns_alike(run.study, one)), None)
        run = StudyRun(one, runs, reporter, base)
        _ = one.goal
        check_trainable(run)
        made.append(run)
    return made


def run_packages(
    study: Study, runs: str | Path = "runs", reporter: Reporter | None = None
) -> list[Made]:
    """Make every package of a study, with its report and the front that it states, and the overview.

    What is there already is taken; raises as `runs_of` does.
    """
    made = []
    names = {package.name: name for name, package in study.packages.items()}
    for run in runs_of(study, runs, reporter):
        name = names.get(run.study.name, run.study.name)
        run.reporter.say(f"Package: {name}")
        _ = run.report
        front = trace(run) if run.study.front_section else None
        made.append(Made(name, run.design.folder, run.design.record, front))
    write_overview(Path(runs) / study.name, study.name, made)
    return made


def act(run: StudyRun) -> tuple[list[str], Path, list[str]]:
    """Make them; return the comparison in lines, the page, and packages that break their limits."""
    made = run_packages(run.study, run.folder.parent, run.reporter)
    broken = [one.name for one in made if not one.record["limits_met"]]
    return overview_lines(made), run.folder / "overview.html", broken
