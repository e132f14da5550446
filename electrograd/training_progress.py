"""Progress of a training as two stages, each with its own pace: their steps cost differently."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from electrograd.console import Reporter, Update


class TrainingProgress:
    """What `fitting.train` tells its progress to.

    Attributes
    ----------
    student_error
        Median RMSE between the student's voltage and the ensemble's [mV]; None while there is none.
    """

    def __init__(self, reporter: Reporter, ensemble_steps: int, bars: ExitStack) -> None:
        self.student_error: float | None = None
        self._reporter, self._ensemble_steps, self._bars = reporter, ensemble_steps, bars
        self._update = self._begin("Training ensemble")

    def _begin(self, what: str) -> Update:
        self._bars.close()
        return self._bars.enter_context(self._reporter.progress(what))

    def __call__(self, done: int, total: int, error: float) -> None:
        """Tell one check, of whichever stage it is."""
        before = self._ensemble_steps
        if done <= before:
            self._update(done, before, f"voltage error {error:.2f} mV held out")
            return
        if self.student_error is None:
            self._update = self._begin("Training student")
        self.student_error = error
        note = f"voltage within {error:.3f} mV of the ensemble's"
        self._update(done - before, total - before, note)


@contextmanager
def training_progress(reporter: Reporter, ensemble_steps: int) -> Iterator[TrainingProgress]:
    """Show a training's progress with the error in millivolts.

    Parameters
    ----------
    ensemble_steps
        Steps of the ensemble; what comes after them are the student's.
    """
    with ExitStack() as bars:
        yield TrainingProgress(reporter, ensemble_steps, bars)
