"""What is typed, named or sent is never run, never shown unescaped, and never written elsewhere."""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from papermill.translators import PythonTranslator

from tests.test_cli_lab import port_setting, status
from widgets.export import run_command
from widgets.session_view import SessionView
from workbench import cli
from workbench.errors import MachineError, ParameterError
from workbench.parameters import Parameters, parameter
from workbench.reports.html import session_page
from workbench.reports.store import RunDirectory, params_record, write_json
from workbench.sweeps.summary import write_summary
from workbench.training import Session, Training

EVIL = (
    "'); raise SystemExit #",
    '"""\nimport os; os._exit(3)\n"""',
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "<svg onload=alert(1)>",
    "{run_dir} {{ 7*7 }} {% raw %} %s ${HOME} `id` $(id)",
    "\\",
    "a\u2028b\x00c",
    "; rm -rf ~ &",
)


class EvilParameters(Parameters):
    """A text, and helps that want to be markup."""

    label: str = parameter("plain", help="<script>alert(2)</script>", unit="<b>")
    iterations: int = parameter(3, low=1, high=9, help="how many")
    presets: ClassVar = {}


class _Dot:
    def __init__(self) -> None:
        self.modules = torch.nn.ParameterList([torch.zeros(1, dtype=torch.float64)])

    def loss(self, generator: torch.Generator) -> tuple[torch.Tensor, dict[str, float]]:
        return (self.modules[0] - 1).square().sum(), {EVIL[2]: 1.0, EVIL[3]: 2.0}

    def snapshot(self) -> dict[str, object]:
        return {"text:title": EVIL[2], "text:note": EVIL[3], "text:x": EVIL[4], f"picture:{EVIL[2]}": {}}


def make_training(parameters: EvilParameters) -> Training:
    return Training(_Dot(), iterations=parameters.iterations, learning_rate=0.1)


class _Elements(HTMLParser):
    """The names of all elements; attributes that run code or fetch something."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names, self.handlers = [], []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.handlers += [name for name, _ in attributes if name.startswith("on")]
        self.handlers += [
            f"{tag} {value}" for name, value in attributes if name == "src" and value[:5] != "data:"
        ]


def elements(page: str) -> list[str]:
    """The elements of a page that has no handlers."""
    found = _Elements(page)
    assert found.handlers == []
    return found.names


@pytest.mark.parametrize("text", EVIL)
def test_parameters_reach_a_notebook_as_literals_only(text: str) -> None:
    """The cell that papermill writes is made of assignments of constants, and they are what was typed."""
    injected = {"preset": text, "overrides": {"label": text}, "live": False, "run_dir": text}
    cell = PythonTranslator.codify(injected)
    found = {}
    for line in ast.parse(cell).body:
        assert isinstance(line, ast.Assign), cell
        found[line.targets[0].id] = ast.literal_eval(line.value)
    assert found == injected


@pytest.mark.parametrize("name", [*EVIL, "__class__", "model_config", "import os"])
def test_no_parameter_has_a_name_that_was_only_typed(name: str) -> None:
    with pytest.raises(ParameterError, match="there is no parameter"):
        EvilParameters(**{name: "x"})


@pytest.mark.parametrize("text", EVIL)
def test_a_copied_command_is_one_word_for_each_parameter(text: str) -> None:
    words = shlex.split(run_command("line", EvilParameters(label=text)))
    assert words == ["workbench", "run", "line", "-p", f"label={text}"]


def test_a_session_shows_texts_as_texts() -> None:
    session = Session(EVIL[2], make_training, EvilParameters(label=EVIL[3]))
    session.run()
    view = SessionView(session)
    frame = view.frame()
    pages = [view.html(), *(text for text in _texts(frame) if text.lstrip().startswith("<svg"))]
    assert len(pages) >= 2
    for page in pages:
        assert "script" not in elements(page)
    session.close()


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for item in items for text in _texts(item)]


def test_reports_show_texts_as_texts(tmp_path: Path) -> None:
    for text in EVIL:
        page = session_page(
            title=text, complete=True, parameters=EvilParameters(label=text), changes=[text], picture=""
        )
        assert "script" not in elements(page)
        run = RunDirectory(tmp_path / "runs" / "one")
        run.create()
        write_json(run.params, params_record(text, text, text, EvilParameters(label=text)))
        run.record_failure(text)
        assert cli.main(["report", str(run.path)]) == 0
        assert "script" not in elements(run.report.read_text())
        sweep = {"schema": 1, "showcase": text, "preset": text, "objective": text}
        values = {"run_id": "../../one", "values": {text: text}}
        folder = tmp_path / "runs" / "sweep-1"
        folder.mkdir(exist_ok=True)
        write_json(folder / "sweep.json", {**sweep, "runs": [values]})
        assert "script" not in elements(write_summary(folder).read_text())


def test_scripts_of_the_widgets_put_markup_in_one_place_only(checkout: Path) -> None:
    """Pictures, drawn and escaped in Python; every other text goes through textContent."""
    markup = re.compile(r"innerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc")
    lines = [
        f"{file.name}: {line.strip()}"
        for file in sorted((checkout / "widgets").glob("*.js"))
        for line in file.read_text().splitlines()
        if markup.search(line)
    ]
    assert lines == ["controls.js: root.innerHTML = svg;"]


def test_nothing_is_written_through_links(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    precious = outside / "precious"
    precious.write_text("mine")
    run = RunDirectory(tmp_path / "runs" / "one")
    run.create()
    for file in (run.params, run.result, run.failure, run.report, run.path / ".lock"):
        file.symlink_to(precious)
    run.record_failure("x")
    write_json(run.params, params_record("none", "one", "default", EvilParameters()))
    run.report.unlink()
    with pytest.raises(OSError, match="symbolic"), run.locked():
        pass
    assert precious.read_text() == "mine"

    linked = RunDirectory(tmp_path / "runs" / "two")
    linked.path.symlink_to(outside)
    with pytest.raises(MachineError, match="must not be a link"):
        linked.create()
    write_json(outside / "params.json", params_record("none", "two", "default", EvilParameters()))
    write_json(outside / "failure.json", {"schema": 1, "error": "x"})
    before = sorted(outside.iterdir())
    assert cli.main(["report", str(tmp_path / "runs")]) == 0
    assert sorted(outside.iterdir()) == before


@pytest.mark.parametrize("setting", ["c.IdentityProvider.token = ''", "c.ServerApp.ip = '0.0.0.0'"])
def test_no_configuration_opens_the_lab_to_others(setting: str, tmp_path: Path) -> None:
    """Without a token it does not start; whatever address is set, it listens on this machine only."""
    (tmp_path / "jupyter_server_config.py").write_text(f"{setting}\n{port_setting()}")
    private = {f"JUPYTER_{name}_DIR": str(tmp_path) for name in ("CONFIG", "DATA", "RUNTIME")}
    environment = {**os.environ, **private}
    environment.pop("JUPYTER_TOKEN", None)
    server = subprocess.Popen(
        [sys.executable, "-m", "workbench", "lab", "--no-browser"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        said = ""
        for line in server.stdout:
            said += line
            if "http://" in line:
                break
        if "token" in setting:
            assert server.wait() == 5, said
            assert "open to every user of this machine" in said
        else:
            address = re.search(r"http://127\.0\.0\.1:\d+/\S*token=\w{40}", said)
            assert address, said
            assert "0.0.0.0" not in said
            assert status(address[0]) == 200  # it is up: a signal that comes before would be lost
    finally:
        server.terminate()
        server.communicate()
        server.stdout.close()
