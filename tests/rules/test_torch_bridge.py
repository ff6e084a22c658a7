"""PyTorch inside a differentiated program."""

import math
import subprocess
import sys

import numpy as np
import pytest

from workbench import check_gradient, gradient, hessian, jacobian, pullback, pushforward, torch_function
from workbench.errors import LostGradientError, MissingRuleError

torch = pytest.importorskip("torch")


def network():
    generator = torch.Generator().manual_seed(0)
    layers = torch.nn.Sequential(torch.nn.Linear(2, 5), torch.nn.Tanh(), torch.nn.Linear(5, 1)).double()
    with torch.no_grad():
        for parameter in layers.parameters():
            parameter.uniform_(-1.0, 1.0, generator=generator)
    return layers


NETWORK = network()


def module_in_the_middle(x, k):
    state = np.array([x, k * x])
    for _ in range(3):
        force = NETWORK(torch.as_tensor(state)).item()
        state[1] += 0.1 * force * k
        state[0] += 0.1 * state[1]
    return state[0] * math.sin(force)


def test_gradient_through_a_module():
    check_gradient(module_in_the_middle, 0.7, 1.3)
    assert all(p.grad is None for p in NETWORK.parameters())


def test_arrays_in_and_out():
    def program(x):
        t = torch.tensor(x)
        x[0] = 100.0
        return (torch.cumsum(t, 0).numpy() * x).sum() + math.sin(t[1])

    check_gradient(program, np.array([0.3, 0.5, -0.2]))


def test_lists_numbers_and_constants():
    def program(x):
        t = torch.tensor([x, 2.0 * x, 3.0], dtype=torch.float64)
        values = (t * t).tolist()
        with torch.no_grad():
            constant = (t * 10).sum().item()
        return values[0] + values[1] * float(t.prod()) + constant * x + t.detach().sum().item() * x

    x = 0.7
    constant = 60 * x / 2 + 30 + 3 * x + 3
    by_hand = 2 * x + 96 * x**3 + constant
    assert gradient(program)(x) == pytest.approx(by_hand)


@pytest.mark.parametrize("make", [torch.tensor, torch.as_tensor, torch.asarray])
def test_lists_make_tensors_of_the_type_that_torch_gives_them(make):
    layer = torch.nn.Linear(2, 1)  # single precision, as lists of Python's floats are

    def program(x):
        wide = make([[x, np.float64(2.0)], [1.0, x]])
        return layer(make([x, 2.0 * x])).item() + (wide @ wide).sum().item() * (wide.dtype == torch.float64)

    (weight,) = layer.weight.tolist()
    by_hand = weight[0] + 2.0 * weight[1] + 4.0 * 0.7 + 2.0 * 3.0
    assert gradient(program)(0.7) == pytest.approx(by_hand, rel=1e-6)


def test_writing_into_an_array_that_a_tensor_shares_is_refused():
    def program(x):
        t = torch.from_numpy(x)
        x[0] = 100.0
        return t.sum().item()

    with pytest.raises(LostGradientError, match="a tensor shared its memory"):
        gradient(program)(np.array([0.3, 0.5]))


def test_torch_without_traced_values_is_left_alone():
    def program(x):
        a = torch.ones(2, requires_grad=True)
        (a * 3).sum().backward()
        return x * a.grad.sum().item() * torch.tensor([1, 2]).tolist()[1]

    assert gradient(program)(2.0) == 12.0


def through_arrays(x):
    pushed = torch.tanh(torch.as_tensor(x) * x[1].item())
    return NETWORK(torch.as_tensor(x)).item() ** 2 * x[0] + np.sum(pushed.numpy() * x)


def test_second_derivatives_and_third_ones():
    check_gradient(gradient(lambda x: module_in_the_middle(x, 1.3)), 0.7)
    check_gradient(gradient(gradient(lambda x: module_in_the_middle(x, 1.3))), 0.7)
    check_gradient(lambda k: gradient(module_in_the_middle)(0.7, k), 1.3)
    assert gradient(gradient(lambda x: torch.tensor(3.0 * x).item()))(0.3) == 0.0


def test_hessians_through_arrays():
    x = np.array([0.3, -0.4])
    check_gradient(gradient(through_arrays), x)
    found = hessian(through_arrays)(x)
    assert found == pytest.approx(found.T)


def test_torch_around_a_program_with_torch_inside():
    f = torch_function(through_arrays)
    x = torch.tensor([0.3, -0.4], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(f, (x,))
    assert torch.autograd.gradgradcheck(f, (x,))


def test_a_caller_without_gradients_does_not_make_the_network_a_constant():
    slope = gradient(module_in_the_middle)(0.7, 1.3)
    with torch.no_grad():
        assert gradient(module_in_the_middle)(0.7, 1.3) == slope
        assert not torch.is_grad_enabled()


def test_tensors_among_the_results():
    x = np.array([0.3, -0.4])
    square = lambda x: (torch.as_tensor(x) ** 2).sum()  # noqa: E731
    assert gradient(square)(x).tolist() == [0.6, -0.8]
    value, back = pullback(lambda a: {"loss": torch.tensor([2.0]).double() * a, "size": torch.tensor(3)}, 1.5)
    assert value == {"loss": np.array([3.0]), "size": 3}
    assert type(value["loss"]) is np.ndarray
    assert back({"loss": np.array([1.0]), "size": None}) == (2.0,)
    assert pushforward(square, x)[1](np.ones(2)) == pytest.approx(-0.2)
    assert np.array_equal(hessian(square)(x), 2.0 * np.eye(2))
    assert np.array_equal(jacobian(lambda x: torch.as_tensor(x) * 3.0)(x), 3.0 * np.eye(2))
    check_gradient(lambda x, a: (NETWORK(torch.as_tensor(x) * a), torch.ones(2)), x, 0.7)


def test_gradients_that_torch_computes_inside_of_a_program():
    def slope(x):
        t = torch.tensor(x, dtype=torch.float64, requires_grad=True)
        return torch.autograd.grad(torch.sin(t) * t, t)[0].item()

    check_gradient(slope, 0.7)

    def of_weights(x):
        w = torch.ones(2, dtype=torch.float64, requires_grad=True)
        t = torch.tensor(np.array([x, x * x]))
        (found,) = torch.autograd.grad((w @ t - 1.0) ** 2, [w])
        return found.sum().item()

    check_gradient(of_weights, 0.7)

    def backward(x):
        w = torch.ones(2, dtype=torch.float64, requires_grad=True)
        ((w * x).sum() - 1.0).pow(2).backward()
        return w.grad.sum().item()

    with pytest.raises(LostGradientError, match="backward"):
        gradient(backward)(0.7)
    assert gradient(lambda x: x * backward(2.0))(0.7) == backward(2.0)


def test_numbers_that_go_into_tensors():
    def filled(x):
        t = torch.zeros(3, dtype=torch.float64)
        t[0], t[1:] = x, 2.0 * x
        return (t.mul(x) * torch.arange(1.0, 4.0, dtype=torch.float64)).sum().item()

    check_gradient(filled, 0.7)
    check_gradient(lambda x: np.asarray(torch.tensor([x, 1.0], dtype=torch.float64))[0] ** 2, 0.7)


@pytest.mark.parametrize(
    "program",
    [
        lambda x: torch.full((2,), x).sum().item(),
        lambda x: torch.linspace(0.0, x, 3).sum().item(),
        lambda x: torch.ones(2).add(1.0, alpha=x).sum().item(),
        lambda x: torch.tensor([x, 1.0]).mul_(2.0).sum().item(),
    ],
)
def test_what_torch_takes_no_traced_number_for_is_refused_by_name(program):
    with pytest.raises((LostGradientError, MissingRuleError)):
        gradient(program)(0.7)


V = torch.tensor([1.0, 2.0], dtype=torch.float64)
functional = torch.autograd.functional


@pytest.mark.parametrize(
    "program",
    [
        lambda x: functional.jacobian(lambda t: t**2 * x, V).sum().item(),
        lambda x: functional.hessian(lambda t: (t**3 * x).sum(), V * x).numpy().sum(),
        lambda x: functional.vjp(lambda t: t**2, V * x, V)[1].sum().item(),
        lambda x: functional.jvp(lambda t: t**2, V * x, V * x)[1].sum().item(),
        lambda x: functional.hvp(lambda t: (t**3).sum(), V * x, V)[1].sum().item(),
        lambda x: functional.vhp(lambda t: (t**3 * x).sum(), V, V)[1].sum().__float__(),
        lambda x: functional.jacobian(lambda t: t**2, V, False).numpy().sum() * x,
    ],
)
def test_derivatives_of_functions_that_torch_computes_inside_of_a_program(program):
    check_gradient(program, 0.7)


FIRST = """
from mpmath import mpf
from workbench import gradient
TWO = mpf(2)
print(gradient(lambda x: float(TWO * x))(1.5))
"""


def test_a_first_operation_of_a_package_is_one_with_an_object_that_the_program_holds(tmp_path):
    pytest.importorskip("mpmath")
    (tmp_path / "first.py").write_text(FIRST)
    ran = subprocess.run([sys.executable, tmp_path / "first.py"], capture_output=True, text=True, check=True)
    assert float(ran.stdout) == 2.0
