"""The report: offline, escaped, complete. A browser opens it in tests/reports/test_report_in_browser.py."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import line_fit
import nbformat
import plotly.graph_objects as go
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from workbench.errors import RunError
from workbench.reports import cells, html
from workbench.reports.store import SCHEMA, RunDirectory, write_json

EVIL = '<script>alert("x")</script><img src="https://example.org/x.png">'


def directory_with(tmp_path: Path, *more: nbformat.NotebookNode, label: str = "plain") -> RunDirectory:
    directory = RunDirectory(tmp_path)
    parameters = line_fit.LineParameters(label=label).model_dump()
    params = {"schema": SCHEMA, "run_id": "1", "showcase": "line", "parameters": parameters}
    write_json(directory.params, params)
    nbformat.write(nbformat.v4.new_notebook(cells=list(more)), directory.notebook)
    return directory


def shown(tmp_path: Path, *more: nbformat.NotebookNode, label: str = "plain") -> str:
    return html.page(directory_with(tmp_path, *more, label=label), line_fit.SHOWCASE)


def outputs(*outputs: nbformat.NotebookNode) -> nbformat.NotebookNode:
    return new_code_cell("1", outputs=list(outputs))


def figure_cell() -> nbformat.NotebookNode:
    figure = go.Figure(go.Scatter(y=[1, 2, 3])).update_layout(title="Loss </script><b>!</b>", width=2000)
    return outputs(new_output("display_data", {cells.PLOTLY: figure.to_plotly_json()}))


def test_texts_are_escaped_wherever_they_come_from(tmp_path: Path) -> None:
    page = shown(
        tmp_path,
        new_markdown_cell(f"# Title {EVIL}\n\n{EVIL}"),
        new_code_cell(f"x = '{EVIL}'"),
        outputs(
            new_output("stream", name="stdout", text=EVIL), new_output("stream", name="stderr", text=EVIL)
        ),
        outputs(new_output("error", ename="E", evalue=EVIL, traceback=[f"\x1b[31m{EVIL}\x1b[0m"])),
        outputs(new_output("display_data", {"text/plain": EVIL})),
        outputs(new_output("display_data", {"image/png": "AAAA", "text/plain": f'"{EVIL}'})),
        label=EVIL,
    )
    assert "<script>alert" not in page
    assert "<img src=" not in page
    assert "Line &lt;b&gt;fit&lt;/b&gt;" in page
    assert "\x1b" not in page


def test_scripts_in_html_outputs_cannot_run(tmp_path: Path) -> None:
    page = shown(tmp_path, outputs(new_output("display_data", {"text/html": "<script>evil()</script>"})))
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page).group(1)
    nonce = re.search(r"script-src 'nonce-([^']+)'", policy).group(1)
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy.split("script-src")[1]
    assert f'nonce="{nonce}">evil' not in page


def test_figures_share_one_plotly_and_fit_the_page(tmp_path: Path) -> None:
    page = shown(tmp_path, figure_cell(), figure_cell())
    assert page.count('class="figure"') == 2
    assert page.count("plotly.js v") == 1
    assert '"width": 680' in page
    assert 'aria-label="Loss !"' in page
    assert page.count("</script>") == 2  # plotly and our own: the figure's title has not ended one


def test_a_page_without_figures_carries_no_plotly(tmp_path: Path) -> None:
    assert len(shown(tmp_path, new_code_cell("1"))) < 30_000


def test_nothing_is_fetched(tmp_path: Path) -> None:
    page = shown(tmp_path, new_markdown_cell("![badge](https://example.org/badge.svg) [link](https://x.org)"))
    assert "badge.svg" not in page
    assert "<em>badge</em>" in page
    assert not re.search(r"""(?:src|srcset|data|poster)=["']?(?:https?:)?//""", page)
    assert "<link" not in page


def test_mathematics_needs_no_network(tmp_path: Path) -> None:
    page = shown(tmp_path, new_markdown_cell("Energy $E = m c^2$ and\n\n$$\n\\int_0^1 x^2\\,dx\n$$\n"))
    assert page.count("<math") == 2
    assert "<msup>" in page


@pytest.mark.parametrize(
    "source", ["$$x^2 +\n+ y$$", "so $$x^2 + y$$ holds", "* a\n\n$$\nx^2\n$$", "$$x^2$$\n$$y^2$$"]
)
def test_displayed_formulas_in_every_notation(tmp_path: Path, source: str) -> None:
    page = shown(tmp_path, new_markdown_cell(source))
    assert page.count('display="block"') == source.count("$$") / 2
    assert "$$" not in page


def test_dollars_in_code_are_left_alone(tmp_path: Path) -> None:
    page = shown(tmp_path, new_markdown_cell("```\na = '$$x$$'\n```"))
    assert "<math" not in page
    assert "$$x$$" in page


def test_links_to_files_become_text(tmp_path: Path) -> None:
    page = shown(tmp_path, new_markdown_cell("[here](../docs/limits.md) and [there](https://example.org)"))
    assert "../docs" not in page
    assert '<a href="https://example.org">there</a>' in page


def test_mathematics_that_cannot_be_read_is_shown_as_typed(tmp_path: Path) -> None:
    page = shown(tmp_path, new_markdown_cell(r"$\frac{<b>$"))
    assert "&lt;b&gt;" in page


def test_pictures_beside_the_notebook_come_along_and_no_others(tmp_path: Path) -> None:
    folder = tmp_path / "checkout" / "notebooks"
    folder.mkdir(parents=True)
    (folder / "sling.png").write_bytes(b"png!")
    (tmp_path / "secret.png").write_bytes(b"secret")
    source = "![a sling](sling.png) ![no](../../secret.png) ![text](../notes.txt)"
    body = cells.render(nbformat.v4.new_notebook(cells=[new_markdown_cell(source)]), folder)
    assert base64.b64encode(b"png!").decode() in body.blocks[0]
    assert base64.b64encode(b"secret").decode() not in body.blocks[0]
    assert "<em>no</em>" in body.blocks[0]


def test_widgets_appear_as_their_static_fallback(tmp_path: Path) -> None:
    bundle = {
        "application/vnd.jupyter.widget-view+json": {"model_id": "1"},
        "text/html": "<p>fallback</p>",
        "text/plain": "VBox()",
    }
    page = shown(tmp_path, outputs(new_output("display_data", bundle)))
    assert "<p>fallback</p>" in page
    assert "model_id" not in page


def test_overwritten_lines_are_gone(tmp_path: Path) -> None:
    page = shown(tmp_path, outputs(new_output("stream", name="stdout", text="10 %\r50 %\rdone\r\n")))
    assert '<pre class="stdout">done\n</pre>' in page


def test_what_was_printed_as_a_warning_is_listed_at_the_top(tmp_path: Path) -> None:
    page = shown(tmp_path, outputs(new_output("stream", name="stderr", text="mind the gap\n")))
    assert page.index("<h2>Warnings</h2>") < page.index("<h2>Parameters</h2>")
    assert page.count("mind the gap") == 2


def test_an_incomplete_run_says_so(tmp_path: Path) -> None:
    assert "not complete" in shown(tmp_path, new_code_cell("1"))


def test_a_run_of_an_unknown_showcase_still_has_a_report(tmp_path: Path) -> None:
    page = html.page(directory_with(tmp_path))
    assert "<h1>line</h1>" in page
    assert "learning_rate" in page


def test_nothing_to_report_on(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="nothing to report on"):
        html.write_report(RunDirectory(tmp_path))
