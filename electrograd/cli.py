"""The command line. Heavy imports happen inside the commands, so that ``--help`` is quick."""

import logging
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from electrograd.steps import DesignPackage, StudyRun

DONE, FAILED, BAD_INPUT = 0, 1, 2
TEMPLATE = "fast_charge"


class _LimitsNotMetError(Exception):
    """The chain ran, but no design meets the limits."""


_runs = click.option(
    "--runs",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="Folder for results; a study's are in the folder of its name.",
)
_quiet = click.option("-q", "--quiet", is_flag=True, help="Say nothing but results and errors.")
_verbose = click.option("-v", "--verbose", is_flag=True, help="Say more.")
_file = click.Path(dir_okay=False, path_type=Path)
_study = click.argument("study", metavar="STUDY")


class _InOrder(click.Group):
    """Lists commands in the order in which they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names as a newcomer meets them."""
        return [
            "demo",
            "new",
            "run",
            "sweep",
            "train",
            "export",
            "design",
            "front",
            "packages",
            "why",
            "sensitivity",
            "identify",
            "report",
        ]


@click.group(cls=_InOrder, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="electrograd")
def cli() -> None:
    """Design fast-charging battery electrodes.

    STUDY is the path of a study file (start one with `electrograd new`) or the name of a bundled study.
    Every step runs what it needs of the steps before it and resumes from what exists. Exit status: 0
    done, 1 failed, 2 bad input.
    """


def _step(action: Callable[["StudyRun"], None]) -> click.Command:
    """Make a command of one step; name and help are the function's."""

    @_study
    @_runs
    @_quiet
    @_verbose
    def command(study: str, runs: Path, quiet: bool, verbose: bool) -> None:
        _start(study, runs, quiet, verbose, action)

    return cli.command(action.__name__, help=action.__doc__)(command)


def _start(
    study: str, runs: Path, quiet: bool, verbose: bool, action: Callable[["StudyRun"], None]
) -> None:
    """Validate the study before the slow imports' work begins, then act on it."""
    logger = logging.getLogger("electrograd")
    logger.addHandler(logging.StreamHandler())
    logger.setLevel(logging.INFO if verbose else logging.WARNING)
    from electrograd.study_file import load_study

    loaded = load_study(study)
    from electrograd.console import Reporter
    from electrograd.steps import StudyRun

    # What matters of what Dask logs comes as an error; it logs whole tracebacks of a lost scheduler.
    for name in logging.root.manager.loggerDict:
        if name.partition(".")[0] == "distributed":
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    action(StudyRun(loaded, runs, Reporter(quiet)))


@_step
def run(run: "StudyRun") -> None:
    """Run every step of STUDY, one after the other."""
    _everything(run)


@cli.command()
@_study
@_runs
@_quiet
@_verbose
@click.option("--name", help="One sweep: main, or a further one's name.  [default: every one]")
@click.option("--workers", type=click.IntRange(1), help="Processes here.  [default: one a core]")
@click.option("--scheduler", metavar="ADDRESS", help="Run on the workers of this Dask scheduler.")
@click.option("--retry", is_flag=True, help="Simulate again what failed before.")
@click.option("--status", is_flag=True, help="Say how far it is; simulate nothing.")
@click.option("--row", type=int, metavar="K", help="Show one design, counted from 0; simulate nothing.")
@click.option("--rerun", is_flag=True, help="With --row: simulate it again and compare.")
@click.option("--export", type=_file, metavar="FILE", help="Write it as .nc, .parquet or .csv too.")
@click.option("--picture", type=_file, metavar="FILE", help="Where to draw it, as .png.")
def sweep(study: str, runs: Path, quiet: bool, verbose: bool, name: str | None, **options: Any) -> None:
    """Simulate the designs of STUDY in PyBaMM.

    It goes on where it was, or grows if the study asks for more designs. Afterwards a picture of where
    designs ended lies beside the store.
    """
    from electrograd.sweep_command import SweepOptions, act

    given = SweepOptions(**options)
    _start(study, runs, quiet, verbose, lambda run: act(run, name, given))


@cli.command()
@_study
@_runs
@_quiet
@_verbose
@click.option(
    "--tune",
    is_flag=False,
    flag_value=20,
    type=click.IntRange(1),
    metavar="[TRIALS]",
    help="Search width, depth, learning rate and steps by short trainings (20, if not said), and print "
    "the best as a section for the study file. Needs electrograd[tune].",
)
@click.option(
    "--learning-curve",
    is_flag=True,
    help="Tell whether more designs pay: train on a quarter, half, all.",
)
def train(study: str, runs: Path, quiet: bool, verbose: bool, **options: Any) -> None:
    """Train the surrogate and state its errors.

    Training stops early where errors on designs held out fall no more. Ended by Ctrl-C, it goes on where
    it was: the ensemble from its last check, bit for bit, the student from its beginning. A card of its
    accuracy and pictures lie beside the surrogate.
    """
    from electrograd.train_command import TrainOptions, act

    given = TrainOptions(**options)
    _start(study, runs, quiet, verbose, lambda run: act(run, given))


@cli.command()
@_study
@click.argument("file", metavar="FILE", type=_file)
@_runs
@_quiet
@_verbose
def export(study: str, file: Path, runs: Path, quiet: bool, verbose: bool) -> None:
    """Write the surrogate of STUDY as one function.

    FILE ends in .jaxexport (a serialised JAX function, which needs JAX alone) or in .onnx (which needs
    electrograd[onnx] to be written).
    """
    from electrograd.surrogates.exported import check_target, export_surrogate

    check_target(file)

    def act(run: "StudyRun") -> None:
        from electrograd.learning import curves_of

        export_surrogate(curves_of(run), file)
        click.echo(f"wrote {file}")

    _start(study, runs, quiet, verbose, act)


@_step
def design(run: "StudyRun") -> None:
    """Design by gradients and verify in PyBaMM."""
    _conclude(run.design)


@_step
def front(run: "StudyRun") -> None:
    """Trade the goal off against a second figure."""
    from electrograd.front_command import act

    act(run)
    click.echo(run.folder / "front")


@_step
def packages(run: "StudyRun") -> None:
    """Make the packages of STUDY and compare them."""
    from electrograd.packages_command import act

    lines, page, broken = act(run)
    for line in lines:
        click.echo(line)
    click.echo(f"\nOverview: {page}")
    if broken:
        raise _LimitsNotMetError(f"no design was found that meets every limit: {', '.join(broken)}")


@_step
def why(run: "StudyRun") -> None:
    """Say what limits the design's charge, and what would help."""
    from electrograd.why_view import why_lines

    for line in why_lines(run.why):
        click.echo(line)


@_step
def sensitivity(run: "StudyRun") -> None:
    """Compute which variable matters: Sobol indices."""
    from electrograd.tables import sensitivity_lines

    for line in sensitivity_lines(run.sensitivity):
        click.echo(line)


@_step
def identify(run: "StudyRun") -> None:
    """Estimate a cell's parameters from measured curves."""
    from electrograd.identify_command import act, identification_lines

    for line in identification_lines(act(run)):
        click.echo(line)
    click.echo(f"\nReport: {run.folder / 'identification' / 'report.html'}")


@_step
def report(run: "StudyRun") -> None:
    """Draw the figures and write report.html."""
    click.echo(run.report)


@cli.command()
@_runs
@_quiet
@_verbose
def demo(runs: Path, quiet: bool, verbose: bool) -> None:
    """Run the bundled study: from a cell to a design.

    The study is fast_charge; it takes about two minutes on two cores.
    """
    _start(TEMPLATE, runs, quiet, verbose, _everything)


@cli.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), default="study.yaml")
def new(file: Path) -> None:
    """Write a commented study file to start from.

    FILE is study.yaml by default, and never overwritten.
    """
    from importlib.resources import files

    text = (files("electrograd") / "studies" / f"{TEMPLATE}.yaml").read_text(encoding="utf-8")
    try:
        with file.open("x", encoding="utf-8") as handle:
            for old in (f"name: {TEMPLATE}", f"runs/{TEMPLATE}"):
                text = text.replace(old, old.replace(TEMPLATE, "my_study"))
            handle.write(text)
    except FileExistsError:
        raise click.UsageError(f"{file} exists already; name another file") from None
    click.echo(f"wrote {file}; run it with: electrograd run {file}")


def _everything(run: "StudyRun") -> None:
    _ = run.report
    _conclude(run.design)


def _conclude(package: "DesignPackage") -> None:
    """Print the design beside the baseline; say so if no design meets the limits."""
    click.echo(package.summary())
    page = package.folder / "report.html"
    click.echo(f"\nPackage: {package.folder}" + (f"\nReport:  {page}" if page.exists() else ""))
    if not package.limits_met:
        raise _LimitsNotMetError(
            "no design was found that meets every limit in the simulation; the nearest is reported"
        )


def _keep_interrupts() -> None:
    """Raise a Ctrl-C again that came in a callback of the garbage collector, where Python drops it."""
    usual, main_thread = sys.unraisablehook, threading.get_ident()

    def hook(unraisable: Any) -> None:
        if isinstance(unraisable.exc_value, KeyboardInterrupt):
            again = (main_thread, signal.SIGINT)
            threading.Timer(0.05, signal.pthread_kill, again).start()
        else:
            usual(unraisable)

    sys.unraisablehook = hook


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and turn errors into one line and an exit status."""
    _keep_interrupts()
    given = sys.argv[1:] if arguments is None else arguments
    try:
        result: Any = cli.main(args=given, prog_name="electrograd", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("stopped; what is done is kept, and the same command goes on from there", err=True)
        sys.exit(FAILED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except _LimitsNotMetError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(FAILED)
    except OSError as error:
        click.echo(f"error: {error}; what was stored is kept", err=True)
        sys.exit(FAILED)
    except RuntimeError as error:
        from electrograd.sweeps.location import LockLostError
        from electrograd.sweeps.runner import WorkersLostError

        if not isinstance(error, WorkersLostError | LockLostError):
            raise
        click.echo(f"error: {error}", err=True)
        sys.exit(FAILED)
    except ValueError as error:
        from electrograd.physics.errors import InputError  # here, for it imports JAX

        if not isinstance(error, InputError):
            raise
        click.echo(f"error: {error}", err=True)
        sys.exit(BAD_INPUT)
    sys.exit(result if isinstance(result, int) else DONE)
