"""The loop: it minimises, repeats itself exactly, stops early, keeps the best, and guards against NaN."""

import math

import pytest
import torch
from line import Line, LineParameters, make_training, numbers

from workbench.errors import LostGradientError, NotFiniteError, NotScalarError
from workbench.training import OPTIMISERS, Training


def line_training(poison=None, **settings):
    return Training(Line(poison), **{"iterations": 100, "learning_rate": 0.05, **settings})


def test_each_record_is_one_iteration():
    training = line_training(iterations=3)
    records = list(training)
    assert [record.iteration for record in records] == [1, 2, 3]
    assert list(training.history) == records
    assert records[0].loss == pytest.approx(sum(records[0].metrics.values()))
    assert records[0].seconds < records[2].seconds
    assert training.done
    assert training.reason_done == "all 3 iterations done"


def test_records_are_frozen():
    record = next(line_training())
    with pytest.raises(AttributeError):
        record.loss = 0.0
    with pytest.raises(TypeError):
        record.metrics["fit"] = 0.0


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_every_optimiser_lowers_the_loss(optimiser):
    losses = [record.loss for record in line_training(optimiser=optimiser, iterations=300)]
    assert sum(losses[-20:]) < 0.3 * sum(losses[:20])


def test_adam_is_the_adam_of_the_paper():
    """One step of Adam moves each parameter by the learning rate, whatever the size of its gradient."""
    training = line_training(learning_rate=1e-3)
    before = [tensor.detach().clone() for tensor in training.problem.modules.parameters()]
    next(training)
    for old, new in zip(before, training.problem.modules.parameters(), strict=True):
        torch.testing.assert_close((old - new).abs(), torch.full_like(old, 1e-3), rtol=1e-3, atol=0)


def test_two_runs_are_equal_to_the_last_bit():
    first, second = (make_training(LineParameters()) for _ in range(2))
    list(first), list(second)
    assert numbers(first) == numbers(second)
    other = make_training(LineParameters(seed=1))
    list(other)
    assert numbers(other) != numbers(first)


def test_nothing_global_is_touched():
    training = make_training(LineParameters())
    state, dtype = torch.get_rng_state(), torch.get_default_dtype()
    list(training)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_default_dtype() == dtype


def test_the_schedule_multiplies_the_learning_rate():
    rates = [
        record.learning_rate for record in line_training(iterations=4, schedule="linear", learning_rate=1.0)
    ]
    assert rates == [1.0, 0.75, 0.5, 0.25]


def test_a_changed_learning_rate_is_used_and_recorded():
    training = line_training(schedule="linear", iterations=4, learning_rate=1.0)
    next(training), next(training)
    training.set("learning_rate", 0.1)
    assert next(training).learning_rate == pytest.approx(0.05)
    (change,) = training.history.changes
    assert (change.iteration, change.name, change.value) == (2, "learning_rate", 0.1)


def test_clipping_shortens_the_gradient_but_not_its_direction():
    free, clipped = line_training(optimiser="sgd"), line_training(optimiser="sgd", clip_norm=1e-3)
    moves = []
    for training in (free, clipped):
        before = torch.nn.utils.parameters_to_vector(training.problem.modules.parameters()).detach().clone()
        next(training)
        moves.append(
            torch.nn.utils.parameters_to_vector(training.problem.modules.parameters()).detach() - before
        )
    assert moves[1].norm().item() == pytest.approx(0.05 * 1e-3)
    assert torch.cosine_similarity(*moves, dim=0).item() == pytest.approx(1.0)


def position(training):
    return torch.cat([tensor.detach().flatten() for tensor in training.problem.modules.parameters()])


def test_early_stopping_waits_for_its_patience():
    flat = line_training(lambda seen, loss, terms: loss * 0 + max(1.0, 6.0 - seen), patience=10)
    records = list(flat)
    assert len(records) == 15
    assert flat.best.iteration == 5
    assert flat.reason_done == "no lower loss for 10 iterations"


def test_the_best_parameters_are_those_that_gave_the_lowest_loss():
    training = line_training(lambda seen, loss, terms: loss * 0 + loss if seen < 50 else loss + 10.0)
    kept = {}
    for _ in range(100):
        before = [tensor.detach().clone() for tensor in training.problem.modules.parameters()]
        record = next(training)
        if record.loss == training.history.column("loss").min():
            kept = before
    training.load_best()
    assert training.best.iteration < 50
    for mine, wanted in zip(training.problem.modules.parameters(), kept, strict=True):
        assert torch.equal(mine, wanted)


def test_without_keep_best_the_last_parameters_stay():
    training = line_training(keep_best=False, iterations=10)
    list(training)
    last = [tensor.detach().clone() for tensor in training.problem.modules.parameters()]
    training.load_best()
    assert all(map(torch.equal, training.problem.modules.parameters(), last))


def test_smoothing_does_not_fall_for_a_lucky_sample():
    def lucky(seen, loss, terms):
        return loss * 0 + (0.001 if seen == 3 else 1.0 / seen)

    assert [t.best.iteration for t in (run(lucky, 1), run(lucky, 20))] == [3, 60]


def run(poison, smoothing):
    training = line_training(poison, smoothing=smoothing, iterations=60)
    list(training)
    return training


# ------------------------------------------------------------------------------------- failing iterations


def poison_loss(seen, loss, terms):
    return loss * math.nan if seen == 5 else loss


def poison_term(seen, loss, terms):
    if seen == 5:
        terms["fit"] = float("inf")
    return loss


class InfiniteSlope(torch.autograd.Function):
    """The identity with an infinite derivative."""

    @staticmethod
    def forward(context, x):
        return x.clone()

    @staticmethod
    def backward(context, x_bar):
        return x_bar * math.inf


def poison_gradient(seen, loss, terms):
    return InfiniteSlope.apply(loss) if seen == 5 else loss


@pytest.mark.parametrize(
    ("poison", "what"),
    [
        (poison_loss, "the loss is not finite in iteration 5"),
        (poison_term, "the term 'fit' is not finite in iteration 5"),
        (poison_gradient, "the gradient of '0.weight' is not finite in iteration 5"),
    ],
)
def test_a_number_that_is_not_finite_stops_the_training_in_its_tracks(poison, what):
    training = line_training(poison)
    for _ in range(4):
        next(training)
    before = full_state(training)
    with pytest.raises(NotFiniteError, match=what) as caught:
        next(training)
    assert "iteration 5 of 100" in str(caught.value)
    assert full_state(training) == before


def full_state(training):
    """Every number of the state, as text."""
    torch.set_printoptions(precision=17, profile="full")
    text = str(training.state_dict())
    torch.set_printoptions(profile="default")
    return text


def test_an_error_of_the_problem_leaves_the_state_as_it_was():
    def fail(seen, loss, terms):
        if seen == 5:
            raise KeyError("wind")
        return loss

    training = line_training(fail)
    for _ in range(4):
        next(training)
    before = full_state(training)
    with pytest.raises(KeyError, match="wind"):
        next(training)
    assert full_state(training) == before


def test_after_a_failure_training_can_go_on():
    """The same numbers as without the failure: nothing was drawn and nothing moved."""
    fails = iter([True])
    unharmed, harmed = (
        line_training(),
        line_training(
            lambda seen, loss, terms: loss * math.nan if seen == 5 and next(fails, False) else loss
        ),
    )
    list(unharmed)
    with pytest.raises(NotFiniteError):
        list(harmed)
    list(harmed)
    assert numbers(harmed) == numbers(unharmed)


def test_a_loss_of_several_numbers_is_refused():
    training = line_training(lambda seen, loss, terms: torch.stack([loss, loss]))
    with pytest.raises(NotScalarError, match="must be one number"):
        next(training)


@pytest.mark.parametrize(
    "poison", [lambda s, loss, t: loss.detach(), lambda s, loss, t: torch.ones((), requires_grad=True)]
)
def test_a_loss_without_gradient_is_refused(poison):
    with pytest.raises(LostGradientError, match="does not depend on anything learnable"):
        next(line_training(poison))
