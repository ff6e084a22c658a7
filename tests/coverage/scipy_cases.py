"""What SciPy's functions are called with, where a guess is not enough."""

from __future__ import annotations

import math

import numpy as np
import scipy.integrate as si
import scipy.linalg as sl
import scipy.spatial.distance as sd
import scipy.special as sp

from tests.coverage import numpy_cases
from tests.coverage.measure import Case, call
from tests.coverage.numpy_cases import A, B, S, X, Y

GUESSES = [
    *numpy_cases.GUESSES,
    *[(1, 0.3), (1, 2, 0.3), (2, 1, 0.3), (1, 1, 1, 0.3), (0.3, 1.2, 0.4, 0.6), (2,), (2, 3), (2, 5, 0.3)],
    *[(1, 2, 0.3, 0.4), (1, 2, 1.2, 0.3, 0.2), (2, 1, 1.2, 0.3, 1.4)],
]

# Settings, file formats, types, random draws, and classes that are not made by hand.
NO_NUMBERS = frozenset(
    "special.errstate special.geterr special.seterr linalg.get_blas_funcs linalg.get_lapack_funcs "
    "linalg.find_best_blas_type linalg.clarkson_woodruff_transform integrate.DenseOutput "
    "integrate.OdeSolver integrate.OdeSolution integrate.RK23 integrate.RK45 integrate.DOP853 "
    "integrate.Radau integrate.BDF integrate.LSODA optimize.BFGS optimize.SR1 optimize.BroydenFirst "
    "optimize.HessianUpdateStrategy optimize.InverseJacobian optimize.KrylovJacobian "
    "optimize.LbfgsInvHessProduct optimize.OptimizeResult optimize.RootResults optimize.Bounds "
    "optimize.LinearConstraint optimize.NonlinearConstraint optimize.show_options "
    "optimize.linprog_verbose_callback interpolate.BivariateSpline interpolate.interp2d "
    "interpolate.LSQSphereBivariateSpline interpolate.RectSphereBivariateSpline "
    "interpolate.SmoothSphereBivariateSpline stats.Binomial stats.Covariance stats.Logistic stats.Mixture stats.Normal "
    "stats.Uniform stats.BootstrapMethod stats.MonteCarloMethod stats.PermutationMethod stats.CensoredData stats.abs "
    "stats.exp stats.log stats.truncate stats.order_statistic stats.make_distribution stats.rv_continuous "
    "stats.rv_discrete stats.rv_histogram stats.ortho_group stats.special_ortho_group stats.unitary_group "
    "stats.uniform_direction stats.random_correlation stats.random_table "
    "sparse.get_index_dtype sparse.load_npz sparse.save_npz sparse.rand sparse.random sparse.random_array "
    "sparse.safely_cast_index_arrays sparse.sparray sparse.spmatrix sparse.linalg.SuperLU "
    "sparse.linalg.use_solver sparse.linalg.MatrixRankWarning "
    "fft.get_workers fft.set_workers fft.register_backend fft.set_backend fft.set_global_backend "
    "fft.skip_backend spatial.convex_hull_plot_2d spatial.delaunay_plot_2d spatial.voronoi_plot_2d".split()
)

P = np.array([[2.0, 0.3, 0.1], [0.3, 1.5, 0.2], [0.1, 0.2, 1.0]])
TIMES = np.linspace(0.0, 3.0, 12)
DATA = 2.0 * np.exp(-0.7 * TIMES) + 0.05 * np.sin(7.0 * TIMES)
AT = np.array([0.4, 1.1, 2.3])
LONG = np.sin(np.arange(24.0)) + 0.2
GRID = np.outer(np.sin(TIMES[:6]), np.cos(TIMES[:5])) + 1.5
TIGHT = {"xtol": 1e-13, "rtol": 1e-13}


def program(*args):
    """Decorator: the program as a case."""
    return lambda function: Case(function, args)


CASES: dict[str, list[Case] | dict[str, Case]] = {}


def add(package, **cases):
    CASES.update({f"{package}.{name}": [case] for name, case in cases.items()})


# ------------------------------------------------------------------------------------ special


def _polynomial(name):
    return Case(lambda x: getattr(sp, name)(3)(x), (0.3,))


_POLYNOMIALS = (
    "chebyc chebys chebyt chebyu hermite hermitenorm laguerre legendre sh_chebyt sh_chebyu sh_legendre"
)
add("special", **{name: _polynomial(name) for name in _POLYNOMIALS.split()})
add(
    "special",
    ncfdtridfd=call(sp.ncfdtridfd, 2.0, 0.4, 1.2, 0.7),
    airy=call(sp.airy, X),
    airye=call(sp.airye, X),
    ellip_harm=call(sp.ellip_harm, 1.5, 2.5, 2, 1, 3.3),
    ellip_harm_2=call(sp.ellip_harm_2, 1.5, 2.5, 2, 1, 3.3),
    ellip_normal=call(sp.ellip_normal, 1.5, 2.5, 2, 1),
    ellipj=call(sp.ellipj, X, 0.4),
    fresnel=call(sp.fresnel, X),
    gegenbauer=Case(lambda x: sp.gegenbauer(3, 0.7)(x), (0.3,)),
    genlaguerre=Case(lambda x: sp.genlaguerre(3, 0.7)(x), (0.3,)),
    jacobi=Case(lambda x: sp.jacobi(3, 0.7, 0.2)(x), (0.3,)),
    sh_jacobi=Case(lambda x: sp.sh_jacobi(3, 1.7, 1.2)(x), (0.3,)),
    itairy=call(sp.itairy, X),
    iti0k0=call(sp.iti0k0, X),
    itj0y0=call(sp.itj0y0, X),
    it2i0k0=call(sp.it2i0k0, X),
    it2j0y0=call(sp.it2j0y0, X),
    lambertw=call(sp.lambertw, X),
    legendre_p_all=call(sp.legendre_p_all, 3, 0.3),
    lqmn=call(sp.lqmn, 1, 2, 0.3),
    lqn=call(sp.lqn, 3, 0.3),
    multigammaln=call(sp.multigammaln, 3.3, 2),
    ndtri_exp=call(sp.ndtri_exp, -X),
    obl_ang1_cv=call(sp.obl_ang1_cv, 1, 2, 1.2, 0.5, 0.3),
    obl_rad1_cv=call(sp.obl_rad1_cv, 1, 2, 1.2, 0.5, 0.3),
    obl_rad2_cv=call(sp.obl_rad2_cv, 1, 2, 1.2, 0.5, 0.3),
    pbdv=call(sp.pbdv, 1.0, X),
    pbvv=call(sp.pbvv, 1.0, X),
    pbwa=call(sp.pbwa, 1.0, X),
    pro_ang1_cv=call(sp.pro_ang1_cv, 1, 2, 1.2, 2.5, 0.3),
    pro_rad1=call(sp.pro_rad1, 1, 2, 1.2, 1.5),
    pro_rad2=call(sp.pro_rad2, 1, 2, 1.2, 1.5),
    pro_rad1_cv=call(sp.pro_rad1_cv, 1, 2, 1.2, 2.5, 1.5),
    pro_rad2_cv=call(sp.pro_rad2_cv, 1, 2, 1.2, 2.5, 1.5),
    riccati_jn=call(sp.riccati_jn, 3, 0.3),
    riccati_yn=call(sp.riccati_yn, 3, 0.3),
    shichi=call(sp.shichi, X),
    sici=call(sp.sici, X),
    zeta=call(sp.zeta, Y + 0.5),
    zetac=call(sp.zetac, Y + 0.5),
)

# ------------------------------------------------------------------------------------ linear algebra

_banded = np.array([[0.0, 0.3, 0.2], [2.0, 1.5, 1.7], [0.4, 0.1, 0.0]])
add(
    "linalg",
    bandwidth=call(sl.bandwidth, A),
    cdf2rdf=Case(lambda a: sl.cdf2rdf(*sl.eig(a))[0], (A,)),
    cho_solve=Case(lambda a, b: sl.cho_solve((sl.cholesky(a @ a.T), False), b), (A, B)),
    cho_solve_banded=Case(lambda b: sl.cho_solve_banded((_banded[:2], False), b), (A[0],)),
    cholesky_banded=call(sl.cholesky_banded, np.array([[0.0, 0.3, 0.2], [2.0, 1.5, 1.7]])),
    eig=Case(lambda a: np.abs(sl.eig(a)[0]) ** 2, (A,)),
    eig_banded=Case(lambda a: sl.eig_banded(a)[0], (_banded[:2],)),
    eigh=Case(lambda a: sl.eigh(a)[1] ** 2, (S,)),
    eigh_tridiagonal=Case(lambda d, e: sl.eigh_tridiagonal(d, e)[0], (X, Y[:4])),
    eigvalsh_tridiagonal=call(sl.eigvalsh_tridiagonal, X, Y[:4]),
    eigvals_banded=call(sl.eigvals_banded, _banded[:2]),
    expm_frechet=call(sl.expm_frechet, A, S * 0.1),
    funm=Case(lambda a: sl.funm(a, np.exp), (A,)),
    ishermitian=call(sl.ishermitian, A),
    issymmetric=call(sl.issymmetric, A),
    khatri_rao=call(sl.khatri_rao, A, S),
    ldl=Case(lambda a: sl.ldl(a)[1], (S,)),
    leslie=call(sl.leslie, X, Y[:4]),
    lu_solve=Case(lambda a, b: sl.lu_solve(sl.lu_factor(a), b), (A, B)),
    matmul_toeplitz=call(sl.matmul_toeplitz, X, Y),
    ordqz=Case(lambda a, b: sl.ordqz(a, b)[0], (A, S)),
    orthogonal_procrustes=Case(lambda a, b: sl.orthogonal_procrustes(a, b)[0], (A, S)),
    pinvh=call(sl.pinvh, S),
    qr=Case(lambda a: sl.qr(a)[1] ** 2, (A,)),
    qr_delete=Case(lambda a: sl.qr_delete(*sl.qr(a), 1)[1] ** 2, (A,)),
    qr_insert=Case(lambda a, u: sl.qr_insert(*sl.qr(a), u, 1, "col")[1] ** 2, (A, X[:3])),
    qr_update=Case(lambda a, u, v: sl.qr_update(*sl.qr(a), u, v)[1] ** 2, (A, X[:3], Y[:3])),
    qr_multiply=Case(lambda a, c: sl.qr_multiply(a, c)[0] ** 2, (A, A)),
    qz=Case(lambda a, b: sl.qz(a, b)[0] ** 2, (A, S)),
    rsf2csf=Case(lambda a: np.abs(sl.rsf2csf(*sl.schur(a))[0]), (A,)),
    solve=call(sl.solve, A, B),
    solve_banded=Case(lambda ab, b: sl.solve_banded((1, 1), ab, b), (_banded, X[:3])),
    solveh_banded=call(sl.solveh_banded, np.array([[0.0, 0.3, 0.2], [2.0, 1.5, 1.7]]), X[:3]),
    solve_continuous_are=Case(lambda a, q: sl.solve_continuous_are(a, S, q + q.T, P), (A, P)),
    solve_continuous_lyapunov=call(sl.solve_continuous_lyapunov, A, S),
    solve_discrete_are=Case(lambda a, q: sl.solve_discrete_are(a, S, q + q.T, P), (A * 0.2, P)),
    solve_discrete_lyapunov=call(sl.solve_discrete_lyapunov, A * 0.2, S),
    solve_lyapunov=call(sl.solve_lyapunov, A, S),
    solve_sylvester=call(sl.solve_sylvester, A, S, P),
    sqrtm=call(sl.sqrtm, A),
    svd=Case(lambda a: sl.svd(a, full_matrices=False)[1], (B,)),
    diagsvd=call(sl.diagsvd, X[:3], 3, 4),
    subspace_angles=call(sl.subspace_angles, A[:, :2], S[:, :2]),
)

# ------------------------------------------------------------------------------------ distances

add(
    "spatial.distance",
    cdist=call(sd.cdist, A, S),
    directed_hausdorff=Case(lambda a, b: sd.directed_hausdorff(a, b)[0], (A, S)),
    hamming=Case(lambda x: sd.hamming(x > 0.5, x > 0.3), (X,)),
    jaccard=Case(lambda x: sd.jaccard(x > 0.5, x > 0.3), (X,)),
    mahalanobis=call(sd.mahalanobis, A[0], A[1], S),
    num_obs_y=Case(lambda x: sd.num_obs_y(x), (A[0],)),
    pdist=call(sd.pdist, A),
)

# ------------------------------------------------------------------------------------ integrals, differential equations


def _solve(method, **options):
    def case(a, y):
        found = si.solve_ivp(
            lambda t, v: [a * v[1], -v[0] - 0.1 * v[1]],
            (0.0, 2.0),
            y,
            method,
            rtol=1e-9,
            atol=1e-10,
            **options,
        )
        return found.y[:, -1]

    return Case(case, (1.2, np.array([0.5, 1.0])))


CASES["integrate.solve_ivp"] = {
    name: _solve(name) for name in ("RK23", "RK45", "DOP853", "Radau", "BDF", "LSODA")
}
add(
    "integrate",
    complex_ode=Case(
        lambda a: si.complex_ode(lambda t, y: a * y).set_initial_value(1.0).integrate(1.0), (0.3,)
    ),
    cubature=Case(lambda a: si.cubature(lambda x: np.exp(-a * x[:, 0]), [0.0], [1.0]).estimate, (0.3,)),
    dblquad=Case(lambda a: si.dblquad(lambda y, x: math.exp(-a * x * y), 0, 1, 0, 1)[0], (0.3,)),
    fixed_quad=Case(lambda a: si.fixed_quad(lambda x: np.exp(-a * x), 0.0, a)[0], (0.7,)),
    lebedev_rule=Case(lambda x: si.lebedev_rule(3)[1] * 1, (0.3,)),
    newton_cotes=Case(lambda x: si.newton_cotes(3)[0] * 1, (0.3,)),
    nquad=Case(lambda a: si.nquad(lambda x, y: math.exp(-a * x * y), [[0, 1], [0, 1]])[0], (0.3,)),
    nsum=Case(lambda a: si.nsum(lambda k: np.exp(-a * k), 1, np.inf).sum, (0.9,)),
    ode=Case(lambda a: si.ode(lambda t, y: a * y).set_initial_value(1.0).integrate(1.0), (0.3,)),
    odeint=Case(lambda a: si.odeint(lambda y, t: -a * y, 1.0, TIMES, rtol=1e-10, atol=1e-11), (0.7,)),
    qmc_quad=Case(lambda a: si.qmc_quad(lambda x: np.exp(-a * x), 0.0, 1.0).integral, (0.3,)),
    quad=Case(lambda a, b: si.quad(lambda x: math.exp(-a * x), 0.0, b)[0], (0.3, 1.2)),
    quad_vec=Case(lambda a: si.quad_vec(lambda x: np.exp(-a * x * X), 0.0, 1.0)[0], (0.3,)),
    romberg=Case(lambda a: si.romberg(lambda x: math.exp(-a * x), 0.0, 1.0), (0.3,))
    if hasattr(si, "romberg")
    else None,
    solve_bvp=Case(
        lambda a: si.solve_bvp(
            lambda x, y: np.vstack([y[1], -a * y[0]]),
            lambda u, v: np.array([u[0] - 1, v[0]]),
            TIMES / 3,
            np.ones((2, 12)),
        ).sol(0.5),
        (0.7,),
    ),
    tanhsinh=Case(lambda a: si.tanhsinh(lambda x: np.exp(-a * x), 0.0, 1.0).integral, (0.3,)),
    tplquad=Case(
        lambda a: si.tplquad(lambda z, y, x: a * a * x, 0, 1, 0, 1, 0, 1, epsabs=1e-2, epsrel=1e-2)[0], (0.3,)
    ),
)
