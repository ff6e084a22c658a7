"""`workbench new`: a showcase that passes every check at once; bad names refused; all of it written, or nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from workbench import cli
from workbench.commands import new

TOP = Path(__file__).resolve().parents[1]


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with nothing but what `workbench new` looks at."""
    shutil.copytree(TOP / "skeleton", tmp_path / "skeleton")
    shutil.copy(TOP / "pyproject.toml", tmp_path)
    for place in ("notebooks/30_sde.ipynb", "workbench/figures/layout.py", "workbench/showcases/sde/a.py"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).touch()
    monkeypatch.setattr(new, "_TOP", tmp_path)
    return tmp_path


def tree(top: Path) -> set[Path]:
    return set(top.rglob("*"))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("2kites", "small letters"),
        ("Kite", "small letters"),
        ("../kite", "small letters"),
        ("kite\n", "small letters"),
        ("lambda", "a keyword"),
        ("k" * 25, "at most 24"),
        ("utils", "says nothing"),
        ("sde", "workbench/showcases/sde is there already"),
        ("layout", "workbench/figures/layout.py is there already"),
        ("find", "workbench.showcases.find is something else"),
        ("description", "workbench.figures.description is something else"),
    ],
)
def test_bad_names(name: str, words: str, house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = tree(house)
    assert cli.main(["new", name]) == 2
    assert words in capsys.readouterr().err
    assert tree(house) == before


@pytest.mark.parametrize(
    ("error", "code"), [(OSError(28, "No space left on device"), 5), (KeyboardInterrupt(), 130)]
)
def test_a_failure_half_way_leaves_nothing(error: BaseException, code: int, house: Path, monkeypatch) -> None:
    before, opened, count = tree(house), Path.open, []

    def fails_at_last(self: Path, mode: str = "r", *rest, **options):
        count.append(mode == "x")
        if sum(count) == 6:
            raise error
        return opened(self, mode, *rest, **options)

    monkeypatch.setattr(Path, "open", fails_at_last)
    assert cli.main(["new", "kite"]) == code
    assert sum(count) == 6
    assert tree(house) == before


@pytest.mark.parametrize("name", ["k", "skeleton_2", "z" * 24])
def test_the_style_holds_whatever_the_name(name: str, house: Path) -> None:
    assert cli.main(["new", name]) == 0
    assert (house / f"notebooks/40_{name}.ipynb").is_file()
    shutil.rmtree(house / "skeleton")
    (house / "notebooks/30_sde.ipynb").unlink()
    for check in (["check", "--no-cache"], ["format", "--check", "--no-cache"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *check, "."], cwd=house, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_a_new_showcase_passes_every_check(tmp_path: Path) -> None:
    listed = subprocess.run(
        ["git", "-C", str(TOP), "ls-files", "-z", "-co", "--exclude-standard"], capture_output=True, text=True
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    copy = tmp_path / "copy"
    for name in filter(None, listed.stdout.split("\0")):
        if (TOP / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(TOP / name, copy / name)
    settings = {"PYTHONPATH": str(copy), "WORKBENCH_PRESET": "smoke", "WORKBENCH_LIVE": "0"}
    python, pytest_ = [sys.executable, "-m"], [sys.executable, "-m", "pytest", "-q", "-x"]
    commands = [
        ["git", "init", "-q"],
        [*python, "workbench", "new", "kite"],
        ["git", "add", "-A"],
        [*python, "ruff", "check", "."],
        [*python, "ruff", "format", "--check", "."],
        [str(Path(sys.executable).with_name("lint-imports"))],
        [
            *pytest_,
            *("tests/showcases/kite", "tests/test_house.py", "tests/test_documents.py", "tests/notebooks"),
        ],
        [*pytest_, "--nbval-lax", "notebooks/40_kite.ipynb"],
        [*python, "workbench", "run", "kite", "--preset", "smoke"],
    ]
    for command in commands:
        done = subprocess.run(
            command, cwd=copy, env={**os.environ, **settings}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
