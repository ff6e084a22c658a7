"""``workbench new``: a showcase to start from, written into this checkout.

``skeleton/`` is a tree like the checkout's own. Each of its files is copied to the same place in the checkout, with
three words renamed in paths and in texts: ``skeleton``, ``Skeleton`` and ``NN_skeleton``, the notebook.
"""

from __future__ import annotations

import argparse
import keyword
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from workbench.errors import MachineError, ParameterError

NEW_EXAMPLES = "examples:\n  workbench new kite\n  workbench run kite --preset smoke"

LONGEST_NAME = 24
"""So that no line of the new files is too long, or wrapped in another way."""

DRAWERS = frozenset({"util", "utils", "helper", "helpers", "misc", "common", "base"})
"""Names that say nothing of a subject; no file of the repository has one."""

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_TOP = Path(__file__).resolve().parents[2]


def add(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Declare the command."""
    new = command("new", _new, "write a small working showcase to start from, with notebook and tests")
    new.add_argument("name", metavar="NAME", help="of its package, in small letters: kite, double_pendulum")


def _new(options: argparse.Namespace) -> None:
    files = new_files(options.name, _TOP)
    write_all(files)
    notebook = next(file.stem for file in files if file.suffix == ".ipynb")
    print("\n".join(str(file.relative_to(_TOP)) for file in sorted(files)))
    print(
        f"\nIt runs as it is:  workbench run {options.name} --preset smoke\n"
        f"                   workbench lab {notebook}\n"
        "What to change is marked `# Yours`; CONTRIBUTING.md goes through it, under A showcase of your own."
    )


def new_files(name: str, top: Path) -> dict[Path, str]:
    """The texts of a new showcase's files, by their places below ``top``, the folder of a checkout.

    Raises:
        ParameterError: no showcase can have this name, or something has it.
        MachineError: ``top`` is no checkout.
    """
    skeleton = top / "skeleton"
    if not skeleton.is_dir():
        raise MachineError(
            "a new showcase is written into a checkout of the repository, and this is none",
            found="no folder skeleton",
            where=str(top),
            fix="clone the repository and install it from there: pip install -e .",
        )
    _check_name(name)
    _check_free(name, top)
    title = "".join(part.capitalize() for part in name.split("_"))
    words = {"skeleton": name, "Skeleton": title, "NN_skeleton": f"{_next_number(top / 'notebooks')}_{name}"}

    def renamed(text: str) -> str:
        return re.sub("NN_skeleton|[Ss]keleton", lambda found: words[found[0]], text)

    sources = [file for file in sorted(skeleton.rglob("*")) if file.is_file()]
    paths = {file: file.relative_to(skeleton) for file in sources if file.parent.name != "__pycache__"}
    return {top / renamed(str(path)): renamed(file.read_text("utf-8")) for file, path in paths.items()}


def write_all(files: Mapping[Path, str]) -> None:
    """Write new files and the folders they need: all of them, or none.

    Raises:
        MachineError: one cannot be written.
    """
    made: list[Path] = []
    try:
        # Packages come last: until then no other command takes the folder for a showcase.
        for file in sorted(files, key=lambda file: file.name == "__init__.py"):
            for folder in reversed([folder for folder in file.parents if not folder.exists()]):
                folder.mkdir()
                made.append(folder)
            with file.open("x", encoding="utf-8") as new:
                made.append(file)
                new.write(files[file])
    except BaseException as error:
        for path in reversed(made):
            path.rmdir() if path.is_dir() else path.unlink()
        if isinstance(error, OSError):
            raise MachineError(
                "the showcase could not be written; nothing of it is left behind",
                found=error.strerror or str(error),
                where=str(error.filename or _TOP),
                fix="make room and see to it that the checkout may be written to",
            ) from error
        raise


def _check_name(name: str) -> None:
    wrong = None
    if not _NAME.fullmatch(name):
        wrong = "expected small letters and digits, in words joined by _"
    elif keyword.iskeyword(name):
        wrong = "a keyword of Python"
    elif len(name) > LONGEST_NAME:
        wrong = f"{len(name)} letters, expected at most {LONGEST_NAME}"
    elif name in DRAWERS:
        wrong = "which says nothing of what it is about"
    if wrong:
        raise _refused(name, wrong)


def _check_free(name: str, top: Path) -> None:
    """Refuse a name whose places are taken, or which would hide something of the two packages it goes into."""
    from workbench import figures, showcases

    package = top / "workbench"
    places = [
        folder / name for folder in (package / "showcases", package / "figures", top / "tests/showcases")
    ]
    for place in (*places, *(place.with_suffix(".py") for place in places)):
        if place.exists():
            raise _refused(name, f"{place.relative_to(top)} is there already")
    for room in (showcases, figures):
        if hasattr(room, name):
            raise _refused(name, f"{room.__name__}.{name} is something else")


def _refused(name: str, found: str) -> ParameterError:
    return ParameterError(
        "a new showcase cannot have this name",
        found=f"got {name!r}: {found}",
        where="NAME",
        fix="choose another one, such as kite or double_pendulum",
    )


def _next_number(notebooks: Path) -> int:
    """The next multiple of ten, so that notebooks can come between; with two digits, like the guides' 00."""
    numbers = [int(file.name.split("_")[0]) for file in notebooks.glob("[0-9]*_*.ipynb")]
    return (max(numbers, default=0) // 10 + 1) * 10
