"""What ``electrograd sweep`` does with a study's sweeps: fill them, show them, write them elsewhere."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

from electrograd.physics.charge import End
from electrograd.physics.errors import InputError, check_name
from electrograd.steps import StudyRun
from electrograd.study import MAIN, SHOWN_AS
from electrograd.sweep_figure import draw_sweep
from electrograd.sweep_view import row_lines, status_lines
from electrograd.sweeping import StudySweep
from electrograd.sweeps.export import check_file, export


@dataclass(frozen=True)
class SweepOptions:
    """The options of the command; what they mean stands in its help.

    Raises
    ------
    InputError
        For options that contradict each other, and files of an unknown kind.
    """

    workers: int | None
    scheduler: str | None
    retry: bool
    status: bool
    row: int | None
    rerun: bool
    export: Path | None
    picture: Path | None

    def __post_init__(self) -> None:
        if self.rerun and self.row is None:
            raise InputError("--rerun is of one design", "no --row", "--row 0 --rerun")
        if self.workers and self.scheduler:
            raise InputError(
                "a sweep runs here, or on a scheduler's workers", "--workers and --scheduler"
            )
        filling = {"--workers": self.workers, "--scheduler": self.scheduler, "--retry": self.retry}
        others = {"--status": self.status, "--export": self.export, "--picture": self.picture}
        if self.status:
            _refuse("--status simulates nothing", filling)
        if self.row is not None:
            _refuse("--row is of one design, and simulates no other", {**filling, **others})
        if self.export:
            check_file(self.export, (".nc", ".parquet", ".csv"))
        if self.picture:
            check_file(self.picture, (".png",))


def _refuse(rule: str, options: dict[str, Any]) -> None:
    for name, value in options.items():
        if value:
            raise InputError(rule, name, f"the command without {name}")


def act(run: StudyRun, name: str | None, options: SweepOptions) -> None:
    """Do to one sweep of a study, or to each, what the options say."""
    names = run.study.sweep_names
    if name is not None:
        check_name(name, [SHOWN_AS, *names[1:]], "a sweep must be one of the study's")
    one = options.row is not None or options.export or options.picture
    if name is not None or one:
        names = (MAIN,) if name in (None, SHOWN_AS) else (str(name),)
    for each in names:
        sweep = run.sweep(each)
        if options.row is not None:
            _show(sweep, options.row, options.rerun)
            continue
        if options.status:
            _tell(sweep)
        else:
            _fill(sweep, options, run.folder / f"{Path(sweep.place).stem}.png")
        if options.status and options.picture:
            _draw(sweep, options.picture)
        if options.export:
            sweep.store.check_whole()
            for path in export(sweep.data, options.export):
                click.echo(f"Exported: {path}")


def _fill(sweep: StudySweep, options: SweepOptions, picture: Path) -> None:
    store = sweep.fill(options.workers, options.scheduler, options.retry)
    click.echo(f"{len(store)} designs in {sweep.place}")
    for end, count in zip(*np.unique(store.ends, return_counts=True), strict=True):
        click.echo(f"  {count:6d} {End(end).label}")
    for reason, count in store.rejected.items():
        click.echo(f"  {count:6d} more left out: {reason}")
    if options.picture:
        picture = options.picture
    else:  # its folder is not there yet where the study keeps its store elsewhere
        picture.parent.mkdir(parents=True, exist_ok=True)
    _draw(sweep, picture)


def _draw(sweep: StudySweep, picture: Path) -> None:
    draw_sweep(sweep.data, picture)
    click.echo(f"Picture: {picture}")


def _tell(sweep: StudySweep) -> None:
    if not sweep.begun:
        click.echo(f"{sweep.place}: not begun")
        return
    click.echo(f"{sweep.place}:")
    for line in status_lines(sweep.data, sweep.store.location.writer()):
        click.echo(line)


def _show(sweep: StudySweep, row: int, rerun: bool) -> None:
    for line in row_lines(sweep.data, row):
        click.echo(line)
    if rerun:
        lines, agrees = sweep.rerun(row)
        click.echo("\nSimulated again:")
        for line in lines:
            click.echo(f"  {line}")
        if not agrees:
            raise click.ClickException(f"row {row}, simulated again, differs from what is stored")
