"""Adjoints of two of the benchmark's programs as an expert writes them by hand, for Numba."""

from __future__ import annotations

import math

import numba
import numpy as np


@numba.njit
def heat(u0, conductivity):
    n, steps = len(u0), 200
    states = np.empty((steps + 1, n))
    states[0] = u0
    for t in range(steps):
        u, v = states[t], states[t + 1]
        v[0], v[-1] = u[0], u[-1]
        for i in range(1, n - 1):
            v[i] = u[i] + conductivity * (u[i + 1] - 2.0 * u[i] + u[i - 1])
    bar = 2.0 * states[steps]
    conductivity_bar = 0.0
    for t in range(steps - 1, -1, -1):
        u, before = states[t], np.zeros(n)
        before[0], before[-1] = bar[0], bar[-1]
        for i in range(1, n - 1):
            conductivity_bar += bar[i] * (u[i + 1] - 2.0 * u[i] + u[i - 1])
            before[i] += bar[i] * (1.0 - 2.0 * conductivity)
            before[i + 1] += bar[i] * conductivity
            before[i - 1] += bar[i] * conductivity
        bar = before
    return bar, conductivity_bar


@numba.njit
def mixture(means, widths, data):
    means_bar, widths_bar, data_bar = np.zeros(len(means)), np.zeros(len(means)), np.zeros(len(data))
    terms = np.empty(len(means))
    for i in range(len(data)):
        for k in range(len(means)):
            d = (data[i] - means[k]) / widths[k]
            terms[k] = -0.5 * d * d - math.log(widths[k])
        largest, inside = terms.max(), 0.0
        for k in range(len(means)):
            terms[k] = math.exp(terms[k] - largest)
            inside += terms[k]
        for k in range(len(means)):
            share, d = terms[k] / inside, (data[i] - means[k]) / widths[k]
            means_bar[k] += share * d / widths[k]
            data_bar[i] -= share * d / widths[k]
            widths_bar[k] += share * (d * d - 1.0) / widths[k]
    return means_bar, widths_bar, data_bar
