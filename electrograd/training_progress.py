"""Progress of a training as two stages, each with its own pace: their steps cost differently."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from electrograd.console import Reporter, Update
from electrograd.surrogates.progress import Progress


@contextmanager
def training_progress(reporter: Reporter, ensemble_steps: int) -> Iterator[Progress]:
    """Show a training's progress with the error in millivolts; yields what `fitting.train` is given.

    Parameters
    ----------
    ensemble_steps
        Steps of the ensemble; what comes after them are the student's.
    """
    with ExitStack() as bar:
        update: Update = bar.enter_context(reporter.progress("Training ensemble"))
        taught = False

        def tell(done: int, total: int, error: float) -> None:
            nonlocal update, taught
            if done <= ensemble_steps:
                update(done, ensemble_steps, f"voltage error {error:.2f} mV held out")
                return
            if not taught:
                taught = True
                bar.close()
                update = bar.enter_context(reporter.progress("Training student"))
            note = f"voltage within {error:.3f} mV of the ensemble's"
            update(done - ensemble_steps, total - ensemble_steps, note)

        yield tell
