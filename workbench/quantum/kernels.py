"""The compiled loops of the simulator: a program of passes run forwards, and undone for the gradient.

A state is two arrays of float64, the real and the imaginary parts. It lies in memory in chunks of ``rows`` · 8
amplitudes that stay in the cache while every gate of a pass is applied to them; ``program`` chooses the passes. A gate
acts on whole rows of eight.

In the backward sweep each gate of a pass reads off t_P = Im⟨λ|P|ψ⟩ for the Pauli matrices P on its qubit, then undoes
itself on ψ and on λ. With dU/dθ = -i/2 G U the derivative of ⟨ψ|O|ψ⟩ is Im⟨λ|A G A†|ψ⟩ with λ = Oψ and A the factors
of the same fused gate that act after: a combination of the t_P.

All of it is one file: Numba keeps machine code on disk with the file of the function that was called, and does not
notice where another file has changed that it calls into.

Source: Jones & Gacon, 2020, arXiv:2009.02823; for blocking in the cache Häner & Steiger, 0.5 petabyte simulation of
a 45-qubit quantum circuit, 2017, doi:10.1145/3126908.3126947.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from workbench.quantum.lanes import exchange, fma, fnma, load, mul, spread, store, total

# kinds of operations (columns of ``operations`` in program.Program) and of factors
TURN, STRING, MATRIX = 0, 1, 2
CONSTANT, ROTATE_X, ROTATE_Y, ROTATE_Z, PHASE = 0, 1, 2, 3, 4


@njit(cache=True, nogil=True)
def _parity(x):
    x ^= x >> 32
    x ^= x >> 16
    x ^= x >> 8
    x ^= x >> 4
    x ^= x >> 2
    return (x ^ (x >> 1)) & 1


@njit(cache=True, nogil=True)
def _pair(re, im, i, j, u):
    """(ψ_i, ψ_j) ← U (ψ_i, ψ_j), for eight pairs."""
    ar, ai, br, bi = load(re, i), load(im, i), load(re, j), load(im, j)
    a, b, c, d, e, f, g, h = u
    store(re, i, fnma(d, bi, fma(c, br, fnma(b, ai, mul(a, ar)))))
    store(im, i, fma(d, br, fma(c, bi, fma(b, ar, mul(a, ai)))))
    store(re, j, fnma(h, bi, fma(g, br, fnma(f, ai, mul(e, ar)))))
    store(im, j, fma(h, br, fma(g, bi, fma(f, ar, mul(e, ai)))))


@njit(cache=True, nogil=True)
def _spread(u):
    return (
        spread(u[0].real),
        spread(u[0].imag),
        spread(u[1].real),
        spread(u[1].imag),
        spread(u[2].real),
        spread(u[2].imag),
        spread(u[3].real),
        spread(u[3].imag),
    )


@njit(cache=True, nogil=True)
def _turn(re, im, base, bits, u, operation):
    """A 2x2 matrix on one bit of the rows, where the rows' control bits are 1."""
    j, controls = operation[1], operation[4]
    w = _spread(u)
    low, step = (1 << j) - 1, 8 << j
    for p in range(1 << (bits - 1)):
        k = ((p >> j) << (j + 1)) | (p & low)
        if k & controls == controls:
            i = base + 8 * k
            _pair(re, im, i, i + step, w)


@njit(cache=True, nogil=True)
def _tally_turn(pr, pi, lr, li, base, bits, operation, tally):
    """Add Im⟨λ|σ|ψ⟩ for σ = 1, X, Y, Z on one bit of the rows."""
    j, controls = operation[1], operation[4]
    low, step = (1 << j) - 1, 8 << j
    zero = spread(0.0)
    tx, ty, t0, t1 = zero, zero, zero, zero
    for p in range(1 << (bits - 1)):
        k = ((p >> j) << (j + 1)) | (p & low)
        if k & controls == controls:
            i = base + 8 * k
            ar, ai, br, bi = load(pr, i), load(pi, i), load(pr, i + step), load(pi, i + step)
            cr, ci, dr, di = load(lr, i), load(li, i), load(lr, i + step), load(li, i + step)
            t0 = fnma(ci, ar, fma(cr, ai, t0))
            t1 = fnma(di, br, fma(dr, bi, t1))
            tx = fnma(di, ar, fma(dr, ai, fnma(ci, br, fma(cr, bi, tx))))
            ty = fma(di, ai, fma(dr, ar, fnma(ci, bi, fnma(cr, br, ty))))
    zeros, ones = total(t0), total(t1)
    tally[0] += zeros + ones
    tally[1] += total(tx)
    tally[2] += total(ty)
    tally[3] += zeros - ones


@njit(cache=True, nogil=True)
def _tally_and_undo(pr, pi, lr, li, base, bits, u, operation, tally):
    """``_tally_turn`` and ``_turn`` on both states in one pass, for a gate without controls."""
    j = operation[1]
    a, b, c, d, e, f, g, h = _spread(u)
    low, step = (1 << j) - 1, 8 << j
    zero = spread(0.0)
    tx, ty, tz = zero, zero, zero
    for p in range(1 << (bits - 1)):
        i = base + 8 * (((p >> j) << (j + 1)) | (p & low))
        k = i + step
        ar, ai, br, bi = load(pr, i), load(pi, i), load(pr, k), load(pi, k)
        cr, ci, dr, di = load(lr, i), load(li, i), load(lr, k), load(li, k)
        tz = fma(di, br, fnma(dr, bi, fnma(ci, ar, fma(cr, ai, tz))))
        tx = fnma(di, ar, fma(dr, ai, fnma(ci, br, fma(cr, bi, tx))))
        ty = fma(di, ai, fma(dr, ar, fnma(ci, bi, fnma(cr, br, ty))))
        store(pr, i, fnma(d, bi, fma(c, br, fnma(b, ai, mul(a, ar)))))
        store(pi, i, fma(d, br, fma(c, bi, fma(b, ar, mul(a, ai)))))
        store(pr, k, fnma(h, bi, fma(g, br, fnma(f, ai, mul(e, ar)))))
        store(pi, k, fma(h, br, fma(g, bi, fma(f, ar, mul(e, ai)))))
        store(lr, i, fnma(d, di, fma(c, dr, fnma(b, ci, mul(a, cr)))))
        store(li, i, fma(d, dr, fma(c, di, fma(b, cr, mul(a, ci)))))
        store(lr, k, fnma(h, di, fma(g, dr, fnma(f, ci, mul(e, cr)))))
        store(li, k, fma(h, dr, fma(g, di, fma(f, cr, mul(e, ci)))))
    tally[1] += total(tx)
    tally[2] += total(ty)
    tally[3] += total(tz)


@njit(cache=True, nogil=True)
def _string(re, im, base, bits, u, operation):
    """exp(-iθP/2) for a product P of Pauli matrices with masks x and z; ``u`` is (cos, sin, i^{#Y})."""
    x, z, controls = operation[1], operation[2], operation[4]
    cos, turn = u[0].real, -1j * u[1].real * u[2]
    signs = (
        _spread((complex(cos), turn, turn, complex(cos))),
        _spread((complex(cos), turn, -turn, complex(cos))),
        _spread((complex(cos), -turn, turn, complex(cos))),
        _spread((complex(cos), -turn, -turn, complex(cos))),
    )
    for k in range(1 << bits):
        if k & controls != controls:
            continue
        i = base + 8 * k
        if x == 0:
            s = spread(-u[1].real if _parity(k & z) else u[1].real)
            c = spread(cos)
            ar, ai = load(re, i), load(im, i)
            store(re, i, fma(s, ai, mul(c, ar)))
            store(im, i, fnma(s, ar, mul(c, ai)))
        elif k < k ^ x:
            # element (k, k ⊕ x) has the sign of k ⊕ x, and the other way round
            _pair(re, im, i, base + 8 * (k ^ x), signs[2 * _parity((k ^ x) & z) + _parity(k & z)])


@njit(cache=True, nogil=True)
def _tally_string(pr, pi, lr, li, base, bits, u, operation, tally):
    """Add Im⟨λ|P|ψ⟩."""
    x, z, controls = operation[1], operation[2], operation[4]
    wr, wi = u[2].real, u[2].imag
    found = spread(0.0)
    for k in range(1 << bits):
        if k & controls != controls:
            continue
        i, j = base + 8 * k, base + 8 * (k ^ x)
        sign = -1.0 if _parity((k ^ x) & z) else 1.0
        cr, ci, ar, ai = load(lr, i), load(li, i), load(pr, j), load(pi, j)
        if wi == 0.0:
            found = fma(spread(sign * wr), fnma(ci, ar, mul(cr, ai)), found)
        else:
            found = fma(spread(sign * wi), fma(ci, ai, mul(cr, ar)), found)
    tally[0] += total(found)


@njit(cache=True, nogil=True)
def _matrix(re, im, base, bits, operation, where, matrices, undo):
    """Any matrix on up to six bits of the rows."""
    first, k, controls, place = operation[1], operation[2], operation[4], operation[5]
    size, used = 1 << k, 0
    offsets = np.empty(size, np.int64)
    for s in range(size):
        offset = 0
        for b in range(k):
            if s >> (k - 1 - b) & 1:
                offset |= 1 << where[first + b]
        offsets[s] = offset
    used = offsets[size - 1]
    old = np.empty((size, 8), np.complex128)
    for row in range(1 << bits):
        if row & used or row & controls != controls:
            continue
        for s in range(size):
            i = base + 8 * (row | offsets[s])
            for lane in range(8):
                old[s, lane] = complex(re[i + lane], im[i + lane])
        for t in range(size):
            i = base + 8 * (row | offsets[t])
            for lane in range(8):
                new = 0j
                for s in range(size):
                    if undo:
                        new += matrices[place + s * size + t].conjugate() * old[s, lane]
                    else:
                        new += matrices[place + t * size + s] * old[s, lane]
                re[i + lane], im[i + lane] = new.real, new.imag


# ------------------------------------------------------------------------------------ fused gates


@njit(cache=True, nogil=True)
def _product(a, b):
    return (
        a[0] * b[0] + a[1] * b[2],
        a[0] * b[1] + a[1] * b[3],
        a[2] * b[0] + a[3] * b[2],
        a[2] * b[1] + a[3] * b[3],
    )


@njit(cache=True, nogil=True)
def _dagger(u):
    return u[0].conjugate(), u[2].conjugate(), u[1].conjugate(), u[3].conjugate()


@njit(cache=True, nogil=True)
def _factor(kind, angle, constant):
    if kind == CONSTANT:
        return constant[0], constant[1], constant[2], constant[3]
    if kind == PHASE:
        return complex(1.0), 0j, 0j, complex(math.cos(angle), math.sin(angle))
    cos, sin = math.cos(angle / 2), math.sin(angle / 2)
    if kind == ROTATE_X:
        return complex(cos), complex(0.0, -sin), complex(0.0, -sin), complex(cos)
    if kind == ROTATE_Y:
        return complex(cos), complex(-sin), complex(sin), complex(cos)
    return complex(cos, -sin), 0j, 0j, complex(cos, sin)


@njit(cache=True, nogil=True)
def make_factors(factors, scales, constants, values):
    """The 2x2 matrix of each factor. Shape (factors, 4)."""
    found = np.empty((len(factors), 4), np.complex128)
    for f in range(len(factors)):
        angle = scales[f, 1]
        if factors[f, 1] >= 0:
            angle += scales[f, 0] * values[factors[f, 1]]
        made = _factor(factors[f, 0], angle, constants[factors[f, 2]])
        for k in range(4):
            found[f, k] = made[k]
    return found


@njit(cache=True, nogil=True)
def make_gates(operations, factors, made):
    """The matrix of each operation: the product of its factors; (cos, sin, i^{#Y}) for Pauli strings."""
    found = np.zeros((len(operations), 4), np.complex128)
    for o in range(len(operations)):
        operation = operations[o]
        if operation[0] == TURN:
            f = operation[6]
            u = (made[f, 0], made[f, 1], made[f, 2], made[f, 3])
            for f in range(operation[6] + 1, operation[7]):
                u = _product((made[f, 0], made[f, 1], made[f, 2], made[f, 3]), u)
            for k in range(4):
                found[o, k] = u[k]
        elif operation[0] == STRING:
            f = operation[6]  # made as a rotation about Z: e^{-iθ/2} in its first element
            found[o, 0], found[o, 1] = made[f, 0].real, -made[f, 0].imag
            found[o, 2] = (1.0 + 0j, 1j, -1.0 + 0j, -1j)[operation[3]]
    return found


@njit(cache=True, nogil=True)
def angle_gradient(operations, factors, scales, made, tally, overlap, gradient):
    """Add to the gradient what the operations' tallies mean for their angles."""
    for o in range(len(operations)):
        operation = operations[o]
        if operation[0] == STRING:
            f = operation[6]
            if factors[f, 1] >= 0:
                gradient[factors[f, 1]] += scales[f, 0] * tally[o, 0]
        elif operation[0] == TURN:
            t0 = tally[o, 0] if operation[4] else overlap
            after = (complex(1.0), 0j, 0j, complex(1.0))
            for f in range(operation[7] - 1, operation[6] - 1, -1):
                kind = factors[f, 0]
                if factors[f, 1] >= 0:
                    if kind == ROTATE_X:
                        g = (0j, complex(1.0), complex(1.0), 0j)
                    elif kind == ROTATE_Y:
                        g = (0j, -1j, 1j, 0j)
                    elif kind == ROTATE_Z:
                        g = (complex(1.0), 0j, 0j, complex(-1.0))
                    else:
                        g = (0j, 0j, 0j, complex(-2.0))
                    m = _product(_product(after, g), _dagger(after))
                    slope = 0.5 * (m[0] + m[3]).real * t0 + 0.5 * (m[0] - m[3]).real * tally[o, 3]
                    slope += m[1].real * tally[o, 1] - m[1].imag * tally[o, 2]
                    gradient[factors[f, 1]] += scales[f, 0] * slope
                after = _product(after, (made[f, 0], made[f, 1], made[f, 2], made[f, 3]))


# ------------------------------------------------------------------------------------------- passes


@njit(cache=True, nogil=True)
def gather_chunk(sr, si, tr, ti, start, base, inner):
    """t[start + k] = s[base ⊕ inner[k]], both parts."""
    for k in range(len(inner)):
        source = base ^ inner[k]
        tr[start + k] = sr[source]
        ti[start + k] = si[source]


@njit(cache=True, nogil=True)
def scatter_chunk(sr, si, tr, ti, start, base, inner):
    """t[base ⊕ inner[k]] = s[start + k], both parts: ``gather_chunk`` undone."""
    for k in range(len(inner)):
        target = base ^ inner[k]
        tr[target] = sr[start + k]
        ti[target] = si[start + k]


@njit(cache=True, nogil=True)
def run_forwards(operations, passes, outer, inner, where, matrices, gates, buffers, current):
    """Apply all passes. The state is in ``buffers[current]``; returns which buffer it ends in.

    Args:
        buffers: shape (3, 2, 2**bits); two of the three are used.
        passes: for each pass its first and last operation, whether the layout changes before it, and its tables.
    """
    rows, bits = inner.shape[1] // 8, 0
    while (1 << bits) < rows:
        bits += 1
    for p in range(len(passes)):
        first, last, moves, table = passes[p]
        target = (current + 1) % 3 if moves else current
        re, im = buffers[target, 0], buffers[target, 1]
        for c in range(outer.shape[1]):
            base = c * rows * 8
            if moves:
                gather_chunk(
                    buffers[current, 0], buffers[current, 1], re, im, base, outer[table, c], inner[table]
                )
            for o in range(first, last):
                kind = operations[o, 0]
                if kind == TURN:
                    u = (gates[o, 0], gates[o, 1], gates[o, 2], gates[o, 3])
                    _turn(re, im, base, bits, u, operations[o])
                elif kind == STRING:
                    _string(re, im, base, bits, gates[o], operations[o])
                else:
                    _matrix(re, im, base, bits, operations[o], where, matrices, False)
        current = target
    return current


@njit(cache=True, nogil=True)
def run_backwards(operations, passes, outer, inner, where, matrices, gates, buffers, current, bar, tally):
    """Undo all passes on the state in ``buffers[current]`` and its cotangent in ``buffers[bar]``.

    Fills ``tally``, shape (operations, 4). Returns where the two states end. The third buffer is overwritten.
    """
    rows, bits = inner.shape[1] // 8, 0
    while (1 << bits) < rows:
        bits += 1
    for p in range(len(passes) - 1, -1, -1):
        first, last, moves, table = passes[p]
        free = 3 - current - bar
        pr, pi, lr, li = buffers[current, 0], buffers[current, 1], buffers[bar, 0], buffers[bar, 1]
        for c in range(outer.shape[1]):
            base = c * rows * 8
            for o in range(last - 1, first - 1, -1):
                kind, operation = operations[o, 0], operations[o]
                if kind == TURN:
                    u = _dagger((gates[o, 0], gates[o, 1], gates[o, 2], gates[o, 3]))
                    if operation[4] == 0:
                        _tally_and_undo(pr, pi, lr, li, base, bits, u, operation, tally[o])
                    else:
                        _tally_turn(pr, pi, lr, li, base, bits, operation, tally[o])
                        _turn(pr, pi, base, bits, u, operation)
                        _turn(lr, li, base, bits, u, operation)
                elif kind == STRING:
                    _tally_string(pr, pi, lr, li, base, bits, gates[o], operation, tally[o])
                    back = (gates[o, 0], -gates[o, 1], gates[o, 2])
                    _string(pr, pi, base, bits, back, operation)
                    _string(lr, li, base, bits, back, operation)
                else:
                    _matrix(pr, pi, base, bits, operation, where, matrices, True)
                    _matrix(lr, li, base, bits, operation, where, matrices, True)
            if moves:
                scatter_chunk(pr, pi, buffers[free, 0], buffers[free, 1], base, outer[table, c], inner[table])
        if moves:
            # the state has moved on, so its old place is free for the cotangent
            for c in range(outer.shape[1]):
                scatter_chunk(
                    lr,
                    li,
                    buffers[current, 0],
                    buffers[current, 1],
                    c * rows * 8,
                    outer[table, c],
                    inner[table],
                )
            current, bar = free, current
    return current, bar


@njit(cache=True, nogil=True)
def apply_observable(groups, terms, weights, pr, pi, lr, li):
    """λ = Oψ and ⟨ψ|O|ψ⟩, for all Pauli products with the same X mask at once.

    Args:
        groups: for each X mask the mask, its first and its last term.
        terms: the Z mask of each term.
        weights: weight · i^{#Y} of each term, complex.
    """
    lane_signs = np.empty((8, 8))
    for z in range(8):
        for lane in range(8):
            lane_signs[z, lane] = -1.0 if _parity(z & lane) else 1.0
    flat = lane_signs.reshape(-1)
    found = spread(0.0)
    for row in range(len(pr) // 8):
        i = 8 * row
        sr, si = spread(0.0), spread(0.0)
        for g in range(len(groups)):
            x, first, last = groups[g]
            fr, fi, imaginary = spread(0.0), spread(0.0), False
            for t in range(first, last):
                # amplitude k of the result comes from k ⊕ x, with the sign of k ⊕ x
                sign = -1.0 if _parity((row ^ (x >> 3)) & (terms[t] >> 3)) != 0 else 1.0
                sign = -sign if _parity(x & terms[t] & 7) else sign
                signs = load(flat, 8 * (terms[t] & 7))
                fr = fma(spread(sign * weights[t].real), signs, fr)
                if weights[t].imag != 0.0:
                    imaginary = True
                    fi = fma(spread(sign * weights[t].imag), signs, fi)
            j = 8 * (row ^ (x >> 3))
            ar, ai = exchange(load(pr, j), x & 7), exchange(load(pi, j), x & 7)
            sr, si = fma(fr, ar, sr), fma(fr, ai, si)
            if imaginary:
                sr, si = fnma(fi, ai, sr), fma(fi, ar, si)
        store(lr, i, sr)
        store(li, i, si)
        found = fma(load(pr, i), sr, fma(load(pi, i), si, found))
    return total(found)


@njit(cache=True, nogil=True)
def final_state(program, values, buffers):
    """Run the program on the state in ``buffers[0]``; returns which buffer the result is in."""
    operations, passes, outer, inner, where, matrices, factors, scales, constants = program
    gates = make_gates(operations, factors, make_factors(factors, scales, constants, values))
    return run_forwards(operations, passes, outer, inner, where, matrices, gates, buffers, 0)


@njit(cache=True, nogil=True)
def value(program, observable, values, buffers):
    """⟨O⟩ after the program, from the state in ``buffers[0]``."""
    groups, terms, weights = observable
    end = final_state(program, values, buffers)
    psi, bar = buffers[end], buffers[(end + 1) % 3]
    return apply_observable(groups, terms, weights, psi[0], psi[1], bar[0], bar[1])


@njit(cache=True, nogil=True)
def value_and_gradient(program, observable, values, buffers):
    """⟨O⟩ after the program and its gradient, from the state in ``buffers[0]``."""
    operations, passes, outer, inner, where, matrices, factors, scales, constants = program
    groups, terms, weights = observable
    made = make_factors(factors, scales, constants, values)
    gates = make_gates(operations, factors, made)
    end = run_forwards(operations, passes, outer, inner, where, matrices, gates, buffers, 0)
    bar = (end + 1) % 3
    psi, psi_bar = buffers[end], buffers[bar]
    found = apply_observable(groups, terms, weights, psi[0], psi[1], psi_bar[0], psi_bar[1])
    tally = np.zeros((len(operations), 4))
    run_backwards(operations, passes, outer, inner, where, matrices, gates, buffers, end, bar, tally)
    gradient = np.zeros(len(values))
    # Im⟨Oψ|ψ⟩ is zero for a Hermitian O
    angle_gradient(operations, factors, scales, made, tally, 0.0, gradient)
    return found, gradient


@njit(cache=True, nogil=True)
def pull_back(program, values, buffers, overlap):
    """Undo the program on ψ in ``buffers[0]`` and λ in ``buffers[1]``, with Im⟨λ|ψ⟩ known.

    Returns:
        The sums Im⟨λ|AGA†|ψ⟩ by the parameters, and which buffer λ ends in.
    """
    operations, passes, outer, inner, where, matrices, factors, scales, constants = program
    made = make_factors(factors, scales, constants, values)
    gates = make_gates(operations, factors, made)
    tally = np.zeros((len(operations), 4))
    ends = run_backwards(operations, passes, outer, inner, where, matrices, gates, buffers, 0, 1, tally)
    gradient = np.zeros(len(values))
    angle_gradient(operations, factors, scales, made, tally, overlap, gradient)
    return gradient, ends[1]
