"""Rules of the house that hold for every file."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from workbench.commands.new import DRAWERS

TOP = Path(__file__).resolve().parents[1]
PACKAGES = ("workbench", "widgets")
SOURCES = sorted(file for package in PACKAGES for file in (TOP / package).rglob("*.py"))


def tracked_files() -> list[Path]:
    """What git tracks; everything readable where there is no git."""
    command = ["git", "-C", str(TOP), "ls-files", "-z"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip("not a git checkout")
    return [TOP / name for name in done.stdout.split("\0") if name and (TOP / name).is_file()]


def loads_without_weights_only(source: str) -> list[int]:
    """The lines on which ``torch.load`` is called without ``weights_only=True``."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "load":
            owner = node.func.value
            safe = any(
                keyword.arg == "weights_only" and getattr(keyword.value, "value", None) is True
                for keyword in node.keywords
            )
            if isinstance(owner, ast.Name) and owner.id == "torch" and not safe:
                lines.append(node.lineno)
        if isinstance(node, ast.ImportFrom) and node.module == "torch":
            lines += [node.lineno for name in node.names if name.name == "load"]
    return lines


def test_torch_load_reads_weights_only() -> None:
    files = [*SOURCES, *(TOP / "benchmarks").rglob("*.py"), *(TOP / "tests").rglob("*.py")]
    found = {file: loads_without_weights_only(file.read_text(encoding="utf-8")) for file in files}
    assert not {str(file): lines for file, lines in found.items() if lines}


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("torch.load(f)", [1]),
        ("torch.load(f, weights_only=False)", [1]),
        ("torch.load(f, weights_only=True)", []),
        ("from torch import load", [1]),
        ("json.load(f)", []),
    ],
)
def test_the_check_of_torch_load_can_fail(source: str, lines: list[int]) -> None:
    assert loads_without_weights_only(source) == lines


def test_no_drawers_without_labels() -> None:
    assert not [str(file) for file in tracked_files() if file.stem in DRAWERS]


def test_files_of_tests_can_be_collected_together() -> None:
    """pytest imports files of folders that are no packages by their bare names."""
    files = (TOP / "tests").rglob("test_*.py")
    names = Counter(file.name for file in files if not (file.parent / "__init__.py").exists())
    assert [name for name, count in names.items() if count > 1] == []


def test_files_stay_readable() -> None:
    lengths = {str(file): file.read_text(encoding="utf-8").count("\n") for file in SOURCES}
    assert not {file: length for file, length in lengths.items() if length > 600}


def test_every_module_and_every_room_says_what_it_knows() -> None:
    assert not [
        str(file) for file in SOURCES if not ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
    ]


@pytest.mark.parametrize("name", sorted(file.stem for file in (TOP / "workbench" / "rules").glob("*.py")))
def test_rules_that_wait_for_their_package_can_be_imported(name: str) -> None:
    try:
        importlib.import_module(f"workbench.rules.{name}")
    except ModuleNotFoundError as error:
        if str(error.name).startswith("workbench"):
            raise
        pytest.skip(f"{error.name} is not installed")


def test_no_failure_is_swallowed() -> None:
    silent = []
    for file in SOURCES:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ExceptHandler) and all(isinstance(line, ast.Pass) for line in node.body):
                silent.append(f"{file}:{node.lineno}")
    assert not silent


def test_the_project_speaks_of_itself_alone() -> None:
    """No path of a private machine and no package mirror in what is published."""
    private = re.compile(
        r"(?:file://|find-links|index-url\s+(?!https://download\.pytorch)|/root/|/home/\w+/)"
    )
    texts = [file for file in tracked_files() if file.suffix in {".md", ".toml", ".txt", ".ipynb", ".py", ""}]
    ours = Path(__file__).resolve()
    found = [
        str(file)
        for file in texts
        if file.resolve() != ours
        and "tests" not in file.relative_to(TOP).parts
        and private.search(file.read_text(encoding="utf-8", errors="replace"))
    ]
    assert not found
