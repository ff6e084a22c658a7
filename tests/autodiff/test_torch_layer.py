"""Programs as layers of torch networks."""

import math

import numpy as np
import pytest

from workbench import gradient, torch_function
from workbench.errors import LostGradientError, NotDifferentiableError

torch = pytest.importorskip("torch")


def swing(x, y):
    total = 0.0
    for k in range(3):
        total += math.sin(x * k) * y
    return total if x > 0 else -total


def test_gradient_through_a_program_inside_a_network():
    x = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    y = torch.tensor(1.3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(torch_function(swing), (x, y))
    loss = torch_function(swing)(torch.tanh(x), y) ** 2
    loss.backward()
    same = sum(torch.sin(torch.tanh(x) * k) * y for k in range(3)) ** 2
    by_torch = torch.autograd.grad(same, (x, y))
    assert x.grad.item() == pytest.approx(by_torch[0].item(), rel=1e-12)
    assert y.grad.item() == pytest.approx(by_torch[1].item(), rel=1e-12)


def test_arrays_types_and_constants():
    layer = torch_function(lambda a, n: np.cumsum(a) * n)
    a = torch.ones(3, dtype=torch.float32, requires_grad=True)
    out = layer(a, 2)
    assert out.dtype == torch.float32
    out.sum().backward()
    assert a.grad.tolist() == [6.0, 4.0, 2.0]
    assert layer(torch.ones(3), 2).tolist() == [2.0, 4.0, 6.0]


def test_one_number_or_array_comes_out():
    with pytest.raises(NotDifferentiableError, match="one real number or array"):
        torch_function(lambda x: {"x": x})(torch.tensor(1.0, requires_grad=True))


def test_second_derivatives():
    def energy(a, k):
        total = 0.0
        for v in a:
            total += math.sin(v) * k**2
        return total

    a = torch.tensor([0.3, 0.8], dtype=torch.float64, requires_grad=True)
    k = torch.tensor(1.7, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(torch_function(energy), (a, k))
    (first,) = torch.autograd.grad(torch_function(lambda v: v**3)(k), k, create_graph=True)
    (first * k).backward()
    assert k.grad.item() == pytest.approx(9 * 1.7**2)


def test_several_results():
    x = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    low, high = torch_function(lambda v: (v * 2, np.array([v, v**2])))(x)
    (low + high[1]).backward()
    assert x.grad.item() == 3.0


def test_results_that_the_program_writes_again_stay_what_they_were():
    kept = np.zeros(2)

    def doubled(x):
        kept[:] = 2 * x
        return kept

    first, second = (torch_function(doubled)(torch.tensor(x)) for x in (1.0, 2.0))
    assert first.tolist() == [2.0, 2.0]
    assert second.tolist() == [4.0, 4.0]


def test_errors_of_the_program_come_through():
    with pytest.raises(ZeroDivisionError):
        torch_function(lambda x: 1 / (x - x))(torch.tensor(1.0, requires_grad=True))


def test_constants_of_a_layer_may_be_anything_and_change_after_the_call():
    table = np.array([1.0, 2.0])
    layer = torch_function(lambda nothing, scale, x: (x * x * scale).sum())
    x = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    y = layer(None, table, x)
    table *= 10
    (first,) = torch.autograd.grad(y, x, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), x)
    assert first.tolist() == [2.0, 8.0]
    assert second.tolist() == [2.0, 4.0]


@pytest.mark.parametrize("factor", [1j, np.array([1j, 2.0])])
def test_complex_results_are_refused(factor):
    with pytest.raises(NotDifferentiableError, match="one real number or array"):
        torch_function(lambda x: x * factor)(torch.tensor(2.0, requires_grad=True))


def test_a_layer_that_draws_other_numbers_for_its_second_derivative_is_refused():
    generator = np.random.default_rng(0)
    x = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    y = torch_function(lambda x: x**3 * generator.normal())(x)
    with pytest.raises(NotDifferentiableError, match="another result when it was run again"):
        torch.autograd.grad(y, x, create_graph=True)


def test_transforms_of_torch_are_refused():
    layer = torch_function(lambda x: x**2)
    for transform in (torch.func.grad, torch.func.vmap):
        with pytest.raises(NotDifferentiableError, match=r"not of torch\.func"):
            transform(layer)(torch.ones(()) if transform is torch.func.grad else torch.ones(2))


def test_names_and_sixteen_bits():
    x = torch.tensor([2.0], dtype=torch.bfloat16, requires_grad=True)
    torch_function(lambda x, *, power: x**power)(x, power=3).sum().backward()
    assert x.grad.dtype == torch.bfloat16
    assert x.grad.item() == 12.0
    with pytest.raises(NotDifferentiableError, match="pass tensors by position"):
        torch_function(lambda x: x)(x=x)


def test_tensors_in_lists_and_modules_are_refused():
    x = torch.ones((), dtype=torch.float64, requires_grad=True)
    layer = torch_function(lambda x, others: x * float(others[0]) if isinstance(others, list) else x)
    for others in ([x], torch.nn.Linear(1, 1)):
        with pytest.raises(NotDifferentiableError, match="requires a gradient inside of a"):
            layer(x, others)
    layer(x, [x.detach() * 3.0]).backward()
    assert x.grad.item() == 3.0


def test_a_tensor_is_no_argument_of_gradient():
    with pytest.raises(NotDifferentiableError, match="torch_function"):
        gradient(lambda x: x)(torch.ones(2))


def _of_a_tensor(x):
    tensor = torch.zeros(2, dtype=torch.float64)
    tensor.numpy()[:] = x
    return tensor.sum().item() + x[0]


def _with_a_tensor(x):
    y = np.zeros(2)
    tensor = torch.from_numpy(y)
    y[:] = x
    return tensor.sum().item() + x[0]


@pytest.mark.parametrize("program", [_of_a_tensor, _with_a_tensor])
def test_memory_that_tensors_read_takes_no_traced_values(program):
    x = np.array([1.0, 2.0])
    with pytest.raises(LostGradientError, match="shares its memory with"):
        gradient(program)(x)
    assert gradient(lambda x: x[0] * torch.tensor(np.ones(2)).sum().item())(x)[0] == 2.0
