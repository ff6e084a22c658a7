"""Plans: refusals, errors, names from outside, the cache, the compiler in the background."""

from __future__ import annotations

import dataclasses
import functools
import gc
import math
import queue
import subprocess
import sys
import time
import types
import weakref
from pathlib import Path

import fuzz
import numpy as np
import pytest

from workbench import gradient, pullback, pushforward, vectorize
from workbench.autodiff.native import DeclinedError, Plan, Refusal, batch, cache, numba_text, plan
from workbench.autodiff.native import compile as compile_module
from workbench.errors import NotDifferentiableError

SCALE = 2.0
TABLE = {"a": 1.0}


@pytest.fixture(autouse=True)
def _generated_python(monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", "python")


# ------------------------------------------------------------------------------------------- refusals


def catches(x):
    try:
        return 1 / x
    except ZeroDivisionError:
        return 0.0


def keeps_a_dict(x):
    d = {0: x}
    return d[0]


def reads_a_dict(x):
    return TABLE["a"] * x


def calls_the_unknown(x):
    return math.gamma(x) + x


def changes_kind(x):
    y = x
    if x > 0:
        y = (x, x)
    return y[0]


def sometimes_none(x):
    if x > 0:
        return x
    return None


def filtered(x):
    return sum(v for v in (x, 2 * x) if v > 1)


def keeps_a_generator(x):
    factor = 1.0
    products = (factor * v for v in (x, 2.0 * x))
    factor = 3.0
    return sum(products)


def hands_on_a_generator(x):
    return _sum_twice(v for v in (x, 2.0 * x))


def _sum_twice(values):
    return sum(values) + sum(values)


def goes_twice_through_zip(x):
    pairs = zip((x, 2.0 * x), (x, x), strict=True)
    total = 0.0
    for a, b in pairs:
        total += a * b
    for a, b in pairs:
        total += a * b
    return total


def complex_number(x):
    return ((x + 1j) // 2).real


@dataclasses.dataclass
class Mutable:
    x: float


def makes_an_object(x):
    return Mutable(x).x


def grows_a_list(x):
    found = [x]
    other = found
    found.append(x)
    return other[1]


def big_integer(x):
    return x * 2**70


@pytest.mark.parametrize(
    ("program", "reason", "text", "caret"),
    [
        (catches, "try/except", "try:", "^^^"),
        (keeps_a_dict, "key that is not a constant string", "d = {0: x}", "     ^"),
        (reads_a_dict, "the subscript of", 'return TABLE["a"] * x', "       ^^^^^^^^^^"),
        (calls_the_unknown, "gamma is not known", "return math.gamma(x) + x", "       ^^^^^^^^^^^^^"),
        (changes_kind, "y is a tuple of 2 on one path", "return y[0]", "       ^"),
        (sometimes_none, "returns different kinds of things", "def sometimes_none(x):", "^^^"),
        (filtered, "filtered by a number", "return sum(v for v in (x, 2 * x) if v > 1)", "          ^^^"),
        (
            complex_number,
            "FloorDiv on complex numbers",
            "return ((x + 1j) // 2).real",
            "        ^^^^^^^^^^^^^",
        ),
        (makes_an_object, "Mutable is not a frozen dataclass", "return Mutable(x).x", "       ^^^^^^^^^^"),
        (
            keeps_a_generator,
            "keeps an iterator",
            "products = (factor * v for v in (x, 2.0 * x))",
            "           ^^^",
        ),
        (
            hands_on_a_generator,
            "hands on an iterator",
            "return _sum_twice(v for v in (x, 2.0 * x))",
            "          ",
        ),
        (
            goes_twice_through_zip,
            "keeps an iterator",
            "pairs = zip((x, 2.0 * x), (x, x), strict=True)",
            "        ^^^",
        ),
        (grows_a_list, "append", "found.append(x)", "^^^^^^^^^^^^"),
    ],
)
def test_refusals_say_why_and_where(program, reason, text, caret):
    refusal = plan(program, (2.0,))
    assert isinstance(refusal, Refusal)
    assert reason in refusal.reason
    assert refusal.file == __file__
    lines = Path(__file__).read_text().splitlines()
    assert lines[refusal.line - 1].strip() == text
    shown, mark = (line[4:] for line in refusal.caret.splitlines())
    assert shown == text
    assert mark.startswith(caret)


def test_functions_without_source_are_refused():
    namespace = {}
    exec("def f(x):\n    return x * x\n", namespace)
    assert "source" in plan(namespace["f"], (1.0,)).reason
    assert "not a function" in plan(math.sin, (1.0,)).reason
    assert "holds, a float" in plan(sometimes_none, (1,)).reason


def test_a_source_changed_after_import_is_refused(tmp_path):
    path = tmp_path / "changing_module.py"
    path.write_text("def f(x):\n    return 2 * x\n")
    namespace = {"__name__": "changing_module"}
    exec(compile(path.read_text(), str(path), "exec"), namespace)
    path.write_text("def f(x):\n    return 3 * x\n")
    assert "changed after 'f' was defined" in plan(namespace["f"], (1.0,)).reason


def test_off(monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", "off")
    assert plan(scaled, (1.0,)) == Refusal("WORKBENCH_NATIVE is off")


# ------------------------------------------------------------------------------------------- errors


def root_of_log(x):
    return math.sqrt(math.log(x))


def divides(x, n):
    return x / n + 1.0


def grows(x):
    n = 1
    for _ in range(100):
        n = n * 3
    return x * n


def too_large(x):
    return math.exp(x) * 2


def unset(x):
    if x > 0:
        y = x
    return y * 2


def complex_power(x):
    return abs(x**0.5)


@pytest.mark.parametrize("machine", [False, True])
@pytest.mark.parametrize(
    ("program", "args", "error"),
    [
        (root_of_log, (0.5,), ValueError),
        (root_of_log, (-0.5,), ValueError),
        (divides, (1.0, 0), ZeroDivisionError),
        (too_large, (1000.0,), OverflowError),
        (unset, (-1.0,), UnboundLocalError),
        (grows, (1.0,), DeclinedError),
        (complex_power, (-2.0,), DeclinedError),
    ],
    ids=lambda v: getattr(v, "__name__", ""),
)
def test_what_python_raises_is_raised_and_what_it_computes_is_declined(
    program, args, error, machine, monkeypatch
):
    if machine:
        monkeypatch.setenv("WORKBENCH_NATIVE", "numba")
    made = plan(program, args)
    assert isinstance(made, Plan), str(made)
    with pytest.raises(error):
        made.pullback(args)


# ------------------------------------------------------------------------------------------- arrays from outside

WEIGHTS = np.array([1.0, 2.0, 3.0])


def weighed(x):
    total = 0.0
    for k in range(len(WEIGHTS)):
        total += WEIGHTS[k] * x * x
    return total


def writes_outside(x):
    WEIGHTS[0] = x
    return WEIGHTS[0] * x


def writes_in_a_helper(x):
    _set_first(WEIGHTS, x)
    return WEIGHTS[0] * x


def _set_first(a, x):
    a[0] = x


def default_array(x, a=WEIGHTS):
    return a[0] * x


def slope(x):
    return plan(weighed, (x,)).pullback((x,))[1](1.0)[0]


def test_arrays_from_outside_are_read_at_each_call(monkeypatch):
    here = sys.modules[__name__]
    monkeypatch.setattr(here, "WEIGHTS", np.array([1.0, 2.0, 3.0]))
    assert slope(0.5) == 6.0
    WEIGHTS[1] = 7.0
    assert slope(0.5) == 11.0
    made = plan(weighed, (0.5,))
    monkeypatch.setattr(here, "WEIGHTS", np.array([5.0, 2.0]))
    assert slope(0.5) == 7.0
    assert plan(weighed, (0.5,)) is made
    monkeypatch.setattr(here, "WEIGHTS", np.array([4, 1]))
    assert slope(0.5) == 5.0


def test_an_array_replaced_by_a_list_leaves_the_call_to_the_trace(monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "WEIGHTS", [1.0, 1.0])
    again = types.FunctionType(
        weighed.__code__, globals(), "again", (9.0,)
    )  # a key of its own among the plans
    assert isinstance(plan(again, (0.5,)), Refusal)
    assert gradient(again)(0.5) == 2.0


def test_a_plan_does_not_read_an_array_that_became_something_else(monkeypatch):
    made = plan(weighed, (0.5,))
    monkeypatch.setattr(sys.modules[__name__], "WEIGHTS", np.ones(3, complex))
    with pytest.raises(DeclinedError):
        made.numbers((0.5,))


def test_arrays_in_closures_are_told_apart():
    def make(table):
        def f(x):
            total = 0.0
            for k in range(len(table)):
                total += table[k] * x
            return total

        return f

    one, two = make(np.array([1.0, 2.0])), make(np.array([4.0, 5.0, 6.0]))
    found = [plan(f, (1.0,)).pullback((1.0,))[1](1.0) for f in (one, two, one)]
    assert found == [(3.0,), (15.0,), (3.0,)]
    assert plan(one, (1.0,)).compiled is plan(two, (1.0,)).compiled


def test_a_plan_does_not_keep_the_arrays_of_a_closure():
    def make():
        table = np.ones(3)
        return (lambda x: x * table[0] + helper(x)), weakref.ref(table)

    f, table = make()
    made = plan(f, (2.0,))
    assert made.pullback((2.0,))[1](1.0) == (5.0,)
    assert made.pushforward((2.0,), (1.0,))[1] == 5.0
    compiled = made.compiled
    del f, made
    gc.collect()
    assert table() is None
    again, _ = make()
    assert plan(again, (2.0,)).compiled is compiled


def test_derivatives_belong_to_what_an_array_held_when_the_program_ran(monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "WEIGHTS", np.array([1.0, 2.0, 3.0]))
    value, push = pushforward(weighed, 0.5)
    _, back = pullback(weighed, 0.5)
    WEIGHTS[0] = 100.0
    assert (value, push(1.0), back(1.0)) == (1.5, 6.0, (6.0,))
    with pytest.raises(NotDifferentiableError, match="changed since"):
        back(math.nan)


def test_a_traced_number_in_an_array_from_outside_counts():
    def f(x):
        table = np.zeros(2)

        def g(y):
            total = 0.0
            for k in range(2):
                total += table[k] * y
            return total

        table[0] = x * x
        return g(x)

    assert gradient(f)(2.0) == 12.0


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        (writes_outside, "writes into an array from outside"),
        (writes_in_a_helper, "may be one from outside"),
        (default_array, "an array from outside is a default"),
    ],
)
def test_what_is_not_taken_of_arrays_from_outside(program, reason, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "WEIGHTS", np.array([1.0, 2.0, 3.0]))
    assert reason in plan(program, (2.0,)).reason


def scaled_by(base, x, n=2):
    for _ in range(n):
        x = x * base
    return x


@pytest.mark.parametrize(
    "program",
    [functools.partial(scaled_by, 3.0), functools.partial(scaled_by, 3.0, n=2)],
)
def test_a_batch_of_what_brings_arguments_is_traced(program):
    xs = np.array([1.0, 2.0])
    assert isinstance(batch(program, (xs,)), Refusal)
    assert vectorize(program)(xs).tolist() == [program(1.0), program(2.0)]
    assert gradient(lambda xs: vectorize(program)(xs)[1])(xs)[1] == gradient(program)(2.0)


def raises_by_keyword(x, n, *, factor=2.0):
    for _ in range(n):
        x = x * factor * x
    return x


def by_name(x, data, scale=2.0, n=1):
    for k in range(n):
        x += scale * x * data[k]
    return x


def test_arguments_by_name(monkeypatch):
    data = np.array([1.0, 2.0, 3.0])
    whole = functools.partial(by_name, data=data, n=2)
    assert isinstance(plan(whole, (1.5,)), Plan)
    assert gradient(by_name)(1.5, data=data, n=2) == 15.0
    assert gradient(by_name)(1.5, n=1, data=data, scale=3.0) == 4.0
    _, push = pushforward(whole, 1.5)
    data[0] = 50.0
    assert push(1.0) == 15.0
    assert "given by name" in plan(functools.partial(raises_by_keyword, factor=3.0), (1.5, 2)).reason
    monkeypatch.setitem(raises_by_keyword.__kwdefaults__, "factor", 2.0)
    assert plan(calls_by_keyword, (1.5,)).pullback((1.5,))[1](1.0) == (6.0,)
    raises_by_keyword.__kwdefaults__["factor"] = 3.0
    assert plan(calls_by_keyword, (1.5,)).pullback((1.5,))[1](1.0) == (9.0,)


def calls_by_keyword(x):
    return raises_by_keyword(x, n=1)


# ------------------------------------------------------------------------------------------- names from outside


def scaled(x):
    return SCALE * x


def test_a_changed_global_makes_a_new_plan(monkeypatch):
    assert plan(scaled, (3.0,)).pullback((3.0,))[1](1.0) == (2.0,)
    assert plan(scaled, (3.0,)) is plan(scaled, (4.0,))
    monkeypatch.setattr(sys.modules[__name__], "SCALE", 5.0)
    assert plan(scaled, (3.0,)).pullback((3.0,))[1](1.0) == (5.0,)


def helper(x):
    return x * x


def uses_helper(x):
    return helper(x)


def test_a_replaced_function_makes_a_new_plan(monkeypatch):
    assert plan(uses_helper, (3.0,)).pullback((3.0,))[1](1.0) == (6.0,)
    monkeypatch.setattr(sys.modules[__name__], "helper", lambda x: 7 * x)
    assert plan(uses_helper, (3.0,)).pullback((3.0,))[1](1.0) == (7.0,)


def test_closures_with_other_values_are_told_apart():
    def make(k):
        return lambda x: k * x

    two, three = make(2.0), make(3.0)
    assert plan(two, (1.0,)).pullback((1.0,))[1](1.0) == (2.0,)
    assert plan(three, (1.0,)).pullback((1.0,))[1](1.0) == (3.0,)
    assert plan(two, (1.0,)).pullback((1.0,))[1](1.0) == (2.0,)


def test_equal_code_of_different_modules_is_told_apart():
    source = "def scale(x):\n    return {} * x\n\n\ndef main(x):\n    return scale(x)\n"
    mains = [fuzz.load(source.format(k), f"<module {k}>")["main"] for k in (2, 3)]
    assert mains[0].__code__ == mains[1].__code__
    assert [plan(main, (1.0,)).pullback((1.0,))[1](1.0) for main in mains] == [(2.0,), (3.0,)]


def test_defaults_are_told_apart():
    def make(k):
        def f(x, k=k):
            return k * x

        return f

    slopes = [plan(f, (1.0,)).pullback((1.0,))[1](1.0) for f in (make(2.0), make(3.0))]
    assert slopes == [(2.0,), (3.0,)]


def test_captured_numbers_do_not_make_new_plans():
    def make(k):
        return lambda x, y: k * x * y

    plans = [plan(make(k), (1.0, 2.0)) for k in (2.0, 3.0)]
    assert plans[0].compiled is plans[1].compiled
    assert plans[1].pushforward((1.0, 2.0), (1.0, 0.0)) == (6.0, 6.0)
    values, back = batch(make(5.0), (np.array([1.0, 2.0]), 3.0))
    assert values.tolist() == [15.0, 30.0]
    assert back(np.ones(2))[0].tolist() == [15.0, 15.0]


def test_types_are_told_apart():
    def square(x):
        return x * x if isinstance(x, float) else x.a * x.b

    @dataclasses.dataclass(frozen=True)
    class Both:
        a: float
        b: float
        n: int = 3
        name: str = "both"

    value, back = plan(square, (Both(2.0, 3.0),)).pullback((Both(2.0, 3.0),))
    (bar,) = back(1.0)
    assert (value, bar.a, bar.b, bar.n, bar.name) == (6.0, 3.0, 2.0, None, None)
    assert plan(square, (2.0,)).pullback((2.0,))[1](1.0) == (4.0,)


# ------------------------------------------------------------------------------------------- machine code

PROGRAM = """
import math
def f(x, n):
    s = x
    for k in range(n):
        s = math.sin(s) + 0.1 * k
    return s
"""

RUN = """
import os, sys
sys.path[:0] = [{root!r}, {folder!r}]
os.environ["WORKBENCH_NATIVE"] = {mode!r}
os.environ["WORKBENCH_CACHE"] = {cache!r}
import program
from workbench.autodiff.native import plan
made = plan(program.f, (0.5, 9))
print(made.pullback((0.5, 9))[1](1.0)[0], made.state)
"""


def run(tmp_path, folder, program=PROGRAM, mode="numba") -> tuple[float, str]:
    """The slope and the state in a process of its own."""
    (tmp_path / "program.py").write_text(program)
    root = str(Path(__file__).resolve().parents[3])
    code = RUN.format(root=root, folder=str(tmp_path), cache=str(folder), mode=mode)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    slope, state = done.stdout.split()
    return float(slope), state


def machine_code_in(tmp_path) -> dict[Path, int]:
    """The files of machine code in the cache, and when each was written."""
    return {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*.nb*")}


def test_the_next_process_finds_the_machine_code(tmp_path):
    first, files = run(tmp_path, tmp_path / "cache"), machine_code_in(tmp_path)
    second = run(tmp_path, tmp_path / "cache")
    assert files
    assert files == machine_code_in(tmp_path)
    assert second == (first[0], "compiled")


def test_a_cache_that_cannot_be_written_does_no_harm(tmp_path):
    (tmp_path / "a file").write_text("")
    assert run(tmp_path, tmp_path / "a file" / "cache")[1] == "compiled"


def test_two_processes_fill_one_cache(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    root = str(Path(__file__).resolve().parents[3])
    code = RUN.format(root=root, folder=str(tmp_path), cache=str(tmp_path / "cache"), mode="numba")
    both = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    lines = [process.communicate()[0].split() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert lines[0][:2] == lines[1][:2]
    assert lines[0][1] == "compiled"


def test_damaged_machine_code_is_compiled_again(tmp_path):
    first = run(tmp_path, tmp_path / "cache")
    for path in (tmp_path / "cache").rglob("*.nb*"):
        path.write_bytes(b"damaged")
    again = run(tmp_path, tmp_path / "cache")
    assert again[0] == first[0]


def test_module_files_are_named_after_their_text(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "folder", lambda: tmp_path)
    one, two = cache.module_file("a = 1\n", "m"), cache.module_file("a = 2\n", "m")
    assert one != two
    assert cache.module_file("a = 1\n", "m") == one
    assert [p.read_text() for p in (one, two)] == ["a = 1\n", "a = 2\n"]
    assert sorted(tmp_path.iterdir()) == sorted([one, two])


def hot(x, n):
    s = x
    for k in range(n):
        s = math.sin(s) + 0.1 * k
    return s


def test_a_hot_function_is_compiled_in_the_background(monkeypatch, tmp_path):
    monkeypatch.setenv("WORKBENCH_NATIVE", "auto")
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path))
    monkeypatch.setattr(cache, "folder", cache.folder.__wrapped__)
    # Functions that other tests have left waiting for the one compiler are not waited for.
    monkeypatch.setattr(compile_module._Worker, "waiting", queue.Queue())
    monkeypatch.setattr(compile_module._Worker, "thread", None)
    made = Plan(hot, (0.5, 2000))
    states, gradients = set(), set()
    ends = time.monotonic() + 300
    while made.state != "compiled" and time.monotonic() < ends:
        assert not made.compiled.failure
        gradients.add(round(made.pullback((0.5, 2000))[1](1.0)[0], 12))
        states.add(made.state)
    gradients.add(round(made.pullback((0.5, 2000))[1](1.0)[0], 12))
    assert made.state == "compiled"
    assert "compiling" in states
    assert len(gradients) == 1


def factorial(x):
    return 1.0 if x < 1.0 else x * factorial(x - 1.0)


RECURSIVE = """
import math
import numpy as np
def total(a):
    return a[0] if len(a) == 1 else total(a[: len(a) // 2]) + total(a[len(a) // 2 :])
def tree(x, n):
    if n == 0:
        return math.sin(x), 1
    a, k = tree(math.cos(x), n - 1)
    b, m = tree(x, n - 2) if n > 1 else (x, 2)
    return x * a + 0.3 * b, k + m + tree(x, 0)[1]
def f(x, n):
    return tree(x, n)[0] * tree(x, 3)[1] + total(x * np.linspace(0.0, 1.0, n))
"""


def test_the_next_process_finds_the_machine_code_of_a_recursion(tmp_path):
    first, files = (
        run(tmp_path, tmp_path / "cache", program=RECURSIVE, mode="numba"),
        machine_code_in(tmp_path),
    )
    second = run(tmp_path, tmp_path / "cache", program=RECURSIVE, mode="auto")
    assert files
    assert files == machine_code_in(tmp_path)
    assert second == (first[0], "compiled")


def deep(x, n):
    return x if n == 0 else math.sin(deep(x, n - 1)) + 0.1 * x


def endless(x):
    return x * endless(x + 1.0) if x > 0.0 else x


def test_a_deep_recursion_gives_the_same_bits_and_an_endless_one_raises(monkeypatch, tmp_path):
    args, expected = (0.7, numba_text.DEEPEST + 50), {}
    for mode in ("python", "numba"):
        monkeypatch.setenv("WORKBENCH_NATIVE", mode)
        made = Plan(deep, args)
        for n in (5, args[1]):
            value, back = made.pullback((args[0], n))
            pushed = made.pushforward((args[0], n), (1.0, None))
            found = value, back(1.0), pushed
            assert expected.setdefault(n, found) == found
    assert made.state == "compiled"
    made = Plan(endless, (1.0,))
    with pytest.raises(RecursionError):
        made.pullback((1.0,))
    with pytest.raises(RecursionError):
        made.pushforward((1.0,), (1.0,))
    with pytest.raises(RecursionError):
        batch(endless, (np.array([-1.0, 1.0]),))
    assert made.state == "compiled"


# ------------------------------------------------------------------------------------------- batches


def two_results(x, y, n):
    for _ in range(n):
        x = math.sin(x * y)
    return x, y * x


@pytest.mark.parametrize("mode", ["python", "numba"])
def test_batch_is_row_by_row(mode, monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", mode)
    monkeypatch.setenv("WORKBENCH_THREADS", "2")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=11), 0.7
    values, back = batch(two_results, (x, y, 3))
    bars = rng.normal(size=(11, 2))
    x_bar, y_bar, _ = back(bars)
    made = plan(two_results, (1.0, 1.0, 3))
    rows = [made.pullback((float(a), y, 3)) for a in x]
    assert np.allclose(values, [value for value, _ in rows], rtol=1e-13)
    parts = [row_back(tuple(bar)) for (_, row_back), bar in zip(rows, bars, strict=True)]
    assert np.allclose(x_bar, [part[0] for part in parts], rtol=1e-12)
    assert y_bar == pytest.approx(sum(part[1] for part in parts), rel=1e-12)


def test_batch_names_the_row_that_raises():
    with pytest.raises(ValueError, match="math domain error") as caught:
        batch(root_of_log, (np.array([2.0, 3.0, 0.5]),))
    assert "in row 2 of a batch" in caught.value.__notes__[0]


def up(x, n):
    return x if n == 0 else down(math.sin(x), n - 1)


def down(x, n):
    return -x if n == 0 else up(0.5 * x, n - 1)


def test_functions_that_call_each_other_stay_generated_python(monkeypatch, tmp_path):
    monkeypatch.setenv("WORKBENCH_NATIVE", "numba")
    monkeypatch.setattr(cache, "folder", lambda: tmp_path)
    made = Plan(up, (0.5, 4))
    assert made.pullback((0.5, 4))[1](1.0)[0] == pytest.approx(
        0.25 * math.cos(0.5) * math.cos(0.5 * math.sin(0.5))
    )
    made.compiled.load()
    assert made.state == "python"
    assert "in a circle" in made.compiled.failure
    assert not list(tmp_path.iterdir())
