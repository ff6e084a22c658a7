"""``scipy.special``: every function with a rule against differences, at several points, as numbers and arrays."""

import numpy as np
import pytest
import scipy.special as sp

from tests.rules.all_ways import check_all_ways
from workbench import check_gradient, gradient, hessian, value_and_gradient
from workbench.autodiff.registry import PARTIALS
from workbench.errors import MissingRuleError
from workbench.rules import scipy_special  # noqa: F401

ONE = np.array([0.15, 0.4, 0.75])
ANY = np.array([-1.3, 0.2, 0.9, 2.5])
UP = np.array([0.3, 1.1, 2.7])
# name: sample operands; what is a whole number does not vary
CASES = {
    **dict.fromkeys(
        "erf erfc erfcx erfi dawsn ndtr log_ndtr expit log_expit cosdg sindg cosm1 exp2".split(), (ANY,)
    ),
    **dict.fromkeys("exp10 expm1 exprel wrightomega i0 i1 j0 j1 i0e i1e".split(), (ANY,)),
    **dict.fromkeys("erfinv ndtri logit entr spence ellipk ellipe ellipkm1".split(), (ONE,)),
    **dict.fromkeys(
        "cbrt tandg cotdg log1p gamma gammaln loggamma rgamma psi digamma expi exp1 y0 y1 k0 k1 k0e k1e".split(),
        (UP,),
    ),
    "erfcinv": (ONE,),
    "ndtri_exp": (-UP,),
    "zetac": (UP + 1.0,),
    "_riemann_zeta": (UP + 1.5,),
    "_zeta": (UP + 1.5, UP),
    **dict.fromkeys(
        "rel_entr kl_div xlogy xlog1py agm beta betaln gammainc gammaincc".split(), (UP, UP[::-1] + 0.1)
    ),
    **dict.fromkeys("pseudo_huber huber stdtr chdtr chdtrc".split(), (UP, UP[::-1] + 0.1)),
    "owens_t": (ANY, ANY[::-1].copy()),
    "powm1": (UP, ANY[:3]),
    "boxcox": (UP, ANY[:3]),
    "boxcox1p": (UP, ANY[:3]),
    "inv_boxcox": (ONE, ANY[1:]),
    "inv_boxcox1p": (ONE, ANY[1:]),
    "radian": (UP, UP, UP),
    "binom": (UP + 3.0, UP),
    "poch": (UP, ONE),
    **dict.fromkeys("gammaincinv gammainccinv stdtrit chdtri".split(), (UP, ONE)),
    **dict.fromkeys("betainc betaincc betaincinv betainccinv fdtri".split(), (UP, UP[::-1] + 0.2, ONE)),
    **dict.fromkeys("fdtr fdtrc".split(), (UP, UP[::-1] + 0.2, UP)),
    **dict.fromkeys("pdtr pdtrc".split(), (2, UP)),
    "expn": (3, UP),
    "voigt_profile": (ANY[:3], UP, UP[::-1]),
    "yn": (2, UP),
    "kn": (2, UP),
    **dict.fromkeys("jv yv iv kv jve yve ive kve struve modstruve".split(), (UP, UP[::-1] + 0.4)),
    **dict.fromkeys("ber bei berp beip itmodstruve0 itstruve0".split(), (ANY,)),
    **dict.fromkeys("ker kei kerp keip it2struve0 kolmogorov _kolmogc".split(), (UP,)),
    "besselpoly": (UP, 2.0, 1.5),
    "wright_bessel": (0.5, 1.5, UP),
    "log_wright_bessel": (0.5, 1.5, UP),
    **dict.fromkeys("bdtr bdtrc".split(), (2.0, 6, ONE)),
    "bdtri": (2.0, 6, ONE),
    **dict.fromkeys("nbdtr nbdtrc".split(), (2, 4, ONE)),
    "nbdtri": (2, 4, ONE),
    "pdtri": (2, ONE),
    **dict.fromkeys("gdtr gdtrc".split(), (UP, UP[::-1] + 0.2, ONE)),
    "gdtria": (ONE, UP, UP[::-1] + 0.2),
    "gdtrix": (UP, UP[::-1] + 0.2, ONE),
    "chndtr": (UP, UP[::-1] + 0.2, UP),
    "chndtrix": (ONE, UP[::-1] + 0.2, UP),
    "ncfdtr": (UP + 1.0, UP[::-1] + 2.0, UP, ONE + 0.5),
    "nctdtr": (UP + 1.0, ANY[:3], ANY[1:]),
    "nctdtrit": (UP + 1.0, ANY[:3], ONE),
    "nrdtrimn": (ONE, UP, ANY[:3]),
    "nrdtrisd": (ANY[:3], ONE + 0.05, UP),
    "kolmogi": (ONE,),
    "_kolmogci": (ONE,),
    **dict.fromkeys("smirnov smirnovi _smirnovc _smirnovci".split(), (5, ONE * 0.8)),
    "tklmbda": (ANY * 0.4, np.array([0.3, -0.6, 1.2, 0.05])),
    "hyp0f1": (UP, ANY[:3]),
    "hyp1f1": (UP, UP + 1.0, ANY[:3]),
    "hyp2f1": (UP, UP + 1.0, UP + 0.3, ONE),
    "hyperu": (UP, UP[::-1], UP),
    "ellipkinc": (UP, ONE),
    "ellipeinc": (UP, ONE),
    "elliprc": (UP, UP[::-1]),
    "elliprf": (UP, UP[::-1], ONE),
    "elliprg": (UP, UP[::-1], ONE),
    "elliprd": (UP, UP[::-1], ONE),
    "elliprj": (UP, UP[::-1], ONE, UP + 0.5),
    **dict.fromkeys(
        "eval_legendre eval_chebyt eval_chebyu eval_hermite eval_hermitenorm eval_laguerre".split(), (4, ANY)
    ),
    **dict.fromkeys(
        "eval_chebyc eval_chebys eval_sh_chebyt eval_sh_chebyu eval_sh_legendre".split(), (4, ANY)
    ),
    "lpmv": (2, 3.4, ONE),
    "mathieu_a": (2, UP),
    "mathieu_b": (2, UP),
    "pro_cv": (1, 2, UP),
    "obl_cv": (1, 2, UP),
    "eval_sh_jacobi": (3, 3.5, 1.5, ONE),
    "eval_gegenbauer": (3, UP, ONE),
    "eval_genlaguerre": (3, UP, ONE),
    "eval_jacobi": (3, UP, UP[::-1], ONE),
}


@pytest.mark.parametrize("name", sorted(CASES))
def test_universal_function(name):
    function = getattr(sp, name, None) or getattr(sp._ufuncs, name)
    operands = CASES[name]
    tolerance = 2e-6 if name == "pro" else 1e-6
    varying = [x for x in operands if isinstance(x, np.ndarray)]

    def program(*xs):
        rest = iter(xs)
        return function(*[next(rest) if isinstance(x, np.ndarray) else x for x in operands])

    check_gradient(program, *varying, rtol=tolerance)
    check_gradient(program, *[float(x[1]) for x in varying], rtol=tolerance)


INVERSES = {  # by a parameter
    "bdtrik": (0.3, 10.0, 0.4), "bdtrin": (3.0, 0.3, 0.4), "nbdtrik": (0.4, 5.0, 0.4), "nbdtrin": (3.0, 0.3, 0.4),
    "pdtrik": (0.3, 2.0), "btdtria": (0.3, 2.0, 0.4), "btdtrib": (3.0, 0.3, 0.4), "chdtriv": (0.3, 2.0),
    "chndtridf": (3.0, 0.5, 0.4), "chndtrinc": (3.0, 2.5, 0.3), "fdtridfd": (3.0, 0.4, 0.8), "gdtrib": (1.0, 0.4, 2.0),
    "ncfdtri": (3.0, 4.0, 0.5, 0.4), "ncfdtridfd": (3.0, 0.5, 0.5, 1.0), "ncfdtrinc": (3.0, 4.0, 0.3, 1.0),
    "ncfdtridfn": (0.3, 4.0, 0.5, 0.4), "nctdtridf": (0.4, 0.3, 0.1), "nctdtrinc": (4.0, 0.3, 0.1),
    "stdtridf": (0.7, 0.6),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(INVERSES))
def test_inverses_by_a_parameter(name):
    """Boost's roots come near the solution only."""
    check_gradient(getattr(sp, name), *INVERSES[name], rtol=1e-3)


def test_every_rule_has_a_case():
    named = {getattr(sp, n, None) or getattr(sp._ufuncs, n) for n in (*CASES, *INVERSES)}
    others = {sp.hankel1, sp.hankel2, sp.hankel1e, sp.hankel2e, sp.wofz, sp._ufuncs._lambertw}
    # checked through the functions that call them, spherical_jn, stats.beta.pdf and so on
    inner = (
        "_spherical_",
        "_beta_",
        "_binom_",
        "_nbinom_",
        "_cauchy_",
        "_skewnorm_",
        "_ncf_",
        "_nct_",
        "_ncx2_",
        "_log1pmx",
    )
    spherical = {f for f in PARTIALS if f.__name__.startswith(inner)}
    of_special = set(map(id, (*vars(sp).values(), *vars(sp._ufuncs).values())))
    ours = {f for f in PARTIALS if isinstance(f, np.ufunc) and id(f) in of_special}
    assert not {f.__name__ for f in ours - named - others - spherical}


@pytest.mark.parametrize(
    "function",
    [
        *(sp.airy, sp.airye, sp.fresnel, sp.sici, sp.shichi, sp.modfresnelp, sp.modfresnelm),
        *(sp.itj0y0, sp.iti0k0, sp.it2j0y0, sp.it2i0k0, sp.kelvin),
    ],
)
def test_several_values(function):
    check_gradient(lambda x: function(x), UP)
    check_gradient(lambda x: function(x)[1], 0.7)


def test_parabolic_cylinder_functions():
    for function in (sp.pbdv, sp.pbvv, sp.pbwa):
        check_gradient(lambda x, f=function: f(1.5, x), UP)
        with pytest.raises(MissingRuleError):
            gradient(lambda v, f=function: f(v, 0.7)[0])(1.5)
    with pytest.raises(MissingRuleError, match="digits"):
        gradient(lambda x: sp.pbvv(1.5, x)[0])(-8.0)


def test_at_zero():
    check_gradient(gradient(lambda x: sp.struve(0, x)), 0.1)
    assert gradient(lambda x: sp.struve(0, x))(0.0) == pytest.approx(2.0 / np.pi)


@pytest.mark.parametrize(
    ("function", "at"),
    [
        (sp.spence, 1.0),
        (sp.ellipk, 0.0),
        (sp.ellipk, 1e-9),
        (sp.ellipe, 0.0),
        (sp.ellipkm1, 1.0),
        (lambda x: sp.struve(1, x), 0.0),
        (lambda x: sp.modstruve(1, x), 0.0),
        (lambda x: sp.struve(2.5, x), 0.09999),
        (np.i0, 0.0),
        (lambda beta: np.kaiser(5, beta).sum(), 0.0),
    ],
)
def test_second_derivatives_where_the_first_is_a_quotient_of_zeros(function, at):
    slope = gradient(lambda x: function(x))
    h = 1e-3
    around = [slope(at + k * h) for k in (-2, -1, 1, 2)]
    expected = (8 * (around[2] - around[1]) - (around[3] - around[0])) / (12 * h)
    assert gradient(slope)(at) == pytest.approx(expected, rel=1e-6)


def test_elliptic_functions():
    check_gradient(lambda u, m: sp.ellipj(u, m), ANY[:3], ONE)
    check_gradient(lambda u, m: sp.ellipj(u, m)[0], 0.8, 0.3)


@pytest.mark.parametrize("function", [sp.spherical_jn, sp.spherical_yn, sp.spherical_in, sp.spherical_kn])
def test_spherical_bessel(function):
    check_gradient(lambda x: function(2, x), UP)
    check_gradient(lambda x: function(1, x, derivative=True), UP)


def test_complex_values():
    check_gradient(lambda v, x: sp.hankel1(v, x), UP, UP + 0.3)
    check_gradient(lambda v, x: sp.hankel2(v, x), UP, UP + 0.3)
    check_gradient(lambda v, x: sp.hankel1e(v, x), UP, UP + 0.3)
    check_gradient(lambda v, x: sp.hankel2e(v, x), UP, UP + 0.3)
    check_gradient(lambda z: sp.wofz(z), np.array([0.3 + 0.2j, 1.0 - 0.1j]))
    check_gradient(lambda x: sp.lambertw(x).real, UP)
    check_gradient(lambda x: sp.lambertw(x, k=-1).real, -0.3 * ONE)


def test_along_axes():
    a = np.arange(6.0).reshape(2, 3) / 3.0
    check_gradient(lambda a: sp.logsumexp(a), a)
    check_gradient(lambda a: sp.logsumexp(a, axis=1), a)
    check_gradient(lambda a, b: sp.logsumexp(a, axis=0, b=b, keepdims=True), a, a + 1.0)
    check_gradient(lambda a: sp.logsumexp([a, 2.0 * a, 1.0]), 0.3)
    check_gradient(lambda a: sp.softmax(a, axis=0), a)
    check_gradient(lambda a: sp.log_softmax(a, axis=-1), a)
    check_gradient(lambda a: sp.multigammaln(a, 3), 2.5)
    check_gradient(lambda x: sp.polygamma(2, x), UP)
    check_gradient(lambda x: sp.polygamma(0, x) + sp.zeta(2.5, x), UP)
    check_gradient(lambda x: sp.comb(x, 2.0), UP + 3.0)


@pytest.mark.parametrize("function", [sp.erf, sp.gammaln, sp.expit, sp.j0, sp.ndtri, sp.psi, sp.logsumexp])
def test_second_derivatives(function):
    check_gradient(gradient(lambda x: np.sum(function(x) ** 2)), ONE)


def test_second_derivative_by_a_shape():
    check_gradient(gradient(lambda a: float(sp.gammainc(a, 1.3))), 0.8, rtol=1e-5)


def test_where_no_rule_is():
    with pytest.raises(MissingRuleError, match="ellip_harm"):
        gradient(lambda x: sp.ellip_harm(2.0, 3.0, 2, 2, x))(1.3)
    with pytest.raises(MissingRuleError, match="argument 0"):
        gradient(lambda n: sp.eval_legendre(n, 0.3))(2.5)


LEGENDRE = {
    "legendre_p": lambda x: sp.legendre_p(np.array([0, 1, 4]), x),
    "assoc_legendre_p": lambda x: sp.assoc_legendre_p(3, -2, x, norm=True, diff_n=2),
    "sph_legendre_p": lambda x: sp.sph_legendre_p(3, 2, x, diff_n=1),
    "legendre_p_all": lambda x: sp.legendre_p_all(3, x, diff_n=1),
    "assoc_legendre_p_all": lambda x: sp.assoc_legendre_p_all(3, 2, x),
    "sph_legendre_p_all": lambda x: sp.sph_legendre_p_all(2, 2, x, diff_n=2),
    "sph_harm_y": lambda x: sp.sph_harm_y(3, np.arange(-3, 4)[:, None], x, x[::-1] * 2.0),
    "sph_harm_y_all": lambda x: sp.sph_harm_y_all(2, 2, x, 0.4),
    "lpmv": lambda x: sp.lpmv(0, 0, x) + sp.lpmv(1, 3, x),
    "lqn": lambda x: sp.lqn(3, x),
    "lqmn": lambda x: sp.lqmn(1, 2, x[1]),
}
WAVES = {
    **{name: lambda x, name=name: getattr(sp, name)(2, 1.3, x) for name in (
        "mathieu_modcem1", "mathieu_modcem2", "mathieu_modsem1", "mathieu_modsem2",
    )},
    **{name: lambda x, name=name: getattr(sp, name)(2, 1.3, 90.0 * x) for name in ("mathieu_cem", "mathieu_sem")},
    "mathieu_cem by q": lambda x: sp.mathieu_cem(2, x, 30.0),
    **{name: lambda x, name=name: getattr(sp, name)(1, 2, 1.2, x) for name in ("pro_ang1", "obl_ang1", "obl_rad1")},
    **{name: lambda x, name=name: getattr(sp, name)(0, 1, 1.2, x + 1.1) for name in ("pro_rad1", "pro_rad2")},
    "pro_ang1_cv": lambda x: sp.pro_ang1_cv(1, 2, 1.2, sp.pro_cv(1, 2, 1.2), x),
    "itairy": lambda x: sp.itairy(x),
}  # fmt: skip


@pytest.mark.parametrize("name", [*LEGENDRE, *WAVES])
def test_of_every_order(name):
    check_all_ways({**LEGENDRE, **WAVES}[name], ONE)


def test_waves_whose_values_lack_digits_are_refused():
    with pytest.raises(MissingRuleError, match="digits"):
        gradient(lambda x: sp.obl_rad2(1, 2, 1.2, x)[0])(1.3)


def test_degrees_do_not_vary():
    with pytest.raises(MissingRuleError, match="argument 1"):
        gradient(lambda v: sp.lpmv(1, v, 0.3))(2.5)


@pytest.mark.parametrize(("n", "sign"), [(1, 1), (3, 1), (4, -1), (9, 1)])
def test_the_dirichlet_kernel_bends_where_its_quotient_is_nothing_by_nothing(n, sign):
    """D″(0) = −(n² − 1)/12, and n even changes sign from one multiple of 2π to the next."""
    for x, side in ((0.0, 1), (2 * np.pi, sign), (1e-9, 1), (-4 * np.pi, 1)):
        value, slope = value_and_gradient(sp.diric)(x, n)
        assert value == sp.diric(x, n)
        assert slope == pytest.approx(-side * (n * n - 1) / 12 * (x if abs(x) < 1 else 0.0), abs=1e-14)
        assert hessian(lambda x: sp.diric(x, n))(x) == pytest.approx(-side * (n * n - 1) / 12, rel=1e-12)


def test_the_dirichlet_kernel_of_arrays():
    x, n = np.array([0.0, 0.3, 2 * np.pi, -3.0]), np.array([[1], [3], [4]])
    check_gradient(lambda x: np.sum(sp.diric(x, n) * n), x)
    with pytest.raises(MissingRuleError, match="a period that varies"):
        gradient(lambda n: sp.diric(0.3, n))(3.0)


# −2 z w + 2 i/√π and its kin lose |z|² in digits; the first terms of their series are right to 1/z⁶ here
FAR = {
    "erfcx": lambda x: -(1 - 1.5 / x**2 + 3.75 / x**4) / (np.sqrt(np.pi) * x**2),
    "dawsn": lambda x: -(1 + 1.5 / x**2 + 3.75 / x**4) / (2 * x**2),
    "log_ndtr": lambda x: abs(x) + 1 / abs(x) - 2 / abs(x) ** 3,
    "ndtri_exp": lambda y: 1 / (-sp.ndtri_exp(y) - 1 / sp.ndtri_exp(y) + 2 / sp.ndtri_exp(y) ** 3),
}


@pytest.mark.parametrize(
    ("name", "x"),
    [
        *((name, x) for name in ("erfcx", "dawsn") for x in (500.0, 1e5, 1e8, 1e60)),
        ("dawsn", -1e5),
        *((name, -x) for name in ("log_ndtr", "ndtri_exp") for x in (1e6, 1e9, 1e20)),
    ],
)
def test_far_tails_keep_their_digits(name, x):
    function = getattr(sp, name)
    assert gradient(function)(x) == pytest.approx(FAR[name](x), rel=1e-9)
    if abs(x) < 1e6:
        check_all_ways(lambda s: function(s * x) * x, 1.1)


def test_far_tails_of_the_complex_error_functions():
    for function in (sp.wofz, sp.erfcx, sp.dawsn):
        for z in (3e5 + 0.2j, 2e7 + 1e7j, -2e4 + 1e4j, 300.0 - 1e-3j, 20.0 - 0.1j):
            z = -1j * z if function is sp.erfcx else z
            check_all_ways(lambda s, f=function, z=z: f(s * z) * z, 1.1, second=abs(z) < 1e5)


def test_a_voigt_profile_that_is_next_to_a_lorentzian():
    for sigma in (1e-16, 1e-7, 1e-3):
        bend = hessian(lambda x: 1.0 / (np.pi * (1.0 + x * x)))(0.5)
        slopes = gradient(lambda *x: sp.voigt_profile(*x), wrt=(0, 1, 2))(0.5, sigma, 1.0)
        lorentzian = -1.0 / (np.pi * 1.25**2), sigma * bend, (0.25 - 1.0) / (np.pi * 1.25**2)
        np.testing.assert_allclose(slopes, lorentzian, rtol=1e-4)


@pytest.mark.parametrize("size", [1e-150, 1e-20, 1e20, 1e150])
def test_homogeneous_functions_at_any_size(size):
    for function, degree in ((sp.agm, 1.0), (sp.elliprf, -0.5), (sp.elliprg, 0.5), (sp.elliprc, -0.5)):
        x = (1.3, 0.7, 2.0)[: function.nin]
        check_all_ways(lambda *x, f=function, d=degree: f(*(size * v for v in x)) / size**d, *x)


def test_carlson_integrals_of_complex_numbers():
    check_all_ways(lambda x, y: sp.elliprf(1j * x, -1j * y, 0.0), 1.0, 2.0)
    check_all_ways(sp.elliprc, 1.0j, 2.0 + 1.0j)
    check_all_ways(lambda x, y: sp.elliprd(1j * x, y + 1j, 0.5) + sp.elliprg(-1.0 + 1e-3j, x, y), 1.0, 2.0)
    check_all_ways(lambda x, y: sp.elliprj(x + 1j, x - 1j, y, 2.0), 1.0, 2.0)


@pytest.mark.parametrize("df", [3.0, 900.0, 1100.0, 1e8, 1e16, 1e120, np.inf])
def test_students_density_at_any_number_of_degrees_of_freedom(df):
    """Next to the normal density: φ(t) (1 + (t⁴ − 2 t² − 1)/(4 df) + …)."""
    t = 0.7
    normal = np.exp(-0.5 * t * t) / np.sqrt(2.0 * np.pi) * (1.0 + (t**4 - 2.0 * t * t - 1.0) / (4.0 * df))
    slope = gradient(lambda t: sp.stdtr(df, t))(t)
    assert slope == pytest.approx(normal, rel=max(1e-12, 1.0 / df**2))
    assert gradient(lambda p: sp.stdtrit(df, p))(sp.stdtr(df, t)) == pytest.approx(1.0 / slope, rel=1e-9)
    check_all_ways(lambda t: sp.stdtr(df, t), t)


LARGE_ORDERS = {  # the derivative by the order, by mpmath
    "jv": (sp.jv, 100.3, 1.0, -9.110879458565906e-189),
    "yv": (sp.yv, -100.3, 1.0, 1.0563353707567921e186),
    "iv": (sp.iv, -300.3, 30.0, -2.392410719250293e259),
    "kv": (sp.kv, 20.3, 0.01, 6.327616597977956e64),
}
BRANCHES = {
    "factorial": (sp.factorial, 1.0),
    "factorial, complex": (lambda n: sp.factorial(n, extend="complex"), 1.5 + 0.3j),
    "factorial2": (lambda n: sp.factorial2(n, extend="complex"), 1.0),
    "factorialk": (lambda n, k: sp.factorialk(n, k, extend="complex"), 1.0, 2.5),
    "comb": (lambda n, k: sp.comb(n, k, repetition=True), 5.0, 0.0),
    "roots of Legendre": (lambda a, b: sp.roots_jacobi(5, a, b, mu=True), 0.0, 0.0),
    "roots of Gegenbauer": (lambda a, b: sp.roots_jacobi(5, a, b), 0.3, 0.3),
    "roots of Chebyshev": (lambda a: sp.roots_gegenbauer(4, a, mu=True), 0.0),
    "shifted roots": (lambda p, q: sp.roots_sh_jacobi(5, p, q, True), -0.5, 0.25),
    "pdtr": (lambda m: sp.pdtr([0.1, 1.1, 2.1], m) - 2 * sp.pdtrc([0.1, 1.1, 2.1], m), 1.0),
    "nbdtr": (lambda p: sp.nbdtr(1.8, 2.8, p) + sp.nbdtri(1.8, 2.8, p) - sp.nbdtrc(1.8, 2.8, p), 0.3),
    "nctdtr": (lambda nc, t: sp.nctdtr(np.inf, nc, t), 1.3, 0.4),
}


@pytest.mark.parametrize("name", LARGE_ORDERS)
def test_orders_far_from_the_argument(name):
    function, order, x, expected = LARGE_ORDERS[name]
    assert gradient(lambda v: function(v, x))(order) == pytest.approx(expected, rel=1e-10)


@pytest.mark.filterwarnings("ignore:floating point number truncated:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:non-integer arg n is deprecated:DeprecationWarning")
@pytest.mark.parametrize("name", BRANCHES)
def test_branches_at_equal_parameters(name):
    """SciPy's branches at these arguments hid their derivatives, and SciPy cuts some to whole numbers."""
    program, *args = BRANCHES[name]
    check_gradient(program, *args, rtol=1e-5)


@pytest.mark.parametrize("size", [1e4, 1e8, 1e12])
def test_densities_of_large_parameters_keep_their_digits(size):
    """The logarithms in them are as large as the parameters: by Stirling's series, and second derivatives too."""
    peak = 1.0 / np.sqrt(2.0 * np.pi * size)
    slopes = gradient(lambda x: sp.gammainc(size, x)), gradient(lambda x: sp.betainc(size, size, x))
    corrections = np.exp(-1.0 / (12.0 * size)), np.exp(-1.0 / (8.0 * size))
    assert slopes[0](size) == pytest.approx(peak * corrections[0], rel=1e-11)
    assert slopes[1](0.5) == pytest.approx(4.0 * peak * size / np.sqrt(2.0) * corrections[1], rel=1e-11)
    assert gradient(slopes[0])(size) == pytest.approx(-peak / size * corrections[0], rel=1e-8)


def test_inverses_without_a_solution_do_not_vary():
    """There SciPy gives an end of the interval that it searches."""
    for name, at in {
        "bdtrik": (0.26, 1.45, 0.47),
        "stdtridf": (0.26, 1.45),
        "chndtrinc": (0.26, 1.446, 0.47),
    }.items():
        found = gradient(lambda *x, name=name: getattr(sp, name)(*x), wrt=tuple(range(len(at))))(*at)
        assert found == (0.0,) * len(at)


@pytest.mark.filterwarnings("ignore:floating point number truncated")
@pytest.mark.parametrize("function", [sp.expn, sp.kn, sp.yn])
def test_orders_that_scipy_cuts_off(function):
    for order in (0, 0.9, 1.0, 2.7):
        check_all_ways(lambda x, order=order: function(order, x), UP)


@pytest.mark.parametrize(("a", "b", "c"), [(1.0, 1.0, 2.5), (0.7, 1.2, 1.1)])
def test_hyp2f1_next_to_its_pole(a, b, c):
    """By DLMF 15.5.1 and 15.8.2: F′ → Γ(c) Γ(a + b − c + 1) / (Γ(a) Γ(b)) (1 − z)^(c − a − b − 1)."""
    z = 1.0 - 1e-13
    leading = (
        sp.gamma(c) * sp.gamma(a + b - c + 1.0) / (sp.gamma(a) * sp.gamma(b)) * (1.0 - z) ** (c - a - b - 1.0)
    )
    assert gradient(lambda z: sp.hyp2f1(a, b, c, z))(z) == pytest.approx(leading, rel=1e-4)


@pytest.mark.parametrize("function", [sp.ive, sp.jve, sp.yve])
def test_scaled_bessel_functions_of_complex_numbers(function):
    """Small and large arguments, on both sides of the axes, together and one by one."""
    z = np.array([1.0 + 0.5j, -2.0 + 3.0j, 5.0 - 1.0j, 400.0 + 30.0j, -500.0 + 20.0j, 40.0 - 700.0j])

    def parts(re, im):
        found = function(1.3, re + 1j * im) / np.abs(function(1.3, z))
        return np.concatenate([found.real, found.imag])

    check_gradient(lambda a, b: parts(z.real + a, z.imag + b), np.zeros(6), np.zeros(6))
    check_gradient(lambda x: abs(function(0, complex(x, 3.0 * x))), 2.0)
    check_gradient(gradient(lambda x: abs(function(0, complex(x, 3.0 * x)))), 2.0)
    check_gradient(lambda v: abs(function(v, 2.0 + 1.0j)), 0.7)
