"""Notebooks stay thin, clean and findable."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import nbformat
import pytest

from workbench import showcases

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
GUIDES = {"00_welcome.ipynb", "01_gradients_of_programs.ipynb"}
SHOWCASES = {showcases.find(name).notebook for name in showcases.names()}


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    return request.param


@pytest.fixture
def notebook(path: Path) -> nbformat.NotebookNode:
    node = nbformat.read(path, as_version=4)
    nbformat.validate(node)
    return node


def test_each_notebook_is_a_guide_or_a_showcase() -> None:
    assert {path.name for path in NOTEBOOKS} == SHOWCASES | GUIDES


@pytest.mark.parametrize("name", sorted(GUIDES))
def test_guides_stand_before_the_showcases_and_are_saved_with_what_they_print(name: str) -> None:
    assert name < "10"
    cells = code_cells(nbformat.read(FOLDER / name, as_version=4))
    checked = [cell for cell in cells if "nbval-check-output" in cell.metadata.get("tags", [])]
    assert checked
    assert all(cell.outputs for cell in checked)


def test_it_is_thin(notebook: nbformat.NotebookNode) -> None:
    lengths = [len(cell.source.splitlines()) for cell in code_cells(notebook)]
    assert len(lengths) <= 15
    assert max(lengths) <= 15
    assert sum(lengths) <= 120


def test_it_defines_no_class(notebook: nbformat.NotebookNode) -> None:
    trees = [ast.parse(cell.source) for cell in code_cells(notebook)]
    assert not [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]


def test_it_opens_with_a_title_and_the_usual_kernel(notebook: nbformat.NotebookNode) -> None:
    assert notebook.cells[0].cell_type == "markdown"
    assert notebook.cells[0].source.startswith("# ")
    assert notebook.metadata.kernelspec.name == "python3"


def test_it_carries_no_widget_state_and_no_errors(path: Path, notebook: nbformat.NotebookNode) -> None:
    assert "widgets" not in notebook.metadata
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    assert path.stat().st_size < 1_000_000


def test_it_tells_nothing_of_the_machine_it_was_written_on(path: Path) -> None:
    assert not re.search(r'"[^"]*(?:/home/|/root/|/Users/|/work/)[^"]*"', path.read_text(encoding="utf-8"))


def test_its_links_lead_somewhere(notebook: nbformat.NotebookNode) -> None:
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    links = [link for text in texts for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text)]
    missing = [link for link in links if "://" not in link and not (FOLDER / link).exists()]
    assert not missing


@pytest.mark.parametrize("name", sorted(SHOWCASES))
def test_a_showcase_has_the_parameters_cell(name: str) -> None:
    notebook = nbformat.read(FOLDER / name, as_version=4)
    tagged = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    assert len(tagged) == 1
    values: dict[str, object] = {}
    exec(tagged[0].source, values)
    del values["__builtins__"]
    assert values == {"preset": "default", "overrides": {}, "live": None, "run_dir": None}


@pytest.mark.parametrize("name", sorted(SHOWCASES))
def test_a_showcase_ends_with_its_record_and_footer(name: str) -> None:
    cells = code_cells(nbformat.read(FOLDER / name, as_version=4))
    source = "\n".join(cell.source for cell in cells)
    assert source.index("record_result(") < source.index("footer(")


def test_the_gallery_links_to_each_showcase() -> None:
    from workbench.reports import gallery

    cards = gallery()._repr_html_()
    links = set(re.findall(r'href="([^"]+)"', cards))
    assert {link for link in links if "://" not in link} == SHOWCASES
