"""``scipy.fft`` against differences: every type, size, axis and norm."""

import numpy as np
import pytest
import scipy.fft as sf
import scipy.fftpack as sp

from tests.rules.all_ways import check_all_ways
from workbench import check_gradient, gradient
from workbench.errors import DifferentiationError

LONG = np.sin(np.arange(9.0)) + 0.1 * np.arange(9.0)
TABLE = np.random.default_rng(0).normal(size=(4, 6))
PLANE = TABLE + 1j * TABLE[::-1]


@pytest.mark.parametrize("name", ["dct", "idct", "dst", "idst"])
@pytest.mark.parametrize("type", [1, 2, 3, 4])
@pytest.mark.parametrize("norm", [None, "ortho", "forward"])
def test_real_transforms(name, type, norm):
    one, several = getattr(sf, name), getattr(sf, f"{name}n")
    check_gradient(lambda x: one(x, type, norm=norm), LONG)
    check_gradient(lambda x: one(x, type, n=5, axis=0, norm=norm), TABLE)
    check_gradient(lambda x: one(x, type, n=7, norm=norm, orthogonalize=True), TABLE)
    check_gradient(lambda x: one(x, type, norm=norm, orthogonalize=False, overwrite_x=True), PLANE)
    check_gradient(lambda x: several(x, type, norm=norm), TABLE)
    check_gradient(lambda x: several(x, type, s=(3, 7), norm=norm), TABLE)
    check_gradient(lambda x: several(x, type, axes=1, norm=norm), TABLE)


def test_all_ways():
    check_all_ways(lambda x: sf.dctn(x) * sf.idst(x), TABLE)
    check_all_ways(lambda x: sf.idct(x, 3, axis=0), PLANE)
    check_all_ways(lambda x: sf.irfftn(x, s=(4, 6)), PLANE)


def test_fourier():
    check_gradient(lambda x: sf.irfft2(x, s=(4, 5), norm="ortho"), PLANE)
    check_gradient(lambda x: sf.hfft(x, 9) + sf.hfft(x, n=9, norm="forward"), PLANE)
    check_gradient(lambda x: (sf.ihfft(x), sf.ihfft2(x, norm="forward"), sf.ihfftn(x)), TABLE)
    check_gradient(lambda x: (sf.hfft2(x), sf.hfftn(x, s=(3, 7), norm="ortho")), PLANE)
    check_gradient(lambda x: (sf.rfft2(x), sf.fftn(x, axes=(1,)), sf.fft2(x, s=(3, 8))), TABLE)


def test_the_old_namespace():
    check_gradient(lambda x: (sp.fft(x), sp.ifft(x * 1j, 11), sp.dct(x, 3, norm="ortho"), sp.idst(x)), LONG)
    check_gradient(lambda x: (sp.fft2(x), sp.ifftn(x, shape=(3, 8)), sp.dctn(x), sp.idstn(x)), TABLE)
    check_gradient(lambda x: (sp.rfft(x), sp.rfft(x, 6), sp.irfft(x), sp.irfft(x, 12)), LONG)
    check_gradient(lambda x: (sp.rfft(x, axis=0), sp.irfft(x, 5, axis=0)), TABLE)


def test_hankel():
    check_gradient(lambda a: (sf.fht(a, 0.1, 0.5, 0.2, 0.1), sf.ifht(a, 0.1, 0.5, 0.2, 0.1)), LONG)
    with pytest.raises(DifferentiationError, match="dln"):
        gradient(lambda mu: sf.fht(LONG, 0.1, mu).sum())(0.5)
