"""A small machine for recorded functions of rows: operations on columns of numbers, forwards and backwards.

The values of a block of R rows stand in one flat array, column after column, so that every operation is a loop over
numbers that lie side by side. A program is an integer array with a line for each operation:

    code · result · operand a · operand b · width · step of a · step of b · extra · second

Columns are numbered; a step of 0 means one column for all. For LINEAR, operand b is the number of inputs, extra the
place of the matrix (outputs, inputs) among the parameters, and second that of the bias, or −1.

Derivatives at kinks are torch's: relu and abs have slope 0 at 0.
"""

from __future__ import annotations

import math

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

COPY, ADD, SUB, MUL, DIV, NEG, POWER, TANH, SIGMOID, RELU = range(10)
SOFTPLUS, EXP, LOG, SIN, COS, SQRT, ABS, LINEAR, SUM = range(10, 19)

_LOG2E = 1.4426950408889634
_LN2_HIGH, _LN2_LOW = 6.93145751953125e-1, 1.4286068203094173e-6
_SHIFT = 6755399441055744.0  # 1.5 · 2⁵²: adding it rounds to a whole number, kept in the low bits
_TAYLOR = tuple(1.0 / math.factorial(k) for k in range(14))
_FUSED = {"contract"}
_SUMS = {"reassoc", "contract", "nsz"}
(_C0, _C1, _C2, _C3, _C4, _C5, _C6, _C7, _C8, _C9, _C10, _C11, _C12, _C13) = _TAYLOR


@intrinsic
def _bits(context, x):
    """The 64 bits of a float, as a whole number."""

    def generate(_, builder, __, arguments):
        return builder.bitcast(arguments[0], ir.IntType(64))

    return types.int64(types.float64), generate


@intrinsic
def _float(context, bits):
    """The float with these 64 bits."""

    def generate(_, builder, __, arguments):
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.int64), generate


@njit(inline="always")
def _exp(x):
    """e^x for −700 ≤ x ≤ 700, without branches or calls, so that loops over it become vector instructions.

    x = k ln 2 + r with |r| ≤ ln 2 / 2; e^r by its Taylor polynomial; 2^k by writing k into the exponent's bits.
    """
    scale = x * _LOG2E + _SHIFT
    k = scale - _SHIFT
    r = x - k * _LN2_HIGH - k * _LN2_LOW
    r2 = r * r
    r4 = r2 * r2
    low = (_C0 + _C1 * r) + (_C2 + _C3 * r) * r2 + ((_C4 + _C5 * r) + (_C6 + _C7 * r) * r2) * r4
    high = (_C8 + _C9 * r) + (_C10 + _C11 * r) * r2 + (_C12 + _C13 * r) * r4
    return (low + high * (r4 * r4)) * _float((_bits(scale) << 52) + (1023 << 52))


@njit(error_model="numpy", fastmath=_FUSED)
def _tanh(x, y):
    for i in range(len(x)):
        z = 2.0 * abs(x[i])
        e = _exp(-(700.0 if z > 700.0 else z))  # NaN stays NaN
        y[i] = math.copysign((1.0 - e) / (1.0 + e), x[i])


@njit(error_model="numpy", fastmath=_FUSED)
def _sigmoid(x, y):
    for i in range(len(x)):
        z = -700.0 if x[i] < -700.0 else x[i]
        y[i] = 1.0 / (1.0 + _exp(-(700.0 if z > 700.0 else z)))  # NaN stays NaN


@njit(inline="always")
def _linear(x, y, weights, bias, has_bias, R):
    outputs, inputs = len(y) // R, len(x) // R
    if R == 1:
        for o in range(outputs):
            total = bias[o] if has_bias else 0.0
            for i in range(inputs):
                total += weights[o * inputs + i] * x[i]
            y[o] = total
        return
    for o in range(outputs):
        target = y[o * R : (o + 1) * R]
        first = bias[o] if has_bias else 0.0
        for r in range(R):
            target[r] = first
        i = 0
        while i + 4 <= inputs:
            k = o * inputs + i
            w0, w1, w2, w3 = weights[k], weights[k + 1], weights[k + 2], weights[k + 3]
            x0, x1 = x[i * R : (i + 1) * R], x[(i + 1) * R : (i + 2) * R]
            x2, x3 = x[(i + 2) * R : (i + 3) * R], x[(i + 3) * R : (i + 4) * R]
            for r in range(R):
                target[r] += w0 * x0[r] + w1 * x1[r] + w2 * x2[r] + w3 * x3[r]
            i += 4
        while i < inputs:
            w0, x0 = weights[o * inputs + i], x[i * R : (i + 1) * R]
            for r in range(R):
                target[r] += w0 * x0[r]
            i += 1


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FUSED)
def run_program(program, values, parameters, R):
    """Do the operations on a block of R rows."""
    for line in range(program.shape[0]):
        code, out, a, b, width = (
            program[line, 0],
            program[line, 1],
            program[line, 2],
            program[line, 3],
            program[line, 4],
        )
        n = width * R
        y = values[out * R : out * R + n]
        if code == LINEAR:
            place, second = program[line, 7], program[line, 8]
            x = values[a * R : (a + b) * R]
            weights = parameters[place : place + width * b]
            bias = parameters[second : second + width] if second >= 0 else parameters[0:0]
            _linear(x, y, weights, bias, second >= 0, R)
            continue
        if code == SUM:
            x = values[a * R : (a + width) * R]
            total = values[out * R : (out + 1) * R]
            for r in range(R):
                total[r] = x[r]
            for j in range(1, width):
                part = x[j * R : (j + 1) * R]
                for r in range(R):
                    total[r] += part[r]
            continue
        step_a, step_b = program[line, 5], program[line, 6]
        if ADD <= code <= DIV and (step_a == 0 or step_b == 0):
            for j in range(width):
                u = values[(a + j * step_a) * R : (a + j * step_a + 1) * R]
                v = values[(b + j * step_b) * R : (b + j * step_b + 1) * R]
                _binary(code, u, v, y[j * R : (j + 1) * R])
            continue
        x = values[a * R : a * R + n]
        if ADD <= code <= DIV:
            _binary(code, x, values[b * R : b * R + n], y)
        elif code == TANH:
            _tanh(x, y)
        elif code == SIGMOID:
            _sigmoid(x, y)
        else:
            _unary(code, program[line, 7], x, y)


@njit(inline="always")
def _binary(code, u, v, y):
    n = len(y)
    if code == ADD:
        for i in range(n):
            y[i] = u[i] + v[i]
    elif code == SUB:
        for i in range(n):
            y[i] = u[i] - v[i]
    elif code == MUL:
        for i in range(n):
            y[i] = u[i] * v[i]
    else:
        for i in range(n):
            y[i] = u[i] / v[i]


@njit(inline="always")
def _unary(code, extra, x, y):
    n = len(y)
    if code == COPY:
        for i in range(n):
            y[i] = x[i]
    elif code == NEG:
        for i in range(n):
            y[i] = -x[i]
    elif code == POWER:
        for i in range(n):
            y[i] = x[i]
        for _ in range(extra - 1):
            for i in range(n):
                y[i] *= x[i]
    elif code == RELU:
        for i in range(n):
            y[i] = x[i] if x[i] > 0.0 or x[i] != x[i] else 0.0
    elif code == SOFTPLUS:
        for i in range(n):
            y[i] = x[i] if x[i] > 20.0 else math.log1p(math.exp(x[i]))
    elif code == EXP:
        for i in range(n):
            y[i] = math.exp(x[i])
    elif code == LOG:
        for i in range(n):
            y[i] = math.log(x[i])
    elif code == SIN:
        for i in range(n):
            y[i] = math.sin(x[i])
    elif code == COS:
        for i in range(n):
            y[i] = math.cos(x[i])
    elif code == SQRT:
        for i in range(n):
            y[i] = math.sqrt(x[i])
    elif code == ABS:
        for i in range(n):
            y[i] = abs(x[i])


# ------------------------------------------------------------------------------------ backwards


@njit(inline="always")
def _linear_back(x, x_bar, y_bar, weights, weights_bar, bias_bar, has_bias, R):
    outputs, inputs = len(y_bar) // R, len(x) // R
    if R == 1:
        for o in range(outputs):
            bar = y_bar[o]
            if has_bias:
                bias_bar[o] += bar
            for i in range(inputs):
                weights_bar[o * inputs + i] += bar * x[i]
                x_bar[i] += bar * weights[o * inputs + i]
        return
    for o in range(outputs):
        bar = y_bar[o * R : (o + 1) * R]
        if has_bias:
            total = 0.0
            for r in range(R):
                total += bar[r]
            bias_bar[o] += total
        for i in range(inputs):
            source = x[i * R : (i + 1) * R]
            total = 0.0
            for r in range(R):
                total += bar[r] * source[r]
            weights_bar[o * inputs + i] += total
    for i in range(inputs):
        target = x_bar[i * R : (i + 1) * R]
        o = 0
        while o + 4 <= outputs:
            w0, w1 = weights[o * inputs + i], weights[(o + 1) * inputs + i]
            w2, w3 = weights[(o + 2) * inputs + i], weights[(o + 3) * inputs + i]
            b0, b1 = y_bar[o * R : (o + 1) * R], y_bar[(o + 1) * R : (o + 2) * R]
            b2, b3 = y_bar[(o + 2) * R : (o + 3) * R], y_bar[(o + 3) * R : (o + 4) * R]
            for r in range(R):
                target[r] += w0 * b0[r] + w1 * b1[r] + w2 * b2[r] + w3 * b3[r]
            o += 4
        while o < outputs:
            w0, b0 = weights[o * inputs + i], y_bar[o * R : (o + 1) * R]
            for r in range(R):
                target[r] += w0 * b0[r]
            o += 1


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_SUMS)
def run_back(program, values, bars, parameters, parameters_bar, R):
    """Pull the cotangents of a program's results back to its operands and parameters, adding to what is there."""
    for line in range(program.shape[0] - 1, -1, -1):
        code, out, a, b, width = (
            program[line, 0],
            program[line, 1],
            program[line, 2],
            program[line, 3],
            program[line, 4],
        )
        n = width * R
        y, y_bar = values[out * R : out * R + n], bars[out * R : out * R + n]
        if code == LINEAR:
            place, second = program[line, 7], program[line, 8]
            has_bias = second >= 0
            bias_bar = parameters_bar[second : second + width] if has_bias else parameters_bar[0:0]
            _linear_back(
                values[a * R : (a + b) * R],
                bars[a * R : (a + b) * R],
                y_bar,
                parameters[place : place + width * b],
                parameters_bar[place : place + width * b],
                bias_bar,
                has_bias,
                R,
            )
            continue
        if code == SUM:
            total = bars[out * R : (out + 1) * R]
            for j in range(width):
                part = bars[(a + j) * R : (a + j + 1) * R]
                for r in range(R):
                    part[r] += total[r]
            continue
        step_a, step_b = program[line, 5], program[line, 6]
        if ADD <= code <= DIV:
            for j in range(width):
                i, k = (a + j * step_a) * R, (b + j * step_b) * R
                _binary_back(
                    code,
                    values[i : i + R],
                    values[k : k + R],
                    bars[i : i + R],
                    bars[k : k + R],
                    y[j * R : (j + 1) * R],
                    y_bar[j * R : (j + 1) * R],
                )
            continue
        x, x_bar = values[a * R : a * R + n], bars[a * R : a * R + n]
        _unary_back(code, program[line, 7], x, x_bar, y, y_bar)


@njit(inline="always")
def _binary_back(code, u, v, u_bar, v_bar, y, y_bar):
    n = len(y)
    if code == ADD:
        for i in range(n):
            u_bar[i] += y_bar[i]
        for i in range(n):
            v_bar[i] += y_bar[i]
    elif code == SUB:
        for i in range(n):
            u_bar[i] += y_bar[i]
        for i in range(n):
            v_bar[i] -= y_bar[i]
    elif code == MUL:
        for i in range(n):
            u_bar[i] += y_bar[i] * v[i]
        for i in range(n):
            v_bar[i] += y_bar[i] * u[i]
    else:
        for i in range(n):
            u_bar[i] += y_bar[i] / v[i]
        for i in range(n):
            v_bar[i] -= y_bar[i] * y[i] / v[i]


@njit(inline="always")
def _unary_back(code, extra, x, x_bar, y, y_bar):
    n = len(y)
    if code == TANH:
        for i in range(n):
            x_bar[i] += y_bar[i] * (1.0 - y[i] * y[i])
    elif code == COPY:
        for i in range(n):
            x_bar[i] += y_bar[i]
    elif code == NEG:
        for i in range(n):
            x_bar[i] -= y_bar[i]
    elif code == POWER:
        for i in range(n):
            power = 1.0
            for _ in range(extra - 1):
                power *= x[i]
            x_bar[i] += y_bar[i] * extra * power
    elif code == SIGMOID:
        for i in range(n):
            x_bar[i] += y_bar[i] * y[i] * (1.0 - y[i])
    elif code == RELU:
        for i in range(n):
            x_bar[i] += y_bar[i] if x[i] > 0.0 else 0.0
    elif code == SOFTPLUS:
        for i in range(n):
            x_bar[i] += y_bar[i] if x[i] > 20.0 else y_bar[i] / (1.0 + math.exp(-x[i]))
    elif code == EXP:
        for i in range(n):
            x_bar[i] += y_bar[i] * y[i]
    elif code == LOG:
        for i in range(n):
            x_bar[i] += y_bar[i] / x[i]
    elif code == SIN:
        for i in range(n):
            x_bar[i] += y_bar[i] * math.cos(x[i])
    elif code == COS:
        for i in range(n):
            x_bar[i] -= y_bar[i] * math.sin(x[i])
    elif code == SQRT:
        for i in range(n):
            x_bar[i] += y_bar[i] / (2.0 * y[i])
    elif code == ABS:
        for i in range(n):
            if x[i] > 0.0:
                x_bar[i] += y_bar[i]
            elif x[i] < 0.0:
                x_bar[i] -= y_bar[i]
