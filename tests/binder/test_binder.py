"""The Binder environment, as far as it can be checked without Docker."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

TOP = Path(__file__).resolve().parents[2]
BINDER = TOP / "binder"
SCRIPTS = ("postBuild", "start")


def requirements(path: Path) -> dict[str, Requirement]:
    lines = [line.partition("#")[0].strip() for line in path.read_text().splitlines()]
    found = [Requirement(line) for line in lines if line and not line.startswith("-")]
    return {canonicalize_name(requirement.name): requirement for requirement in found}


def pinned(requirement: Requirement) -> Version:
    (specifier,) = requirement.specifier
    assert specifier.operator == "==", f"{requirement} is not an exact pin"
    return Version(specifier.version)


@pytest.fixture(scope="module")
def project() -> dict[str, object]:
    return tomllib.loads((TOP / "pyproject.toml").read_text())["project"]


def test_every_dependency_is_pinned_to_a_version_the_project_admits(project: dict[str, list[str]]) -> None:
    pins = requirements(BINDER / "requirements.txt")
    wanted = {canonicalize_name(r.name): r for r in map(Requirement, project["dependencies"])}
    assert set(pins) == set(wanted)
    for name, requirement in wanted.items():
        assert requirement.specifier.contains(pinned(pins[name])), name


def test_the_pins_are_the_tested_ones() -> None:
    tested = requirements(TOP / "constraints.txt")
    for name, requirement in requirements(BINDER / "requirements.txt").items():
        assert pinned(requirement).public == pinned(tested[name]).public, name


def test_torch_is_the_processor_build() -> None:
    assert pinned(requirements(BINDER / "requirements.txt")["torch"]).local == "cpu"
    assert (
        "--extra-index-url https://download.pytorch.org/whl/cpu" in (BINDER / "requirements.txt").read_text()
    )


def test_ipykernel_can_update_widgets_from_threads() -> None:
    assert pinned(requirements(BINDER / "requirements.txt")["ipykernel"]) >= Version("7.1")


def test_there_is_one_kind_of_environment_file() -> None:
    others = ("environment.yml", "Pipfile", "setup.py", "apt.txt", "Dockerfile", "install.R", "default.nix")
    assert not [name for name in others if (BINDER / name).exists() or (TOP / name).exists()]
    assert not (TOP / ".binder").exists()
    assert sorted(file.name for file in BINDER.iterdir()) == [
        *("postBuild", "requirements.txt", "runtime.txt", "start")
    ]


def test_the_python_version_is_one_the_project_admits(project: dict[str, str]) -> None:
    version = (BINDER / "runtime.txt").read_text().strip().removeprefix("python-")
    assert Requirement(f"x{project['requires-python']}").specifier.contains(f"{version}.0")


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_can_be_run(name: str) -> None:
    script = BINDER / name
    assert os.access(script, os.X_OK)
    assert script.read_text().startswith("#!/bin/bash\n")
    subprocess.run(["bash", "-n", str(script)], check=True)


def test_start_hands_over_to_what_binder_asks_for() -> None:
    assert (BINDER / "start").read_text().rstrip().endswith('exec "$@"')
    command = [str(BINDER / "start"), sys.executable, "-c", "import os; print(os.environ['OMP_NUM_THREADS'])"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"


def test_post_build_writes_settings_jupyterlab_knows(tmp_path: Path) -> None:
    """Run postBuild with a pip that does nothing, one showcase, and JupyterLab's folder in a temporary place."""
    (tmp_path / "bin").mkdir()
    fake = tmp_path / "bin" / "python"
    fake.write_text(
        "#!/bin/bash\n"
        'case "$*" in *"-m pip"*|*"-m compileall"*|*"run quantum_vqe"*|*"run neural_sde"*)\n'
        'echo "$@" >> "$LOG"; exit 0;; esac\n'
        f'exec {sys.executable} "$@"\n'
    )
    fake.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "LOG": str(tmp_path / "log"),
        "JUPYTERLAB_DIR": str(tmp_path / "lab"),
    }
    subprocess.run([str(BINDER / "postBuild")], cwd=TOP, env=environment, check=True)
    called = (tmp_path / "log").read_text()
    assert "-c constraints.txt -e ." in called
    for name in ("quantum_vqe", "neural_sde"):
        assert f"-m workbench run {name} --preset smoke" in called
    settings = json.loads((tmp_path / "lab" / "settings" / "overrides.json").read_text())
    schemas = Path(sys.prefix) / "share" / "jupyter" / "lab" / "schemas"
    for plugin, values in settings.items():
        package, _, name = plugin.partition(":")
        known = json.loads((schemas / package / f"{name}.json").read_text())["properties"]
        assert set(values) <= set(known)


def test_repo2docker_accepts_the_files(tmp_path: Path) -> None:
    shutil.copytree(BINDER, tmp_path / "binder")
    command = [sys.executable, "-m", "repo2docker", "--no-build", "--debug", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (tmp_path / "binder" / "runtime.txt").write_text("python-9.9\n")
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "9.9" in refused.stderr


def test_badges_open_notebooks_that_exist() -> None:
    texts = [file.read_text(encoding="utf-8") for file in (TOP / "README.md", *TOP.glob("notebooks/*.ipynb"))]
    links = [link for text in texts for link in re.findall(r"https://mybinder\.org/v2/[^\s)\"\\>`]+", text)]
    assert links, "the README has no Binder link"
    for link in links:
        (place,) = parse_qs(urlparse(link).query)["urlpath"]
        assert (TOP / place.removeprefix("lab/tree/")).is_file(), link
