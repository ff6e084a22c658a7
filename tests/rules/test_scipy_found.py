"""Programs of SciPy that once lost a derivative on the way through NumPy."""

import numpy as np
import pytest
import scipy.signal as sg
import scipy.stats as st
from numpy.lib.stride_tricks import as_strided, sliding_window_view

from workbench import check_gradient, gradient
from workbench.errors import MissingRuleError

LONG = np.sin(np.arange(24.0)) + 0.2
X = np.array([0.31, 0.47, 0.72, 1.3, 0.55])


def test_overlapping_windows():
    check_gradient(lambda x: as_strided(x, (3, 8), (56, 8)), LONG)
    check_gradient(lambda x: as_strided(x[::2], (3, 4), (32, 16)), LONG)
    check_gradient(lambda z: as_strided(z, (3, 4), (32, 16)), LONG + 1j)
    check_gradient(lambda z: sliding_window_view(z, 3) * 2.0, LONG + 1j)


def test_writing_into_a_window():
    def one_element(x):
        as_strided(x, (3, 4), (8, 8))[0, 0] = 1.0
        return (x**2).sum()

    check_gradient(one_element, LONG)

    def all_elements(x):
        as_strided(x, (3, 4), (8, 8))[:] = 1.0
        return x.sum()

    def chosen_rows(x):
        as_strided(x, (3, 4), (8, 8))[[0, 2]] = 1.0
        return x.sum()

    for program in (all_elements, chosen_rows):
        with pytest.raises(MissingRuleError, match="share places"):
            gradient(program)(LONG)


@pytest.mark.parametrize("mode", ["psd", "complex", "magnitude"])
def test_spectra(mode):
    check_gradient(lambda x: sg.spectrogram(x, nperseg=8, mode=mode)[2], LONG)
    check_gradient(lambda x: sg.stft(x, nperseg=8)[2], LONG)
    check_gradient(lambda x: sg.welch(x, nperseg=8)[1], LONG)


def test_filter_design():
    check_gradient(lambda w: sg.butter(2, w), 0.4)
    check_gradient(lambda r, w: sg.cheby1(3, r, w), 0.4, 0.3)


def test_entropy_of_samples():
    check_gradient(lambda x: st.differential_entropy(x), X)


def test_filters_that_start_in_a_steady_state():
    taps = np.array([0.4, 0.2])
    check_gradient(lambda b, x: sg.filtfilt(b, [1.0, 0.2], x), taps, LONG)
    check_gradient(lambda x: sg.sosfiltfilt(sg.butter(2, 0.3, output="sos"), x), LONG)


def test_tests_of_hypotheses_return_named_results():
    check_gradient(lambda x, y: st.ttest_ind(x, y), X, X**2)
    check_gradient(lambda x, y: tuple(st.linregress(x, y)), X, np.sin(3 * X))


def test_arguments_that_are_functions_of_numpy():
    check_gradient(lambda x, f: f(x) * 2, X, np.sin)
