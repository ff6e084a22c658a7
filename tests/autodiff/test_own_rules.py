"""Rules of users: by type, on other people's functions and methods, with structures as arguments."""

import math

import numpy as np
import pytest

from workbench import check_gradient, check_rule, gradient, hessian, non_differentiable, pushforward, rule
from workbench.autodiff import own_rules
from workbench.autodiff.registry import DOORS, OWN, RULES
from workbench.errors import LostGradientError, MissingRuleError, RuleError


@pytest.fixture
def forgetting():
    """Rules registered in a test are forgotten after it."""
    tables = (DOORS, RULES, own_rules._OF_TYPES, own_rules._own_doors)
    before, own = [dict(table) for table in tables], set(OWN)
    yield
    for table, kept in zip(tables, before, strict=True):
        table.clear()
        table.update(kept)
    OWN.clear()
    OWN.update(own)


class Vector:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def norm(self, scale=1.0):
        return math.hypot(self.x, self.y) * scale


def norm_rule(v, scale=1.0):
    n = v.norm.__func__(v, scale)

    def norm_pullback(bar):
        k = bar * scale * scale / n
        return Vector(k * v.x, k * v.y), bar * n / scale

    return n, norm_pullback


@pytest.mark.usefixtures("forgetting")
def test_a_rule_for_a_type_leaves_other_types_alone():
    @rule(np.sinc, types=(float,))
    def wrong_on_purpose(x):
        return np.sinc(x), lambda bar: (7.0 * bar,)

    array = np.array([0.3])
    plain = gradient(lambda x: np.sinc(x).sum())(array)
    assert gradient(lambda x: np.sinc(x))(0.3) == 7.0
    assert plain == pytest.approx((np.sinc(0.3 + 1e-6) - np.sinc(0.3 - 1e-6)) / 2e-6, rel=1e-8)


@pytest.mark.usefixtures("forgetting")
def test_the_rule_registered_last_goes_first_and_types_before_no_types():
    def area(shape, scale):
        return (shape["w"] * shape["h"] if isinstance(shape, dict) else shape * shape) * scale

    @rule(area)
    def for_all(shape, scale):
        return area(shape, scale), lambda bar: (10.0 * bar, 20.0 * bar)

    @rule(area, types=(object, int))
    def for_whole_scales(shape, scale):
        return area(shape, scale), lambda bar: (30.0 * bar, None)

    @rule(area, types=((dict, list), (int, float)))
    def for_boxes(shape, scale):
        def boxes_pullback(bar):
            by_shape = {"w": bar * scale * shape["h"], "h": bar * scale * shape["w"]}
            return by_shape, bar * shape["w"] * shape["h"]

        return area(shape, scale), boxes_pullback

    assert gradient(lambda w: area(w, 2.0))(5.0) == 10.0
    assert gradient(lambda w: area(w, 2))(5.0) == 30.0
    assert gradient(lambda w: area({"w": w, "h": 2.0}, 3))(5.0) == 6.0
    check_rule(area, {"w": 5.0, "h": 2.0}, 3.0)


@pytest.mark.usefixtures("forgetting")
def test_a_rule_for_a_method_gets_and_gives_objects():
    rule(Vector.norm)(norm_rule)
    check_rule(Vector.norm, Vector(3.0, 4.0), 2.0)
    assert gradient(lambda x, y: Vector(x, 2 * y).norm(2.0), (0, 1))(3.0, 2.0) == pytest.approx((1.2, 3.2))
    found = gradient(lambda v: v.norm() ** 2)(Vector(3.0, 4.0))
    assert (found.x, found.y) == (6.0, 8.0)
    second = hessian(lambda a: Vector(a[0], a[1]).norm(a[2]))(np.array([3.0, 4.0, 2.0]))
    assert np.allclose(second, [[0.256, -0.192, 0.6], [-0.192, 0.144, 0.8], [0.6, 0.8, 0.0]], rtol=1e-14)


@pytest.mark.usefixtures("forgetting")
def test_a_wrong_rule_on_an_object_is_found():
    def wrong(v):
        n, back = norm_rule(v)
        return n, lambda bar: (Vector(*(1.001 * c for c in vars(back(bar)[0]).values())),)

    rule(Vector.norm)(wrong)
    with pytest.raises(RuleError, match="wrong derivative"):
        check_rule(Vector.norm, Vector(3.0, 4.0))
    rule(Vector.norm)(lambda v: (norm_rule(v)[0], lambda bar: (bar,)))
    with pytest.raises(RuleError, match="another structure"):
        check_rule(Vector.norm, Vector(3.0, 4.0))
    with pytest.raises(RuleError, match="another structure"):
        gradient(lambda v: v.norm())(Vector(3.0, 4.0))


@pytest.mark.usefixtures("forgetting")
def test_what_rules_refuse():
    with pytest.raises(RuleError, match="are not types"):
        rule(math.hypot, types=(3,))
    rule(Vector.norm)(norm_rule)
    with pytest.raises(MissingRuleError, match="inside of its keyword arguments") as caught:
        gradient(lambda x: Vector.norm(Vector(x, x), other={"a": x}))(1.0)
    assert "test_own_rules.py" in caught.value.where


@pytest.mark.usefixtures("forgetting")
def test_cotangents_in_dicts_find_their_places_by_key():
    def energy(d):
        return d["a"] * d["b"] ** 2

    rule(energy)(
        lambda d: (energy(d), lambda bar: ({"b": 2 * bar * d["a"] * d["b"], "a": bar * d["b"] ** 2},))
    )
    check_rule(energy, {"a": 2.0, "b": 3.0})
    assert gradient(energy)({"a": 2.0, "b": 3.0}) == {"a": 9.0, "b": 12.0}


@pytest.mark.usefixtures("forgetting")
def test_values_in_dicts_vary():
    def parts(x, p):
        return {"a": [x * p["k"], (x, None)], "name": "parts"}

    @rule(parts)
    def parts_rule(x, p):
        return parts(x, p), lambda bar: (p["k"] * bar["a"][0] + bar["a"][1][0], {"k": x * bar["a"][0]})

    def program(x, k):
        found = parts(x, {"k": k})
        return found["a"][0] * found["a"][1][0]

    assert gradient(program, (0, 1))(2.0, 3.0) == (12.0, 4.0)
    assert gradient(lambda x: parts(x, {"k": 3.0})["a"][0] ** 2)(2.0) == 36.0


@pytest.mark.usefixtures("forgetting")
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda x: x * x, "must return the value and its pullback"),
        (lambda x: (x * x, lambda bar: ("text",)), r"got a str, expected an array of shape \(3,\)"),
        (lambda x: (x * x, lambda bar: (np.ones(2),)), r"got an array of shape \(2,\), expected an array of"),
    ],
)
def test_rules_that_return_something_else(wrong, message):
    def square(x):
        return x * x

    rule(square)(wrong)
    for found in (
        lambda: gradient(lambda x: square(x).sum())(np.ones(3)),
        lambda: check_rule(square, np.ones(3)),
    ):
        with pytest.raises(RuleError, match=message):
            found()


def test_what_is_no_function_has_no_rule():
    with pytest.raises(RuleError, match="for a function or a method"):
        rule(3.0)
    with pytest.raises(RuleError, match="are not types"):
        rule(math.hypot, types=float)


@pytest.mark.usefixtures("forgetting")
def test_names_that_have_no_position():
    def scale(x, *, k):
        return x * k

    rule(scale)(lambda x, *, k: (x * k, lambda bar: (bar * k,)))
    with pytest.raises(MissingRuleError, match="no rule for its argument 'k'"):
        gradient(lambda x: scale(x, k=x))(3.0)


@pytest.mark.usefixtures("forgetting")
def test_constants_whatever_varies_in_the_arguments():
    class Lens:
        def __init__(self, k):
            self.k = k

        @non_differentiable
        def focus(self, x):
            return self.k * x

    assert gradient(lambda x: Lens(x).focus(x) * x)(3.0) == 9.0
    seen = []
    log = non_differentiable(lambda where, x: where.append(x))

    def logged(x):
        log(seen, x)
        return x * x

    assert gradient(logged)(3.0) == 6.0
    assert seen == [3.0]
    clear = non_differentiable(lambda v: v.fill(0.0))

    def cleared(x):
        y = x * 1.0
        clear(y)
        return (y * y).sum()

    with pytest.raises(LostGradientError, match="changes an argument that varies"):
        gradient(cleared)(np.ones(2))


@pytest.mark.usefixtures("forgetting")
def test_functions_made_inside_of_a_program():
    def program(x):
        @non_differentiable
        def twice(y):
            return x * y

        def square(y):
            return y * y

        rule(square)(lambda y: (y * y, lambda bar: (100.0 * bar,)))
        return twice(2.0) * x + square(x)

    assert gradient(program)(3.0) == 106.0


def energy(parts, scale=1.0):
    return scale * sum((p * p).sum() for p in parts)


def energy_rule(parts, scale=1.0):
    return energy(parts, scale), lambda bar: ([2.0 * bar * scale * p for p in parts], None)


@pytest.mark.usefixtures("forgetting")
def test_arrays_in_lists_that_traced_values_were_written_into():
    rule(energy)(energy_rule)

    def by_position(x):
        a = np.zeros(2)
        a[0], a[1] = x, x * x
        return energy([a])

    def by_name(x):
        a = np.zeros(2)
        a[0] = x
        return energy(x, scale=[a])

    assert gradient(by_position)(2.0) == pytest.approx(2 * 2.0 + 4 * 2.0**3)
    rule(energy)(lambda x, *, scale: (x, lambda bar: (bar,)))
    with pytest.raises(MissingRuleError, match="inside of its keyword"):
        gradient(by_name)(2.0)


TABLE = np.array([1.0, 2.0])


@pytest.mark.usefixtures("forgetting")
def test_what_a_rule_returns_and_reads_stays_the_callers():
    def weighted(x):
        return TABLE @ x

    @rule(weighted)
    def weighted_rule(x):
        return TABLE @ x, lambda bar: (TABLE if bar == 1.0 else bar * TABLE,)

    def program(x):
        y = weighted(x) + (x * x).sum()
        TABLE[:] = 5.0
        return y

    try:
        assert np.array_equal(gradient(program)(np.ones(2)), [3.0, 4.0])
        TABLE[:] = 1.0, 2.0
        found = gradient(lambda x: weighted(x))(np.ones(2))
        found += 100.0
        assert np.array_equal(TABLE, [1.0, 2.0])
    finally:
        TABLE[:] = 1.0, 2.0


@pytest.mark.usefixtures("forgetting")
def test_what_would_pass_a_rule_by():
    def fill(buffer, v):
        buffer[:] = v
        return v

    @rule(fill)
    def fill_rule(buffer, v):
        buffer[:] = v
        return v, lambda bar: (None, bar)

    def used_before(x):
        buffer = np.full(2, 2.0)
        y = (x * buffer).sum()
        fill(buffer, 3.0)
        return y

    assert gradient(used_before)(2.0) == 4.0
    with pytest.raises(RuleError, match="writes into an argument"):
        gradient(lambda x: fill(np.zeros(2), x))(2.0)

    def closing(x):
        k = x * 2.0

        def scaled(y):
            return k * y

        rule(scaled)(lambda y: (k * y, lambda bar: (k * bar,)))
        return scaled(x)

    with pytest.raises(RuleError, match="reads 'k', which varies"):
        gradient(closing)(2.0)


@pytest.mark.usefixtures("forgetting")
def test_a_constant_function_that_writes_into_an_array_in_use():
    clear = non_differentiable(lambda buffer: buffer.fill(7.0))

    def program(x):
        buffer = np.full(2, 2.0)
        y = (x * buffer).sum()
        clear(buffer)
        return y

    assert gradient(program)(2.0) == 4.0


def passed_on(x):
    return x


def every_other(x):
    return x[::2]


@pytest.fixture
def rules_of_views(forgetting):
    @rule(passed_on)
    def passed_on_rule(x):
        return x, lambda x_bar: (x_bar,)

    @rule(every_other)
    def every_other_rule(x):
        def every_other_pullback(y_bar):
            x_bar = np.zeros_like(x)
            x_bar[::2] = y_bar
            return (x_bar,)

        return x[::2], every_other_pullback


@pytest.mark.usefixtures("rules_of_views")
def test_what_a_rule_returns_of_its_argument_cannot_be_written_into():
    """The argument would not have it, and has it in the program without the engine."""

    def writes(x):
        y = passed_on(x)
        y[0] = 3.0
        return np.sum(x * y)

    def adds(x):
        y = every_other(x)
        y += 3.0
        return np.sum(x) + np.sum(y)

    for program in (writes, adds):
        with pytest.raises(ValueError, match="read-only"):
            gradient(program)(np.ones(3))


@pytest.mark.usefixtures("rules_of_views")
def test_a_pullback_that_writes_into_an_array_of_its_own_pushes_forward():
    def program(x):
        return every_other(x * x) * passed_on(x)[:2]

    check_gradient(program, np.array([0.7, 1.4, 0.9]))
    _, push = pushforward(program, np.array([0.7, 1.4, 0.9]))
    assert np.allclose(push(np.ones(3)), [3 * 0.49, 0.81 + 2 * 0.9 * 1.4])
