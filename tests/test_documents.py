"""The documents: their Python runs, their links lead somewhere, and their commands exist."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from workbench import cli

TOP = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([*TOP.glob("*.md"), *(TOP / "docs").rglob("*.md"), *(TOP / "workbench").rglob("*.md")])
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.M | re.S)


def blocks() -> list[pytest.param]:
    found = [
        (file, match) for file in DOCUMENTS for match in BLOCK.finditer(file.read_text(encoding="utf-8"))
    ]
    return [
        pytest.param(match[1], id=f"{file.name}:{match.string[: match.start()].count(chr(10)) + 1}")
        for file, match in found
    ]


@pytest.mark.parametrize("source", blocks())
def test_python_in_the_documents_runs(source: str, tmp_path: Path) -> None:
    file = tmp_path / "block.py"
    file.write_text(source, encoding="utf-8")
    runpy.run_path(str(file), run_name="__main__")


def test_the_readme_opens_with_the_sine() -> None:
    first = blocks_of("README.md")[0]
    assert "def sine(x)" in first
    assert "math.cos" in first


def blocks_of(name: str) -> list[str]:
    return BLOCK.findall((TOP / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: str(file.relative_to(TOP)))
def test_links_lead_somewhere(file: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", file.read_text(encoding="utf-8"))
    missing = [link for link in links if "://" not in link and not (file.parent / link).exists()]
    assert not missing


def test_the_commands_in_the_readme_can_be_read() -> None:
    commands = re.findall(
        r"workbench ((?:run|list|report|lab|sweep)[^#\n`]*)", (TOP / "README.md").read_text()
    )
    assert len(commands) >= 5
    parser = cli._parser()
    for command in commands:
        parser.parse_args(command.split())


def test_every_make_target_in_the_documents_exists() -> None:
    makefile = (TOP / "Makefile").read_text()
    targets = set(re.findall(r"^(\w+):", makefile, re.M))
    text = (TOP / "README.md").read_text() + (TOP / "CONTRIBUTING.md").read_text()
    assert set(re.findall(r"(?:`|^    )make (\w+)", text, re.M)) <= targets
    assert {"lab", "test", "report", "format"} <= targets
