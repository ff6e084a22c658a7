"""What a block of its own leaves outside by way of what it calls, or in itself, is refused: it would be a constant."""

import weakref
from contextvars import ContextVar

import pytest
import scipy.optimize as so

from workbench import checkpoint, gradient
from workbench.errors import NotDifferentiableError

LOG: list = []
LATEST = 0.0
CURRENT: ContextVar = ContextVar("current")


def log(x):
    LOG.append(2.0 * x)


def remember(x):
    global LATEST
    LATEST = 2.0 * x


class Keeper:
    last = 0.0

    def __call__(self, x):
        self.last = 2.0 * x
        return x * x


def in_a_global_list(x):
    def block(x):
        log(x)
        return x * x

    return checkpoint(block)(x) + LOG[-1]


def in_a_global_variable(x):
    def block(x):
        remember(x)
        return x * x

    return checkpoint(block)(x) + LATEST


def in_itself(x):
    keeper = Keeper()
    return checkpoint(keeper)(x) + keeper.last


def in_an_attribute_of_its_own(x):
    def block(x):
        block.last = 2.0 * x
        return x * x

    return checkpoint(block)(x) + block.last


def in_a_context_variable(x):
    def block(x):
        CURRENT.set(2.0 * x)
        return x * x

    return checkpoint(block)(x) + CURRENT.get()


def far_inside(x):
    outermost = box = [0.0]
    for _ in range(8):
        box = [box, None]

    def block(x):
        outermost[0] = 2.0 * x
        return x * x if box else x

    return checkpoint(block)(x) + outermost[0]


@pytest.mark.parametrize(
    "program",
    [
        in_a_global_list,
        in_a_global_variable,
        in_itself,
        in_an_attribute_of_its_own,
        in_a_context_variable,
        far_inside,
    ],
)
def test_what_is_left_outside_is_refused(program):
    with pytest.raises(NotDifferentiableError, match="somewhere outside of itself"):
        gradient(program)(0.7)


def test_what_a_block_calls_may_change_what_is_its_own():
    def halves(parts):
        parts.append(parts[-1] / 2.0)

    def block(x):
        parts = [x]
        for _ in range(3):
            halves(parts)
        return sum(parts)

    assert gradient(lambda x: checkpoint(block)(x))(0.7) == 1.875


def test_a_reference_to_what_is_gone_is_passed_over():
    keeper = Keeper()
    gone = weakref.proxy(keeper)
    del keeper

    def block(x):
        return x * x if gone is not None else gone.last

    def root(x):
        return so.brentq(lambda y: block(y) - x, 0.0, 2.0, xtol=1e-14)

    assert gradient(lambda x: checkpoint(block)(x))(0.7) == 1.4
    assert gradient(root)(0.49) == pytest.approx(1 / 1.4)
