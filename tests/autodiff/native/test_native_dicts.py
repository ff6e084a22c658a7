"""Dictionaries with constant keys: arguments, locals, results; which writes are refused for fear of another name."""

from __future__ import annotations

import math

import numpy as np
import pytest

from workbench import gradient, pullback, pushforward, value_and_gradient
from workbench.autodiff.native import Plan, plan

PARAMETERS = {
    "mass": 1.3,
    "steps": 6,
    "drag": {"linear": 0.2, "name": "air"},
    "weights": np.array([0.5, -0.2]),
}


@pytest.fixture(autouse=True)
def _generated_python(monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", "python")


def falling(p, height):
    state = {"x": height, "v": 0.0}
    extra = dict(p["drag"], quadratic=0.1 * p["mass"])
    for k in range(p["steps"]):
        a = acceleration(state, **extra)
        state["v"] += 0.1 * a / p["mass"]
        state["x"] = state["x"] + 0.1 * state["v"] * p["weights"][k % 2]
        if state["x"] < 0.0:
            state["x"] *= -0.5
    if "lift" in p or len(p) != 4 or p.get("wind") is not None or not p:
        state["x"] = 0.0
    return state["x"] + sum(p["weights"]) * p.get("mass", 2.0)


def acceleration(state, linear, quadratic, name):
    v = state["v"]
    return -9.81 - linear * v - quadratic * v * abs(v)


def totals(p, scale):
    total = 0.0
    for key in p:
        total += p[key] * scale if key != "b" else math.sin(p[key])
    squares = {key: value * value for key, value in p.items()}
    for value in {**squares, "b": 0.5, "d": scale}.values():
        total = total * 0.5 + value
    for key in squares:
        total += squares[key]
    return total


def as_result(p, x):
    found = {"sum": p["a"] + x, "pair": (p["a"] * x, 2)}
    before = found.copy()
    if x < before.get("sum"):
        found["sum"] = found["sum"] * 2.0
    return found


@pytest.mark.parametrize(
    ("program", "args"), [(falling, (PARAMETERS, 1.5)), (totals, ({"a": 0.4, "b": 1.2, "c": -0.3}, 0.7))]
)
def test_gradients_have_the_structure_of_the_argument(program, args, monkeypatch):
    assert isinstance(plan(program, args), Plan), str(plan(program, args))
    found = value_and_gradient(program, wrt=(0, 1))(*args)
    assert found[0] == program(*args)
    monkeypatch.setenv("WORKBENCH_NATIVE", "off")
    traced = value_and_gradient(program, wrt=(0, 1))(*args)
    assert list(found[1][0]) == list(args[0])
    compare(found[1], traced[1])


def compare(found, traced):
    if isinstance(traced, dict):
        assert found.keys() == traced.keys()
        found, traced = list(found.values()), list(traced.values())
    if isinstance(traced, list | tuple):
        for a, b in zip(found, traced, strict=True):
            compare(a, b)
    elif traced is None:
        assert found is None
    else:
        assert np.allclose(found, traced, rtol=1e-12, atol=1e-14)


def test_dicts_as_results_and_as_tangents(monkeypatch):
    args, found = ({"a": 0.4}, 0.7), []
    assert isinstance(plan(as_result, args), Plan), str(plan(as_result, args))
    for mode in ("python", "off"):
        monkeypatch.setenv("WORKBENCH_NATIVE", mode)
        value, back = pullback(as_result, *args)
        _, push = pushforward(as_result, *args)
        found.append((value, back({"sum": 1.0, "pair": (0.5, None)}), push({"a": 1.0}, 0.5)))
    for native, traced in zip(*found, strict=True):
        compare(native, traced)


def test_a_dict_changed_after_the_call_does_not_change_the_pullback():
    def root(p, x):
        total = 0.0
        for _ in range(3):
            total += math.sqrt(p["a"]) if x < 1.0 else x * p["b"]
        return total

    p = {"a": 4.0, "b": 2.0}
    _, back = pullback(root, p, 0.5)
    p["a"] = 1.0
    assert back(1.0)[0] == {"a": 0.75, "b": 0.0}


def test_other_keys_are_another_plan():
    def total(p, x):
        return sum(p.values()) * x

    assert gradient(total)({"a": 1.0}, 2.0) == {"a": 2.0}
    assert gradient(total)({"b": 1.0, "a": 3.0}, 2.0) == {"b": 2.0, "a": 2.0}


def writes_argument(p, x):
    p["a"] = x
    return p["a"] * x


def another_name(p, x):
    q = {"a": x}
    r = q
    q["a"] = 2.0 * x
    return r["a"]


def another_name_in_a_loop(p, x):
    q, r = {"a": x}, None
    r = {"a": 0.0}
    for _ in range(3):
        q["a"] = q["a"] * x
        r = q
    return r["a"]


def in_a_tuple(p, x):
    t = ({"a": x}, 1.0)
    q = t[0]
    q["a"] = 3.0 * x
    return t[0]["a"]


def an_entry(p, x):
    q = {"inner": {"a": x}}
    r = q["inner"]
    r["a"] = 3.0 * x
    return q["inner"]["a"]


def same(p):
    return p


def given_back(p, x):
    q = {"a": x}
    r = same(q)
    q["a"] = 3.0 * x
    return r["a"]


def a_live_view(p, x):
    q = {"a": x}
    values = q.values()
    q["a"] = 3.0 * x
    return sum(values)


def a_method_kept(p, x):
    q = {"a": x}
    get = q.get
    q["a"] = 3.0 * x
    return get("a")


def in_a_function_inside(p, x):
    q = {"a": x}

    def change():
        q["a"] = 2.0 * x

    change()
    return q["a"]


def default_dict(p, x):
    def keep(y, memory={"a": 0.0}):  # noqa: B006
        memory["a"] = memory["a"] + y
        return memory["a"]

    return keep(x) + keep(x)


def returns_the_argument(p, x):
    return p


def a_varying_key(p, x):
    return p["a" if x > 0.0 else "b"] * x


def an_unknown_method(p, x):
    q = {"a": x}
    return q.pop("a") * x


def unpacked_twice(p, x):
    q, r = {"a": x}, {"a": 2.0 * x}
    q["a"] = r["a"]
    return q["a"]


WRITES = [
    writes_argument,
    another_name,
    another_name_in_a_loop,
    in_a_tuple,
    an_entry,
    given_back,
    a_live_view,
]
WRITES += [a_method_kept, default_dict, unpacked_twice]
OTHERS = [in_a_function_inside, returns_the_argument, a_varying_key, an_unknown_method]


@pytest.mark.parametrize("program", [*WRITES, *OTHERS], ids=lambda f: f.__name__)
def test_refused(program):
    found = plan(program, ({"a": 0.5, "b": 1.5}, 0.7))
    assert not isinstance(found, Plan)
    assert program in OTHERS or "may have another name" in found.reason


def entry_computed_where_it_is_written(x, y):
    p = {"w": np.array([x, y])}
    w = p["w"]
    p["w"] = p["w"] * 2.0
    w[0] = y
    return p["w"][0] + w[0]


def test_what_an_entry_is_set_to_is_computed_there():
    args = (0.7, 1.3)
    assert isinstance(plan(entry_computed_where_it_is_written, args), Plan)
    found = value_and_gradient(entry_computed_where_it_is_written, wrt=(0, 1))(*args)
    assert found == (entry_computed_where_it_is_written(*args), (2.0, 1.0))


def test_a_missing_key_is_the_programs_own_error():
    def reads(p, x):
        return p["c"] * x if x > 0.0 else x

    with pytest.raises(KeyError):
        pullback(reads, {"a": 1.0}, 0.5)


def test_global_dicts_are_read_by_the_trace():
    def total(x):
        return sum(PARAMETERS["weights"]) * x

    assert not isinstance(plan(total, (0.5,)), Plan)


def asks_in_vain(x, y):
    p = {"a": x}
    if y > 0.0:
        y *= 2.0
    elif 0.0 < x < p["c"] or x > 1.0:
        y += x
    return x * y


def test_a_missing_key_in_half_of_a_condition_is_the_program_s_error():
    made = plan(asks_in_vain, (0.7, 0.5))
    for args in ((0.7, 0.5), (-0.7, -0.5)):
        assert made.pullback(args)[0] == asks_in_vain(*args)
    with pytest.raises(KeyError):
        made.pullback((0.7, -0.5))
