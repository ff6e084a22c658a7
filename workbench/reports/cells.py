"""The cells of an executed notebook as safe HTML that needs nothing from the network.

Mathematics becomes MathML, which browsers draw themselves; pictures become data addresses; plotly figures
become descriptions that the page draws with its one copy of plotly. All text is escaped. HTML that an output
holds is kept, but the page's content policy lets no script in it run and nothing in it load.
"""

from __future__ import annotations

import base64
import mimetypes
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mistune
from latex2mathml.converter import convert as mathml
from markupsafe import Markup, escape
from mistune.plugins.math import math
from mistune.plugins.table import table
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from workbench.reports.provenance import MIME as PROVENANCE_MIME
from workbench.reports.record import MIME as RESULT_MIME

if TYPE_CHECKING:
    import nbformat

PLOTLY = "application/vnd.plotly.v1+json"
STYLE = HtmlFormatter(style="default").get_style_defs(".highlight")
_SHOWN_ELSEWHERE = {RESULT_MIME, PROVENANCE_MIME}
_ERROR_MARKER = "papermill-error-cell-tag"
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_FENCED = re.compile(r"^(```.*?^```|~~~.*?^~~~)", re.M | re.S)
_DISPLAYED = re.compile(r"\$\$(.+?)\$\$", re.S)
_WIDTH = 680  # pixels: the width of a page of A4 paper between its margins


@dataclass
class Body:
    """The notebook's part of the report: blocks of HTML, figures to draw, warnings that were printed."""

    blocks: list[Markup] = field(default_factory=list)
    figures: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def render(notebook: nbformat.NotebookNode, folder: Path) -> Body:
    """Every cell that has something to show, in order.

    Args:
        notebook: the executed notebook.
        folder: where the pictures named in its texts are looked for.
    """
    body = Body()
    markdown = _markdown(folder)
    for cell in notebook.cells:
        if _ERROR_MARKER in cell.metadata.get("tags", []):
            continue
        if cell.cell_type == "markdown":
            body.blocks.append(Markup(markdown(_formulas_apart(cell.source))))
        elif cell.cell_type == "code":
            if cell.source.strip():
                body.blocks.append(_code(cell.source))
            for output in cell.get("outputs", []):
                body.blocks.extend(_output(output, body))
    return body


def _code(source: str) -> Markup:
    listing = Markup(highlight(source, PythonLexer(), HtmlFormatter()))
    return Markup('<details class="code"><summary>Code</summary>{}</details>').format(listing)


def _output(output: nbformat.NotebookNode, body: Body) -> Iterator[Markup]:
    if output.output_type == "stream":
        text = _settled(output.text)
        if output.name == "stderr" and text.strip():
            body.warnings.append(text.strip())
        yield Markup('<pre class="{}">{}</pre>').format(output.name, text)
    elif output.output_type == "error":
        yield Markup('<pre class="error">{}</pre>').format(_ANSI.sub("", "\n".join(output.traceback)))
    elif not _SHOWN_ELSEWHERE & set(output.data):
        yield _bundle(output.data, body)


def _bundle(data: dict[str, Any], body: Body) -> Markup:
    """The richest form of an output that a page can show; of a widget, its static fallback."""
    if PLOTLY in data:
        return figure(data[PLOTLY], body)
    for kind in ("image/svg+xml", "image/png", "image/jpeg"):
        if kind in data:
            content = data[kind]
            text = base64.b64encode(content.encode()).decode() if kind == "image/svg+xml" else content.strip()
            label = data.get("text/plain", "figure")
            return Markup('<img alt="{}" src="data:{};base64,{}">').format(label, kind, text)
    if "text/html" in data:
        return Markup('<div class="output">{}</div>').format(Markup(data["text/html"]))
    if "text/markdown" in data:
        return Markup(_markdown(Path("/nowhere"))(data["text/markdown"]))
    return Markup("<pre>{}</pre>").format(data.get("text/plain", ""))


def figure(description: dict[str, Any], body: Body) -> Markup:
    """The place of a plotly figure in the page; ``body`` keeps its description for the page's script."""
    layout = dict(description.get("layout", {}))
    layout["width"] = min(layout.get("width") or _WIDTH, _WIDTH)
    layout["autosize"] = False
    layout.setdefault("height", 420)
    name = f"figure-{len(body.figures) + 1}"
    body.figures.append({"name": name, "data": description.get("data", []), "layout": layout})
    title = layout.get("title") or {}
    label = title.get("text") if isinstance(title, dict) else title
    return Markup('<div class="figure" id="{}" role="img" aria-label="{}"></div>').format(
        name, _ANSI.sub("", re.sub(r"<[^>]*>", "", label or f"Figure {len(body.figures)}"))
    )


def _settled(text: str) -> str:
    """What a terminal would show in the end: colours dropped, overwritten lines gone."""
    plain = _ANSI.sub("", text)
    return "\n".join(line.rstrip("\r").rsplit("\r", 1)[-1] for line in plain.split("\n"))


def _markdown(folder: Path) -> mistune.Markdown:
    renderer = _Renderer(folder)
    markdown = mistune.create_markdown(renderer=renderer, plugins=[table, math])
    renderer.register("block_math", lambda _, text: f"<p>{_math(text, display='block')}</p>\n")
    renderer.register("inline_math", lambda _, text: _math(text, display="inline"))
    return markdown


def _formulas_apart(source: str) -> str:
    """Every $$formula$$ on lines of its own, as the parser wants it; code blocks stay as they are."""
    parts = _FENCED.split(source)
    for index in range(0, len(parts), 2):
        parts[index] = _DISPLAYED.sub(lambda found: f"\n\n$$\n{_one_line(found[1])}\n$$\n\n", parts[index])
    return "".join(parts)


def _one_line(formula: str) -> str:
    return " ".join(formula.split())


class _Renderer(mistune.HTMLRenderer):
    """mistune's HTML, with pictures taken into the page and never fetched, and headings below the page's."""

    def __init__(self, folder: Path) -> None:
        super().__init__(escape=True)
        self._folder = folder.resolve()

    def heading(self, text: str, level: int, **attributes: Any) -> str:
        """One level lower: the page has its own title."""
        return super().heading(text, min(level + 1, 6), **attributes)

    def link(self, text: str, url: str, title: str | None = None) -> str:
        """Addresses on the web stay links; those of files beside the notebook lead nowhere from here."""
        return super().link(text, url, title) if "://" in url else text

    def image(self, text: str, url: str, title: str | None = None) -> str:
        """A picture that lies in or beside the folder, as a data address; else its description."""
        file = (self._folder / url).resolve()
        kind = mimetypes.guess_type(file.name)[0] or ""
        inside = file.is_relative_to(self._folder.parent)
        if "://" in url or not kind.startswith("image/") or not inside or not file.is_file():
            return f"<em>{escape(text)}</em>"
        content = base64.b64encode(file.read_bytes()).decode()
        return f'<img alt="{escape(text)}" src="data:{kind};base64,{content}">'


def _math(text: str, *, display: str) -> str:
    try:
        return mathml(text.strip(), display=display)
    except Exception as error:  # whatever the converter cannot read is shown as it was typed
        return f'<code title="{escape(type(error).__name__)}">{escape(text.strip())}</code>'
