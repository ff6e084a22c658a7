"""The readable report of a run: one HTML file that opens offline and prints on paper."""

from __future__ import annotations

import contextlib
import json
import secrets
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from markupsafe import Markup

from workbench.errors import MachineError, ParameterError, RunError
from workbench.files import write_whole
from workbench.parameters import Parameters
from workbench.reports import cells
from workbench.reports.execution import find_notebook
from workbench.reports.provenance import collect, origin_rows
from workbench.reports.record import number_text
from workbench.reports.store import RunDirectory, read_record, reading, storage_errors
from workbench.showcases import Showcase, known

_RUN = Path(__file__).with_name("report.html")


def write_report(directory: RunDirectory, showcase: Showcase | None = None) -> Path:
    """Make report.html from the run's other files, also when the run is not complete.

    Args:
        directory: the run's folder.
        showcase: whose run it is; looked up by the name in params.json when it is not given.
    Raises:
        RunError: there is neither an executed notebook nor a result nor a failure to report on, or one of the
            files is damaged.
    """
    if not directory.has_something_to_tell:
        raise RunError(
            "there is nothing to report on",
            found="no notebook.ipynb and no result.json",
            where=str(directory.path),
            fix="run it first: workbench run NAME --out DIR",
        )
    with storage_errors(directory.path):
        write_whole(directory.report, page(directory, showcase))
    return directory.report


def page(directory: RunDirectory, showcase: Showcase | None = None) -> str:
    """The report as one string of HTML."""
    params = read_record(directory.params)
    result = read_record(directory.result) if directory.complete else {}
    measured = read_record(directory.provenance) if directory.provenance.exists() else {}
    showcase = showcase or known(params["showcase"])
    body = _body(directory, showcase, result)
    facts = {**result.get("metrics", {}), **measured.get("timings", {})}
    return fill_in(
        _RUN,
        body.figures,
        title=showcase.title if showcase else params["showcase"],
        question=showcase.question if showcase else "",
        complete=directory.complete,
        failure=failure_text(directory),
        results=[(name.replace("_", " "), number_text(value)) for name, value in facts.items()],
        fingerprint=result.get("fingerprint"),
        warnings=[*result.get("warnings", []), *body.warnings],
        parameters=_parameter_rows(showcase, params["parameters"]),
        blocks=body.blocks,
        origin=_origin(directory, measured),
    )


def _origin(directory: RunDirectory, measured: dict[str, Any]) -> list[tuple[str, str]]:
    with reading(directory.provenance):
        return origin_rows(measured["provenance"]) if measured else []


def fill_in(template: Path, figures: list[dict[str, Any]], **values: Any) -> str:
    """A page from its template, everything escaped, with plotly and a content policy of its own."""
    folders = [template.parent, Path(__file__).parent]
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(folders), autoescape=True)
    return environment.get_template(template.name).render(
        nonce=secrets.token_urlsafe(16),
        code_style=Markup(cells.STYLE),
        figures=_script_json(figures),
        plotly=_plotly() if figures else "",
        **values,
    )


def failure_text(directory: RunDirectory) -> str:
    """What is recorded of the run's failure; nothing where there was none."""
    if directory.complete or not directory.failure.exists():
        return ""
    return str(read_record(directory.failure).get("error", "no reason recorded"))


def _body(directory: RunDirectory, showcase: Showcase | None, result: dict[str, Any]) -> cells.Body:
    """The executed notebook's cells; of a run without one, the figures its notebook would show."""
    if directory.notebook.exists():
        import nbformat  # a second and more, which the live panels' export does without

        with reading(directory.notebook):
            notebook = nbformat.read(directory.notebook, as_version=4)
            return cells.render(notebook, _pictures(showcase, directory))
    body = cells.Body()
    if result and directory.history.exists():
        from workbench.figures import loss_figure
        from workbench.training.history import Change, History

        with reading(directory.history):
            history = History.from_csv(directory.history.read_text(encoding="utf-8"))
        with reading(directory.result):
            history.changes = [Change(**change) for change in result["changes"]]
        figures = {"loss": loss_figure(history)}
        if hasattr(showcase, "figures") and directory.arrays.exists():
            with reading(directory.arrays):
                with np.load(directory.arrays, allow_pickle=False) as arrays:
                    shown = {**result, "arrays": dict(arrays)}
                figures.update(showcase.figures(shown, history))
        body.blocks.extend(cells.figure(json.loads(figure.to_json()), body) for figure in figures.values())
    return body


def session_page(
    *, title: str, complete: bool, parameters: Parameters, changes: list[str], picture: str
) -> str:
    """What a live session has reached, as one string of HTML that opens offline.

    Args:
        title: the session's name.
        complete: whether its training is done.
        parameters: that it began with.
        changes: of parameters on the way, in words.
        picture: its state, pictures and numbers as HTML without scripts.
    """
    listed = Markup("<h2>Changed on the way</h2><ul>{}</ul>").format(
        Markup("").join(Markup("<li>{}</li>").format(change) for change in changes)
    )
    return fill_in(
        _RUN,
        [],
        title=title,
        complete=complete,
        parameters=parameters.rows(),
        blocks=[Markup(picture), listed if changes else ""],
        origin=origin_rows(collect()),
    )


def _pictures(showcase: Showcase | None, directory: RunDirectory) -> Path:
    """The folder that picture addresses in the notebook's texts are relative to."""
    try:
        return find_notebook(showcase.notebook).parent if showcase else directory.path
    except MachineError:
        return directory.path


def _parameter_rows(showcase: Showcase | None, values: dict[str, Any]) -> list[dict[str, str]]:
    if showcase:
        with contextlib.suppress(ParameterError):  # of another version, which knew other parameters
            return showcase.parameters(**values).rows()
    return [{"name": name, "value": number_text(value)} for name, value in values.items()]


def _script_json(value: Any) -> Markup:
    """``value`` as JSON that cannot end the script element it stands in."""
    text = json.dumps(value).replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return Markup(text) if value else Markup("")


def _plotly() -> Markup:
    from plotly.offline import get_plotlyjs

    return Markup(get_plotlyjs())
