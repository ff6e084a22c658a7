"""Provenance and the footer made from it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import line_fit

from workbench.reports import footer, provenance


def test_it_names_versions_machine_and_duration() -> None:
    origin = provenance.collect(started=0.0)
    assert origin["started"] == "1970-01-01T00:00:00+00:00"
    assert origin["run_time"] > 1e9
    assert origin["versions"]["torch"].startswith("2.")
    assert origin["machine"]["cores"] >= 1
    json.dumps(origin)


def test_a_package_that_is_missing_is_said_to_be() -> None:
    assert provenance.versions(["no-such-package"]) == {"no-such-package": "not installed"}


def test_git_state(tmp_path: Path) -> None:
    assert provenance.git_state(tmp_path) == {"commit": None, "changed": None}
    git = ["git", "-C", str(tmp_path), "-c", "user.name=n", "-c", "user.email=e@x"]
    subprocess.run([*git, "init", "-q"], check=True)
    (tmp_path / "file").write_text("1")
    subprocess.run([*git, "add", "file"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "first"], check=True)
    clean = provenance.git_state(tmp_path)
    assert len(clean["commit"]) == 40
    assert clean["changed"] is False
    (tmp_path / "file").write_text("2")
    assert provenance.git_state(tmp_path)["changed"] is True


def test_a_broken_checkout_has_no_commit(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("nonsense")
    assert provenance.git_state(tmp_path)["commit"] is None


def test_the_footer_holds_parameters_and_provenance_escaped() -> None:
    shown = footer(line_fit.LineParameters(label="<script>", seed=7))._repr_mimebundle_()
    assert "<script>" not in shown["text/html"]
    assert "&lt;script&gt;" in shown["text/html"]
    assert "seed                     7" in shown["text/plain"]
    assert shown[provenance.MIME]["versions"]["numpy"]
