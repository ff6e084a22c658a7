"""What the command line makes of nonsense: thousands of seeded, fuzzed command lines, and no traceback.

    python benchmarks/front_door.py [--count 10000] [--seed 2020]

Every command line goes through the whole front door, up to where a run would begin; there it is only counted.
A command line is answered by beginning the run or by a message of four parts and exit code 2. Anything else is
a finding: it is printed, and the script ends with exit code 1.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import random
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from types import SimpleNamespace
from unittest import mock

from workbench import cli, showcases
from workbench.parameters import ParameterInfo
from workbench.reports import runner
from workbench.sweeps import sweep, tuning

TEXTS = (
    *("", " ", "-", "=", "0", "-0", "1", "-1", "00", "1e3", "1_000", "0x10", "1.5", ".", "1e-400", "1e400"),
    *("nan", "-nan", "inf", "-Infinity", "True", "no", "None", "null", "[]", "{}", "1,2", "0..4", "4..0"),
    *(
        "1..",
        "..1",
        "0..99999999999999999999",
        "a..b",
        ",",
        ",,",
        "1e-3..1e-1",
        "9" * 400,
        "9" * 5000,
        "1" + "0" * 309,
    ),
    *(
        "'); raise SystemExit #",
        "<script>alert(1)</script>",
        "{run_dir}",
        "%s%n",
        "../../etc/passwd",
        "~",
        "$HOME",
    ),
    *("\n", "\t1", "1\n", "\x00", "\x1b[2J", "ü", "१२", "½", "∞", "\udcff", "\u202e", "\ufeff1", "🙂" * 50),
)
OPTIONS = (
    "--preset",
    "--out",
    "--timeout",
    "--resume",
    "--fresh",
    "--jobs",
    "--retries",
    "--as",
    "--scheduler",
    "--xyz",
)


def main() -> int:
    """Fuzz; the exit code tells whether there was a finding."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=2020)
    options = parser.parse_args()
    rng, counts, findings = random.Random(options.seed), Counter(), []
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for _ in range(options.count):
            command = command_line(rng)
            outcome = answer(command)
            counts[outcome.kind] += 1
            if outcome.kind == "finding":
                findings.append((command, outcome.text))
        left = os.listdir(folder)
    for command, text in findings[:20]:
        print(f"FINDING {command!a}\n{text}")
    seconds = time.perf_counter() - began
    print(
        f"seed {options.seed}: {options.count} command lines in {seconds:.1f} s: {dict(counts)}; files left: {left}"
    )
    return 1 if findings or left else 0


def command_line(rng: random.Random) -> list[str]:
    """One command line: a command, mostly a real showcase, some parameters good and bad, some options."""
    command = rng.choice(("run", "run", "sweep", "tune", "list"))
    name = rng.choice((*showcases.names(), *showcases.names(), _text(rng, "trebuchet")))
    if command == "list":
        return [command, name]
    infos = showcases.find(rng.choice(showcases.names())).parameters.infos()
    if name in showcases.names():
        infos = showcases.find(name).parameters.infos()
    words = [command, name]
    for info in rng.sample(infos, rng.randrange(4)):
        words += ["-p", _assignment(rng, info)]
    for option in rng.sample(OPTIONS, rng.choice((0, 0, 1, 2))):
        words += [option, *([_text(rng, "smoke")] if rng.random() < 0.8 else [])]
    return [*words, *(["--objective", _text(rng, "loss")] if command == "tune" else [])]


def _assignment(rng: random.Random, info: ParameterInfo) -> str:
    name = info.name if rng.random() < 0.8 else _text(rng, info.name)
    if rng.random() < 0.5:
        return f"{name}={_text(rng, str(info.default))}"
    if info.low is None:
        return f"{name}={rng.choice(info.choices or ('text',))}"
    value = rng.uniform(float(info.low), float(info.high))
    return f"{name}={int(value) if info.kind is int else value}"


def _text(rng: random.Random, good: str) -> str:
    """A text from the list, a random one, or a good one with one character changed."""
    kind = rng.randrange(3)
    if kind == 0:
        return rng.choice(TEXTS)
    if kind == 1:
        return "".join(
            chr(rng.choice((rng.randrange(1, 128), rng.randrange(0x110000))))
            for _ in range(rng.randrange(20))
        )
    place = rng.randrange(len(good) + 1)
    return good[:place] + chr(rng.randrange(32, 127)) + good[place + 1 :]


def answer(command: Sequence[str]) -> SimpleNamespace:
    """What the front door answers: "begun", "refused", "listed", or "finding" with its text."""
    out, errors = (
        io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors=e) for e in ("strict", "backslashreplace")
    )
    begun = mock.Mock(side_effect=_BegunError)
    places = [mock.patch.object(module, name, begun) for module, name in _BEGINNINGS]
    with contextlib.ExitStack() as stack:
        for place in places:
            stack.enter_context(place)
        stack.enter_context(contextlib.redirect_stdout(out))
        stack.enter_context(contextlib.redirect_stderr(errors))
        try:
            code = cli.main(list(command))
        except SystemExit as ending:  # argparse
            code = ending.code
        except _BegunError:
            return SimpleNamespace(kind="begun", text="")
        except BaseException:
            return SimpleNamespace(kind="finding", text=traceback.format_exc(limit=-4))
    errors.flush()
    said = errors.buffer.getvalue().decode()
    if code == 0:
        return SimpleNamespace(kind="listed", text="")
    explained = code == 2 and said.strip() and "Traceback" not in said
    return SimpleNamespace(kind="refused" if explained else "finding", text=f"exit code {code}: {said}")


class _BegunError(Exception):
    """The arguments were accepted; a run would begin now."""


_BEGINNINGS = ((runner, "run"), (sweep, "run"), (tuning, "tune"))

if __name__ == "__main__":
    raise SystemExit(main())
