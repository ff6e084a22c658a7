"""``explain``: what ran how, counted against what is known; ``find_nan``: the line, by its text and caret."""

import math
import struct

import numpy as np
import pytest

from workbench import explain, find_nan, gradient, rule
from workbench.autodiff.registry import DOORS, OWN, RULES
from workbench.errors import LostGradientError, NotDifferentiableError


def inner(x, n):
    for _ in range(n):
        x = math.sin(x) * 1.1
    return x


def scale(v):
    return np.exp(-v) * 2.0


def program(x, v):
    total = 0.0
    for i in range(3):
        total += inner(x * i + 1.0, 10)
    buffer = np.zeros(3)
    buffer[0] = x
    print("running")
    return total + np.sum(buffer * scale(v))


def rows(explanation):
    return {row.name.removeprefix(f"{__name__}."): row for row in explanation.rows}


def test_the_trace_of_a_program_is_told(monkeypatch, capsys):
    monkeypatch.setenv("WORKBENCH_NATIVE", "off")
    found = explain(program, 0.4, np.ones(3), wrt=(0, 1))
    assert capsys.readouterr().out == "running\n"  # once
    assert found.value == program(0.4, np.ones(3))
    assert found.choice.tier == "trace"
    table = rows(found)
    assert (table["inner"].way, table["inner"].calls, table["inner"].operations) == ("rewritten", 3, 30)
    assert (table["math.sin"].way, table["math.sin"].calls, table["math.sin"].operations) == ("rule", 30, 30)
    assert (table["numpy.exp"].way, table["numpy.exp"].operations) == ("rule", 1)
    assert (table["print"].way, table["print"].operations) == ("as it is", 0)
    assert found.contents.writes == 1
    assert found.contents.operations == sum(row.operations for row in found.rows)
    assert found.contents.array_bytes > 3 * 24
    assert all(row.forward >= 0 and row.backward >= 0 for row in found.rows)
    assert sum(row.forward for row in found.rows) <= found.forward
    assert sum(row.backward for row in found.rows) <= found.backward


def test_native_calls_inside_of_a_trace_are_told(monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", "auto")
    row = rows(explain(program, 0.4, np.ones(3)))["inner"]
    assert (row.way, row.calls) == ("native", 3)
    assert row.why in ("generated Python", "machine code")


def test_a_program_that_the_native_tier_takes_is_one_row(monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", "auto")
    found = explain(inner, 0.3, 50)
    assert found.choice.tier in ("generated Python", "machine code")
    assert found.contents is None
    assert [row.way for row in found.rows] == ["native"]


def test_why_the_native_tier_does_not_take_a_program(monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", "auto")
    text = str(explain(program, 0.4, np.ones(3)))
    assert "print is not known to this tier" in text
    assert 'print("running")\n    ^' in text
    assert "test_explanations.py" in text


def test_own_rules_methods_and_constants_are_told(monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", "off")

    class Thing:
        def __init__(self, k):
            self.k = k

        def twice(self, x):
            return cube(x) * self.k + np.sign(x)

    def cube(x):
        return x**3

    rule(cube)(lambda x: (x**3, lambda bar: (3 * x * x * bar,)))
    try:
        table = rows(explain(lambda x: Thing(2.0).twice(x) + np.array([x, x]).sum(), 1.5))
    finally:
        del DOORS[cube], RULES[cube]
        OWN.discard(cube)
    by_end = {name.rpartition(".")[2]: row for name, row in table.items()}
    assert (by_end["cube"].way, by_end["cube"].why) == ("rule", "registered with @rule")
    assert by_end["twice"].way == "rewritten"
    assert by_end["sign"].way == "constant"
    assert table["ndarray.sum"].way == "rule"


def test_the_explanation_is_shown_in_text_html_and_picture(monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", "off")
    found = explain(program, 0.4, np.ones(3))
    html = found._repr_html_()
    assert html.count("<tr") == 1 + len(found.rows)
    assert "print" in html
    assert html.count("min-width: 14em") == 1 + len(
        found.rows
    )  # or the reasons are a letter wide in a small window
    figure = found.timeline()
    names = {trace.name for trace in figure.data}
    assert {"rewritten", "rule", "as it is"} <= names
    widths = [w for trace in figure.data for w in trace.x]
    assert len(widths) > len(found.spans)  # forward and back
    assert min(widths) >= 0
    assert "levels" in figure.layout.meta["alt"]


def test_explaining_changes_nothing_for_later(monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", "off")
    before = gradient(program)(0.4, np.ones(3))
    explain(program, 0.4, np.ones(3))
    assert gradient(program)(0.4, np.ones(3)) == before


def test_errors_of_the_program_come_through():
    with pytest.raises(LostGradientError, match="compiled code"):
        explain(lambda x: len(struct.pack("d", x)) * x, 1.0)


# ------------------------------------------------------------------------------------ find_nan


def lines(birth):
    return [line.strip() for line in birth.where.splitlines()][1:]


@pytest.fixture
def quiet():
    with np.errstate(all="ignore"):
        yield


@pytest.mark.usefixtures("quiet")
def test_a_nan_born_forward():
    def f(x):
        y = np.log(x - 1.0)
        harmless = np.sqrt(x - 5.0)
        return (x * 3 + 0 * np.isnan(harmless)) @ y

    found = find_nan(f, np.array([0.5, 2.0]))
    assert found.way == "forward"
    assert lines(found) == ["y = np.log(x - 1.0)", "^^^^^^^^^^^^^^^"]
    assert "[-0.5  1. ]" in str(found)


@pytest.mark.usefixtures("quiet")
def test_a_nan_that_does_not_reach_the_result_is_passed_over():
    def f(x):
        unused = np.sqrt(x - 5.0)
        y = np.log(x - 1.0)
        return y.sum() + 0 * len(unused)

    assert "np.log" in find_nan(f, np.array([0.5, 2.0])).where
    assert find_nan(lambda x: np.where(x > 0, np.log(x), 0.0).sum(), np.array([-1.0, 1.0])) is None


@pytest.mark.usefixtures("quiet")
def test_a_nan_of_infinities_names_where_they_come_from():
    def f(x):
        kept = [1e308 * x * 10, 0.0]
        for _ in range(2):
            kept[1] += x
        return kept[0] - kept[0] + kept[1]

    found = find_nan(f, 2.0)
    assert lines(found)[0] == "return kept[0] - kept[0] + kept[1]"
    assert "1e308 * x * 10" in found.infinity


def test_a_nan_born_on_the_way_back():
    def f(x):
        r = np.sqrt(x * x)
        return r.sum()

    with np.errstate(all="ignore"):
        found = find_nan(f, np.array([0.0, 1.0]))
    assert found.way == "backward"
    assert lines(found) == ["r = np.sqrt(x * x)", "^^^^^"]
    assert "np.sqrt" in found.infinity

    def g(x):
        return (x * 0.0) ** 0.5 * 2

    found = find_nan(g, 1.0)
    assert (found.way, lines(found)) == ("backward", ["return (x * 0.0) ** 0.5 * 2", "^^^^^^^"])
    assert "the cotangent inf times the slope at 1.0" in str(found)


def test_a_nan_in_a_loop_that_the_native_tier_would_take(monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", "auto")

    def loop(x):
        for _ in range(3):
            x = x * x * 1e200
        return x - x

    def outer(x):
        return loop(x) + 1.0

    assert lines(find_nan(outer, 1e10))[0] == "return x - x"


def test_no_nan_and_a_nan_from_the_beginning():
    assert find_nan(lambda x: x * x, 1.0) is None
    assert "from the beginning" in str(find_nan(lambda x: x * x, math.nan))
    assert str(find_nan(lambda x: x * math.nan, 1.0)).startswith("a NaN is born on the way forward, of 1.0\n")


def test_the_result_of_a_call_is_no_program():
    for look in (find_nan, explain):
        with pytest.raises(NotDifferentiableError, match="the function itself"):
            look(3.0, 1.0)


def test_the_way_back_to_a_nan_warns_of_nothing():
    assert find_nan(lambda x: np.sqrt(x * 0.0) * 2.0, np.float64(1.0)).way == "backward"
