"""The command line: plain messages, exit codes, a quick start, no traceback for what users get wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import nbformat
import pytest

from workbench import cli, errors, showcases
from workbench.parameters import Parameters, parameter
from workbench.reports import runner
from workbench.reports.store import SCHEMA, write_json


class KiteParameters(Parameters):
    """Parameters of a showcase that is never run here."""

    seed: int = parameter(0, low=0, high=99, help="seed of everything random")
    wind: float = parameter(5.0, low=0.0, high=30.0, unit="m/s", help="mean wind")
    gusts: bool = parameter(False, help="whether it gusts")

    presets: ClassVar = {"storm": {"wind": 25.0}}


KITE = SimpleNamespace(
    name="kite",
    title="Kite",
    question="How high does it fly?",
    level="beginner",
    run_time="1 min",
    notebook="90_kite.ipynb",
    parameters=KiteParameters,
)


@pytest.fixture(autouse=True)
def _only_a_kite(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(name: str) -> SimpleNamespace:
        if name == "kite":
            return KITE
        raise errors.UnknownShowcaseError(f"there is no showcase {name!r}", fix="did you mean 'kite'?")

    monkeypatch.setattr(showcases, "find", find)
    monkeypatch.setattr(showcases, "names", lambda: ("kite",))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, object]:
    """What the runner was asked for, in place of a run."""
    received: dict[str, object] = {}

    def run(showcase: object, parameters: Parameters, **options: object) -> SimpleNamespace:
        received.update(showcase=showcase, parameters=parameters, **options)
        rest = {"iterations": 1, "loss": {}, "changes": [], "tables": {}, "arrays": {}, "warnings": []}
        result = {"schema": SCHEMA, "complete": True, "metrics": {"height": 12.3456}, **rest}
        write_json(tmp_path / "result.json", result)
        measured = {"schema": SCHEMA, "provenance": {}, "timings": {"samples_per_second": 5}}
        write_json(tmp_path / "provenance.json", measured)
        files = {name: tmp_path / f"{name}.json" for name in ("result", "provenance")}
        return SimpleNamespace(report=tmp_path / "report.html", **files)

    monkeypatch.setattr(runner, "run", run)
    return received


def test_values_are_read_as_each_parameters_own_type(
    asked: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    code = cli.main(["run", "kite", "-p", "wind=1e1", "-p", "gusts=no", "-p", "seed=7", "--out", "o"])
    assert code == 0
    assert asked["parameters"] == KiteParameters(wind=10.0, gusts=False, seed=7)
    assert (asked["out"], asked["preset"], asked["resume"], asked["timeout"]) == ("o", "default", False, None)
    output = capsys.readouterr().out
    assert "height              12.35" in output
    assert "samples per second  5" in output
    assert "report.html" in output


def test_a_preset_with_a_change(asked: dict[str, object]) -> None:
    assert cli.main(["run", "kite", "--preset", "storm", "-p", "seed=1", "--resume", "--timeout", "9"]) == 0
    assert asked["parameters"] == KiteParameters(wind=25.0, seed=1)
    assert (asked["preset"], asked["resume"], asked["timeout"]) == ("storm", True, 9.0)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "kyte"], ["there is no showcase 'kyte'", "did you mean 'kite'?"]),
        (["run", "kite", "-p", "wnd=1"], ["there is no parameter 'wnd'", "did you mean 'wind'?"]),
        (["run", "kite", "-p", "wind=fast"], ["parameter 'wind'", "got 'fast'", "0.0 to 30.0 m/s"]),
        (["run", "kite", "-p", "wind=31"], ["got 31.0", "0.0 to 30.0 m/s"]),
        (["run", "kite", "-p", "wind=nan"], ["got nan"]),
        (["run", "kite", "-p", "seed=1.5"], ["a whole number"]),
        (["run", "kite", "-p", "gusts=maybe"], ["true | false"]),
        (["run", "kite", "-p", "wind"], ["no name=value", "write -p name=value"]),
        (["run", "kite", "-p", "=3"], ["no name=value"]),
        (["run", "kite", "-p", "wind=1", "-p", "wind=2"], ["the same parameter twice"]),
        (["run", "kite", "-p", "x=(evil())\nzz=3"], ["there is no parameter 'x'"]),
        (["run", "kite", "--preset", "strom"], ["there is no preset 'strom'", "did you mean 'storm'?"]),
        (["run", "kite", "--preset", "nope"], ["there is no preset 'nope'", "choose one of the names above"]),
        (["run", "kite", "--out", "s3://bucket/runs"], ["a folder of this machine"]),
        (["list", "kyte"], ["there is no showcase 'kyte'"]),
    ],
)
def test_what_a_user_gets_wrong(
    arguments: list[str], words: list[str], asked: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == 2
    message = capsys.readouterr().err
    for word in words:
        assert word in message
    assert not asked


@pytest.mark.parametrize(
    "arguments",
    [[], ["dance"], ["run"], ["run", "kite", "--timeout", "0"], ["run", "kite", "--resume", "--fresh"]],
)
def test_wrong_options(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2
    assert "usage: workbench" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "kite", "--timeout", "soon"], "got 'soon', expected a number of seconds above 0"),
        (["run", "kite", "--timeout", "inf"], "got 'inf', expected a number of seconds above 0"),
        (["sweep", "kite", "--jobs", "0"], "got '0', expected a whole number, 1 or more"),
        (["sweep", "kite", "--retries", "-1"], "got '-1', expected a whole number, 0 or more"),
    ],
)
def test_numbers_that_do_not_fit_are_told_what_would(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        cli.main(arguments)
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.RunError("x"), 3),
        (errors.CheckpointError("x"), 3),
        (errors.RunTimeoutError("x"), 4),
        (errors.MachineError("x"), 5),
        (errors.RunInterruptedError("x", signal=2), 130),
        (errors.RunInterruptedError("x", signal=15), 143),
        (KeyboardInterrupt(), 130),
    ],
)
def test_exit_codes(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(runner, "run", fail)
    assert cli.main(["run", "kite"]) == code
    assert capsys.readouterr().err.startswith("workbench: ")


def test_a_reader_that_goes_away() -> None:
    code = "from workbench import cli; raise SystemExit(cli.main(['list', 'trebuchet']))"
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 141
    assert errors == ""


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["list"]) == 0
    output = capsys.readouterr().out
    for word in ("kite", "How high does it fly?", "1 min", "90_kite.ipynb"):
        assert word in output


def test_list_of_one_showcase_shows_what_can_be_set(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["list", "kite"]) == 0
    output = capsys.readouterr().out
    for word in ("wind", "m/s", "0.0 to 30.0", "mean wind", "true | false", "storm", "wind=25.0"):
        assert word in output


def test_report_of_a_folder_without_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["report", str(tmp_path)]) == 5
    assert "there is no run here" in capsys.readouterr().err


def test_reports_of_all_runs_in_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("1", "2"):
        params = {"schema": SCHEMA, "showcase": "gone", "parameters": {}}
        (tmp_path / name).mkdir()
        write_json(tmp_path / name / "params.json", params)
    assert cli.main(["report", str(tmp_path / "1")]) == 3
    assert "nothing to report on" in capsys.readouterr().err
    nbformat.write(nbformat.v4.new_notebook(), tmp_path / "2" / "notebook.ipynb")
    assert cli.main(["report", str(tmp_path)]) == 0
    output = capsys.readouterr().out
    assert "nothing has run here yet" in output
    assert str(tmp_path / "2" / "report.html") in output


def test_lab_refuses_to_open_without_a_token(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from jupyterlab.labapp import LabApp

    received: list[str] = []

    def server(argv: list[str]) -> SimpleNamespace:
        received.extend(argv)
        return SimpleNamespace(identity_provider=SimpleNamespace(auth_enabled=False), start=pytest.fail)

    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "90_kite.ipynb").write_text("{}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(LabApp, "initialize_server", server)
    assert cli.main(["lab", "90_kite"]) == 5
    assert "--ServerApp.ip=127.0.0.1" in received
    assert "--LabApp.default_url=/lab/tree/notebooks/90_kite.ipynb" in received
    assert not any("token" in argument or "xsrf" in argument for argument in received)
    assert "token is switched off" in capsys.readouterr().err


def test_lab_of_an_unknown_notebook(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["lab", "99_nothing"]) == 5
    told = capsys.readouterr().err
    assert "99_nothing.ipynb is not on this machine" in told
    assert "01_gradients_of_programs" in told


def test_help_is_quick_and_imports_nothing_heavy() -> None:
    code = (
        "import sys; from workbench import cli\n"
        "try: cli.main(['run', '--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'papermill', 'jupyterlab', 'plotly', 'nbformat'} & set(sys.modules)\n"
        "raise SystemExit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "exit codes:" in done.stdout


def test_python_dash_m_is_the_same_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "workbench", "--help"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("usage: workbench")
