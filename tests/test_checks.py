"""The judges judged: planted faults must be found, with the expected message."""

import numpy as np
import pytest

from workbench import check_gradient, check_rule, rule
from workbench.autodiff.registry import DOORS, RULES
from workbench.errors import GradientMismatchError, NotDifferentiableError, RuleError

X = np.array([0.3, 0.7])


def square(x):
    return x * x


PLANTED = {
    "wrong derivative": ("wrong derivative", lambda x: (x * x, lambda bar: (1.001 * 2 * x * bar,))),
    "changed value": ("changes the value", lambda x: (x * x + 1e-12, lambda bar: (2 * x * bar,))),
    "wrong shape": ("wrong shape", lambda x: (x * x, lambda bar: ((2 * x * bar)[:1],))),
    "wrong number": ("wrong number of cotangents", lambda x: (x * x, lambda bar: (2 * x * bar, 0.0))),
}


@pytest.mark.parametrize("name", PLANTED)
def test_planted_rules_fail(name):
    message, wrong = PLANTED[name]
    rule(square)(wrong)
    try:
        with pytest.raises(RuleError, match=message):
            check_rule(square, X)
    finally:
        del RULES[square], DOORS[square]


def test_a_rule_that_remembers_fails():
    calls = []

    def forgetful(x):
        def pullback(bar):
            calls.append(1)
            return (2 * x * bar * len(calls),)

        return x * x, pullback

    rule(square)(forgetful)
    try:
        with pytest.raises(RuleError, match="second time"):
            check_rule(square, X)
    finally:
        del RULES[square], DOORS[square]


def test_a_rule_that_changes_its_arguments_fails():
    def careless(x):
        value = x * x

        def pullback(bar):
            found = 2 * x * bar
            x[0] = x[0] + 0.0 if x[0] == 9.0 else 9.0
            return (found,)

        return value, pullback

    rule(square)(careless)
    try:
        with pytest.raises(RuleError, match=r"second time|writes into an argument"):
            check_rule(square, X.copy())
    finally:
        del RULES[square], DOORS[square]


def test_a_right_rule_passes_and_a_missing_one_is_named():
    with pytest.raises(RuleError, match="there is no rule for 'square'"):
        check_rule(square, X)
    rule(square)(lambda x: (x * x, lambda bar: (2 * x * bar,)))
    try:
        check_rule(square, X)
        check_gradient(lambda x: square(x).sum(), X)
    finally:
        del RULES[square], DOORS[square]


def test_check_gradient_sees_one_part_in_a_thousand():
    rule(square)(lambda x: (x * x, lambda bar: (2 * x * bar * 1.001,)))
    try:
        with pytest.raises(GradientMismatchError, match="disagrees with central differences"):
            check_gradient(lambda x: square(x).sum() + x.sum(), X)
    finally:
        del RULES[square], DOORS[square]


def test_check_gradient_sees_a_changed_value():
    counter = iter(range(1000))

    with pytest.raises(GradientMismatchError, match="another value"):
        check_gradient(lambda x: x.sum() + next(counter), X)


def test_shared_memory_is_checked_place_by_place():
    x = np.array([1.0, 2.0])
    check_gradient(lambda pair: (pair[0] * pair[1]).sum(), [x, x])
    with pytest.raises(NotDifferentiableError, match="no argument can vary"):
        check_gradient(lambda n: 1.0 * n, 3)
