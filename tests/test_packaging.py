"""What is installed is what is tracked."""

import subprocess
import sys
import zipfile
from pathlib import Path

from conftest import ROOT

FOLDERS = {"electrograd": "electrograd"} | {
    name: f"electrograd/{name}" for name in ("physics", "sweeps", "surrogates", "design", "studies")
}


def test_the_wheel_holds_every_tracked_file(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path), str(ROOT)],
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    packed = {n for n in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in n}
    tracked = subprocess.run(
        ["git", "ls-files", *FOLDERS], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    expected = {
        f"{FOLDERS[path.split('/')[0]]}/{path.split('/', 1)[1]}"
        for path in tracked
        if not (ROOT / path).is_symlink()
    }
    assert packed == expected


def test_nothing_names_an_index_host() -> None:
    text = (ROOT / "constraints.txt").read_text()
    assert "://" not in text
    assert "--" not in text
