import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import electrograd


def test_help_is_quick() -> None:
    """It imports none of what is slow, and little at all: seconds would be this machine's."""
    code = (
        "import sys; from electrograd.cli import cli\n"
        "cli.main(['--help'], 'electrograd', standalone_mode=False)\n"
        "print(*sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = done.stderr.split()
    assert {"jax", "numpy", "pybamm", "scipy", "xarray", "matplotlib", "rich"}.isdisjoint(imported)
    assert len(imported) < 250, "twice as many as now"
    for command in ("demo", "new", "run", "sweep", "train", "export", "design", "sensitivity", "report"):
        assert f"\n  {command} " in done.stdout


def test_new_writes_a_study_that_is_valid_and_never_overwrites(tmp_path: Path) -> None:
    from electrograd import load_study

    assert electrograd("new", cwd=tmp_path).returncode == 0
    assert load_study(tmp_path / "study.yaml").name == "my_study"
    (tmp_path / "study.yaml").write_text("mine")
    again = electrograd("new", cwd=tmp_path)
    assert again.returncode == 2
    assert "study.yaml exists already; name another file" in again.stderr
    assert (tmp_path / "study.yaml").read_text() == "mine"


def test_bad_input_exits_2_with_one_line(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("name: x\ncel: Chen2020\n")
    done = electrograd("run", "bad.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: bad.yaml")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "runs").exists()
    assert electrograd("run", "nothing.yaml", cwd=tmp_path).returncode == 2
    assert electrograd("rum", cwd=tmp_path).returncode == 2
    assert electrograd("run", cwd=tmp_path).returncode == 2


def test_a_folder_that_cannot_be_made_exits_1(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file in the way")
    done = electrograd("sweep", "fast_charge", cwd=tmp_path)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr


def test_a_sweep_of_another_study_is_refused_by_what_differs(tmp_path: Path) -> None:
    from electrograd import StudyRun
    from electrograd.physics.errors import InputError
    from electrograd.study_file import bundled_text, parse_study

    text = bundled_text("fast_charge")

    def changed(old: str, new: str) -> str:
        assert old in text
        other = StudyRun(parse_study(text.replace(old, new, 1)), tmp_path).sweep()
        with pytest.raises(InputError, match="give the changed study another name") as refused:
            other.fill()
        return str(refused.value)

    with StudyRun(parse_study(text), tmp_path).sweep().opened():
        pass
    assert "variables.N/P ratio = [1.05, 1.3]" in changed("[1.05, 1.30]", "[1.05, 1.31]")
    assert "scenario.c_rate = 1.0" in changed("C-rate: 1.0", "C-rate: 1.5")
    assert "sampler.seed = 1" in changed("seed: 1", "seed: 2")
    ratio = "  N/P ratio: [1.05, 1.30]"
    line = next(each for each in text.splitlines(keepends=True) if each.startswith(ratio))
    moved = text.replace(line, "").replace("\nscenario:", f"{line}\nscenario:", 1)
    with pytest.raises(InputError, match="order of variables"):
        StudyRun(parse_study(moved), tmp_path).sweep().fill()


def test_absurd_boxes_are_refused() -> None:
    from electrograd.physics.errors import InputError
    from electrograd.study_file import bundled_text, parse_study

    thick = bundled_text("fast_charge").replace("[40.0e-6, 100.0e-6]", "[40.0e-6, 1000.0e-6]")
    with pytest.raises(InputError, match=r"can be built: .*within \[5e-06, 0.001\]"):
        parse_study(thick)


def test_import_is_light() -> None:
    """`import electrograd` brings in neither JAX nor PyBaMM."""
    code = "import sys, electrograd; sys.exit(any(m in sys.modules for m in ('jax', 'pybamm')))"
    assert subprocess.run([sys.executable, "-c", code], env=os.environ, check=False).returncode == 0


def test_an_interrupt_in_a_callback_is_not_lost() -> None:
    """JAX has a callback in the garbage collector, and Python drops what is raised in one."""
    code = (
        "import signal, time; from electrograd.cli import _keep_interrupts; _keep_interrupts()\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell's '&' has it ignored
        "class Callback:\n    def __del__(self): raise KeyboardInterrupt\n"
        "Callback(); time.sleep(120); print('slept')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == ""
    assert done.stderr.rstrip().endswith("KeyboardInterrupt")
