"""What the functions of ``scipy.signal``, ``scipy.sparse`` and ``scipy.stats`` are called with."""

from __future__ import annotations

import numpy as np
import scipy.signal as sg
import scipy.sparse as ss
import scipy.sparse.linalg as ssl
import scipy.stats as st
from scipy.stats._distr_params import distcont, distdiscrete

from tests.coverage.measure import Case, call
from tests.coverage.numpy_cases import A, S, X, Y
from tests.coverage.scipy_cases import CASES, DATA, GRID, LONG, TIMES, P, add
from tests.coverage.scipy_image_cases import GRID as IMAGE

# ------------------------------------------------------------------------------------ signals

_SOS = sg.butter(4, 0.3, output="sos")
_LONGER = np.sin(np.arange(100.0)) + 0.2
_NUM, _DEN = np.array([0.4, 0.2]), np.array([1.0, 0.3, 0.1])


def _system(name, **options):
    return Case(lambda b, a: getattr(sg, name)((b, a), **options)[1], (_NUM, _DEN))


def _sections(name):
    return Case(
        lambda b: getattr(sg, name)(np.concatenate([b, _SOS[:, 3:]], axis=1), [0.3, 1.1])[1], (_SOS[:, :3],)
    )


def _discrete(name, **options):
    return Case(lambda b, a: getattr(sg, name)((b, a, 0.1), **options)[1], (_NUM, _DEN))


add("signal", **{name: _system(name, N=5) for name in ("impulse", "step")})
add("signal", **{name: _system(name, w=[0.3, 1.1]) for name in ("bode", "freqresp")})
add("signal", **{name: _discrete(name, n=5) for name in ("dimpulse", "dstep")})
add("signal", **{name: _discrete(name, w=[0.3, 1.1]) for name in ("dbode", "dfreqresp")})
add(
    "signal",
    medfilt=call(sg.medfilt, IMAGE, 3),
    medfilt2d=call(sg.medfilt2d, IMAGE, 3),
    wiener=call(sg.wiener, IMAGE, 3, 0.2),
    CZT=Case(lambda x: sg.CZT(24, 5)(x), (LONG,)),
    ShortTimeFFT=Case(lambda x: sg.ShortTimeFFT(sg.get_window("hann", 8), 4, 1.0).stft(x), (LONG,)),
    StateSpace=Case(lambda a: sg.StateSpace(a, A[:, :1], A[:1], [[0.0]]).A * 1, (S,)),
    TransferFunction=Case(lambda b, a: sg.TransferFunction(b, a).to_zpk().poles, (_NUM, _DEN)),
    ZerosPolesGain=Case(lambda z, p: sg.ZerosPolesGain(z, p, 1.0).to_tf().den, (_NUM, _DEN)),
    ZoomFFT=Case(lambda x: sg.ZoomFFT(24, [0.1, 0.4], 5)(x), (LONG,)),
    argrelextrema=call(sg.argrelextrema, LONG, np.greater),
    band_stop_obj=Case(
        lambda w: sg.band_stop_obj(w, 0, np.array([0.1, 0.8]), np.array([0.2, 0.6]), 1.0, 20.0, "cheby"),
        (0.13,),
    ),
    check_COLA=Case(lambda w: sg.check_COLA(w, 5, 2), (X,)),
    check_NOLA=Case(lambda w: sg.check_NOLA(w, 5, 2), (X,)),
    choose_conv_method=Case(lambda x: len(sg.choose_conv_method(x, x)), (X,)),
    cont2discrete=Case(lambda a: sg.cont2discrete((a, A[:, :1], A[:1], np.zeros((1, 1))), 0.1)[0], (S,)),
    convolve=call(sg.convolve, X, Y),
    correlate=call(sg.correlate, X, Y),
    cspline1d=call(sg.cspline1d, LONG),
    cspline2d=call(sg.cspline2d, np.outer(LONG, LONG)),
    decimate=call(sg.decimate, _LONGER, 2),
    dlsim=Case(lambda b, a, u: sg.dlsim((b, a, 0.1), u)[1], (_NUM, _DEN, X)),
    dlti=Case(lambda b, a: sg.dlti(b, a, dt=0.1).poles, (_NUM, _DEN)),
    fftconvolve=call(sg.fftconvolve, X, Y),
    filtfilt=Case(lambda b, x: sg.filtfilt(b, [1.0, 0.2], x), (_NUM, LONG)),
    find_peaks_cwt=Case(lambda x: sg.find_peaks_cwt(x, [2, 3]), (LONG,)),
    findfreqs=Case(lambda a: sg.findfreqs([1.0], a, 5), (_DEN,)),
    firls=Case(lambda d: sg.firls(5, [0.0, 0.4, 0.5, 1.0], d), (X[:4],)),
    firwin=Case(lambda w: sg.firwin(5, w), (0.3,)),
    firwin2=Case(lambda g: sg.firwin2(7, [0.0, 0.5, 1.0], g), (np.array([1.0, 0.5, 0.2]),)),
    firwin_2d=Case(lambda w: sg.firwin_2d((5, 5), "hamming", fc=w, circular=True), (0.3,)),
    freqz_sos=_sections("freqz_sos"),
    freqz_zpk=Case(lambda z, p: sg.freqz_zpk(z, p, 0.7, [0.3, 1.1])[1], (_NUM, _DEN[1:])),
    gammatone=Case(lambda w: sg.gammatone(w, "iir", fs=2.0), (0.3,)),
    get_window=Case(lambda b: sg.get_window(("kaiser", b), 6), (2.3,)),
    iircomb=Case(lambda q: sg.iircomb(0.25, q), (5.3,)),
    iirdesign=Case(lambda w: sg.iirdesign(w, 0.6, 1.0, 20.0), (0.3,)),
    iirfilter=Case(lambda w: sg.iirfilter(2, w, btype="low"), (0.3,)),
    kaiserord=Case(lambda w: sg.kaiserord(45.0, w), (0.1,)),
    lfilter=Case(lambda b, a, x: sg.lfilter(b, a, x), (_NUM, _DEN, LONG)),
    lfilter_zi=Case(lambda b, a: sg.lfilter_zi(b, a), (_NUM, _DEN + 0.1)),
    lfiltic=Case(lambda b, a, y: sg.lfiltic(b, a, y), (_NUM, _DEN + 0.1, X[:2])),
    lombscargle=Case(lambda x: sg.lombscargle(TIMES, x, [0.3, 1.1]), (DATA,)),
    lp2bp_zpk=Case(lambda p: sg.lp2bp_zpk([], p, 1.0, 0.3, 2.0)[1], (np.array([-0.5 + 0.7j, -0.5 - 0.7j]),)),
    lsim=Case(lambda b, a, u: sg.lsim((b, a), u, TIMES[:5])[1], (_NUM, _DEN, X)),
    lti=Case(lambda b, a: sg.lti(b, a).poles, (_NUM, _DEN)),
    oaconvolve=call(sg.oaconvolve, X, Y),
    order_filter=Case(lambda x: sg.order_filter(x, np.ones(3), 1), (X,)),
    peak_prominences=Case(lambda x: sg.peak_prominences(x, [1, 8])[0], (LONG,)),
    peak_widths=Case(lambda x: sg.peak_widths(x, [1, 8])[0], (LONG,)),
    place_poles=Case(lambda a: sg.place_poles(a, A[:, :2], [-1.0, -2.0, -3.0]).gain_matrix, (S,)),
    qspline1d=call(sg.qspline1d, LONG),
    qspline2d=call(sg.qspline2d, np.outer(LONG, LONG)),
    remez=Case(lambda w: sg.remez(9, [0.0, w, 0.3, 0.5], [1.0, 0.0]), (0.1,)),
    resample_poly=call(sg.resample_poly, LONG, 3, 2),
    savgol_coeffs=Case(lambda d: sg.savgol_coeffs(5, 2, deriv=1, delta=d), (0.3,)),
    savgol_filter=call(sg.savgol_filter, LONG, 5, 2),
    sepfir2d=Case(lambda x: sg.sepfir2d(x, [0.2, 0.5, 0.2], [0.2, 0.5, 0.2]), (GRID,)),
    sosfilt=Case(lambda x: sg.sosfilt(_SOS, x), (LONG,)),
    sosfilt_zi=Case(lambda b: sg.sosfilt_zi(np.concatenate([b, _SOS[:, 3:]], axis=1)), (_SOS[:, :3],)),
    sosfiltfilt=Case(lambda x: sg.sosfiltfilt(_SOS, x), (LONG,)),
    sosfreqz=_sections("sosfreqz"),
    spline_filter=Case(lambda x: sg.spline_filter(x), (np.outer(_LONGER, _LONGER),)),
    square=call(sg.square, X, 0.4),
    symiirorder1=Case(lambda x: sg.symiirorder1(x, 0.3, 0.5), (_LONGER,)),
    symiirorder2=Case(lambda x: sg.symiirorder2(x, 0.3, 0.5), (_LONGER,)),
    unique_roots=Case(lambda x: sg.unique_roots(x)[0], (X,)),
    unit_impulse=Case(lambda x: sg.unit_impulse(len(x)), (X,)),
    upfirdn=call(sg.upfirdn, X, LONG, 2),
    zpk2sos=Case(lambda p: sg.zpk2sos([-1.0, -1.0], p, 0.3), (_DEN[1:],)),
)

# ------------------------------------------------------------------------------------ sparse matrices

_PLACES = ([0, 1, 2, 3, 4], [1, 2, 3, 4, 0])


def _cyclic(x):
    return ss.csr_array((x, _PLACES), shape=(5, 5))


_DIAGONALS = (
    np.array([0, 1, 2, 3, 4, 0, 1, 2, 3, 1, 2, 3, 4]),
    np.array([0, 1, 2, 3, 4, 1, 2, 3, 4, 0, 1, 2, 3]),
)


def _large(x):
    return ss.csc_array((np.concatenate([x, x[1:] * 0.2, x[1:] * 0.2]), _DIAGONALS), shape=(5, 5))


def _dense_of(function):
    return Case(lambda x: function(_cyclic(x)).toarray() * 1.0, (X,))


def _format(name):
    return Case(lambda x: getattr(ss, name)(np.outer(x, x)) @ x, (X,))


_FORMATS = [
    f"{short}_{kind}" for short in "bsr coo csc csr dia dok lil".split() for kind in ("array", "matrix")
]
add("sparse", **{name: _format(name) for name in _FORMATS})
add(
    "sparse",
    block_array=_dense_of(lambda a: ss.block_array([[a, None], [None, a]])),
    block_diag=_dense_of(lambda a: ss.block_diag([a, a])),
    bmat=_dense_of(lambda a: ss.bmat([[a, None], [None, a]])),
    diags=Case(lambda x: ss.diags(x) @ Y, (X,)),
    diags_array=Case(lambda x: ss.diags_array(x) @ Y, (X,)),
    expand_dims=_dense_of(lambda a: ss.expand_dims(ss.coo_array(a), axis=0)),
    eye=Case(lambda x: ss.eye(5) @ np.ones(5), (X,)),
    eye_array=Case(lambda x: ss.eye_array(5) @ np.ones(5), (X,)),
    identity=Case(lambda x: ss.identity(5) @ np.ones(5), (X,)),
    find=Case(lambda x: ss.find(_cyclic(x))[2] * 1.0, (X,)),
    hstack=_dense_of(lambda a: ss.hstack([a, a])),
    kron=_dense_of(lambda a: ss.kron(a, a)),
    kronsum=_dense_of(lambda a: ss.kronsum(a, a)),
    permute_dims=_dense_of(lambda a: ss.permute_dims(ss.coo_array(a), (1, 0))),
    spdiags=Case(lambda x: ss.spdiags(x, 0, 5, 5) @ Y, (X,)),
    swapaxes=_dense_of(lambda a: ss.swapaxes(ss.coo_array(a), 0, 1)),
    tril=_dense_of(ss.tril),
    triu=_dense_of(ss.triu),
    vstack=_dense_of(lambda a: ss.vstack([a, a])),
)


def _solver(name):
    return Case(lambda x, b: getattr(ssl, name)(_large(x), b, rtol=1e-12)[0], (Y, X))


add(
    "sparse.linalg",
    **{name: _solver(name) for name in "bicg bicgstab cg cgs gmres lgmres minres qmr gcrotmk".split()},
)
add(
    "sparse.linalg",
    LaplacianNd=Case(lambda x: ssl.LaplacianNd((5,)) @ x, (X,)),
    LinearOperator=Case(lambda x: ssl.aslinearoperator(_large(x)).matvec(Y), (Y,)),
    aslinearoperator=Case(lambda x: ssl.aslinearoperator(_large(x)) @ Y, (Y,)),
    eigs=Case(lambda x: np.abs(ssl.eigs(_large(x), 1)[0]), (Y,)),
    eigsh=Case(lambda x: ssl.eigsh(_large(x), 1)[0], (Y,)),
    expm=Case(lambda x: ssl.expm(_large(x)).toarray(), (X,)),
    expm_multiply=Case(lambda x: ssl.expm_multiply(_large(x), Y), (X,)),
    factorized=Case(lambda x: ssl.factorized(_large(x))(X), (Y,)),
    funm_multiply_krylov=Case(lambda x: ssl.funm_multiply_krylov(np.exp, _large(x), Y), (X,)),
    inv=Case(lambda x: ssl.inv(_large(x)).toarray(), (Y,)),
    is_sptriangular=Case(lambda x: ssl.is_sptriangular(_large(x)), (Y,)),
    lobpcg=Case(lambda x: ssl.lobpcg(_large(x), np.eye(5)[:, :1])[0], (Y,)),
    lsmr=Case(lambda x, b: ssl.lsmr(_large(x), b)[0], (Y, X)),
    lsqr=Case(lambda x, b: ssl.lsqr(_large(x), b)[0], (Y, X)),
    matrix_power=Case(lambda x: ssl.matrix_power(_large(x), 2).toarray(), (Y,)),
    norm=Case(lambda x: ssl.norm(_large(x)), (Y,)),
    onenormest=Case(lambda x: ssl.onenormest(_large(x)), (Y,)),
    spbandwidth=Case(lambda x: ssl.spbandwidth(_large(x)), (Y,)),
    spilu=Case(lambda x: ssl.spilu(_large(x)).solve(X), (Y,)),
    splu=Case(lambda x: ssl.splu(_large(x)).solve(X), (Y,)),
    spsolve=Case(lambda x, b: ssl.spsolve(_large(x), b), (Y, X)),
    spsolve_triangular=Case(lambda x, b: ssl.spsolve_triangular(ss.tril(_large(x)).tocsr(), b), (Y, X)),
    svds=Case(lambda x: ssl.svds(_large(x), 1)[1], (Y,)),
    tfqmr=_solver("tfqmr"),
)

# ------------------------------------------------------------------------------------ statistics

SLOW = frozenset("genhyperbolic geninvgauss kstwo levy_stable studentized_range vonmises landau".split())


def _continuous(name, shapes):
    one = getattr(st, name)
    at = float(one.ppf(0.37, *shapes))
    methods = {
        method: call(getattr(one, method), at, *map(float, shapes)) for method in ("logpdf", "pdf", "cdf")
    }
    return methods if name in SLOW else {**methods, "ppf": call(one.ppf, 0.37, *map(float, shapes))}


def _discrete_distribution(name, shapes):
    one, k = getattr(st, name), int(getattr(st, name).ppf(0.6, *shapes))
    return {
        "logpmf": Case(lambda *given: one.logpmf(k, *given), shapes),
        "cdf": Case(lambda *given: one.cdf(k, *given), shapes),
    }


for _name, _shapes in dict(distcont).items():
    if hasattr(st, _name):
        CASES[f"stats.{_name}"] = _continuous(_name, _shapes)
for _name, _shapes in dict(distdiscrete).items():
    if type(_name) is str and hasattr(st, _name):
        CASES[f"stats.{_name}"] = _discrete_distribution(_name, _shapes)


def _on_two(name, **options):
    return Case(lambda x, y: getattr(st, name)(x, y, **options), (X, Y))


_TABLE = np.array([[7, 3], [2, 9]])
add(
    "stats",
    anderson_ksamp=Case(lambda x, y: st.anderson_ksamp([x, y], variant="midrank").statistic, (X, Y)),
    barnard_exact=Case(lambda x: st.barnard_exact(_TABLE).pvalue, (X,)),
    shapiro=Case(lambda x: st.shapiro(x), (X,)),
    binned_statistic=Case(lambda v: st.binned_statistic(X, v, bins=2).statistic, (Y,)),
    binned_statistic_2d=Case(lambda v: st.binned_statistic_2d(X, Y, v, "sum", bins=2).statistic, (X,)),
    binned_statistic_dd=Case(lambda v: st.binned_statistic_dd(A, v, "sum", bins=2).statistic, (X[:3],)),
    bootstrap=Case(
        lambda x: st.bootstrap((x,), np.mean, n_resamples=9, rng=1, method="basic").standard_error, (X,)
    ),
    boschloo_exact=Case(lambda x: st.boschloo_exact(_TABLE).pvalue, (X,)),
    boxcox=Case(lambda x: st.boxcox(x, 0.3), (X,)),
    boxcox_normmax=Case(st.boxcox_normmax, (np.array([0.5, 2.0, 1.1, 3.7, 0.9]),)),
    boxcox_normplot=Case(lambda x: st.boxcox_normplot(x, -1, 1, N=3)[1], (X,)),
    chi2_contingency=Case(lambda x: st.chi2_contingency(x).statistic, (np.abs(A),)),
    circstd=Case(lambda x: st.circstd(x), (X,)),
    cramervonmises=Case(lambda x: st.cramervonmises(x, "norm").statistic, (X,)),
    dunnett=Case(lambda x, y: st.dunnett(x, control=y, rng=1).statistic, (X, Y)),
    ecdf=Case(lambda x: st.ecdf(x).cdf.probabilities, (X,)),
    fisher_exact=Case(lambda x: st.fisher_exact(_TABLE).statistic, (X,)),
    fit=Case(lambda x: st.fit(st.norm, x, {"loc": (-5, 5), "scale": (0.1, 5)}).params.loc, (X,)),
    fligner=Case(lambda x, y: st.fligner(x, y[:4]).statistic, (X, Y)),
    goodness_of_fit=Case(lambda x: st.goodness_of_fit(st.norm, x, n_mc_samples=9, rng=1).statistic, (X,)),
    iqr=Case(lambda x: st.iqr(x, rng=(10, 80)), (X,)),
    irwinhall=Case(lambda x: st.irwinhall.logpdf(x, 3), (1.3,)),
    kappa4=Case(lambda x, h, k: st.kappa4.logpdf(x, h, k), (0.7, 0.3, 0.4)),
    ks_1samp=Case(lambda x: st.ks_1samp(x, st.norm.cdf).statistic, (X,)),
    ks_2samp=Case(lambda x, y: st.ks_2samp(x, y).statistic, (X, Y)),
    kstest=Case(lambda x: st.kstest(x, "norm").statistic, (X,)),
    median_test=Case(lambda x, y: st.median_test(x, y).statistic, (X, Y)),
    monte_carlo_test=Case(
        lambda x: st.monte_carlo_test(x, np.random.default_rng(1).normal, np.mean, n_resamples=9).statistic,
        (X,),
    ),
    multinomial=Case(lambda p: st.multinomial.logpmf([1, 2, 3], 6, p / p.sum()), (X[:3],)),
    multiscale_graphcorr=_on_two("multiscale_graphcorr", reps=1),
    multivariate_hypergeom=Case(lambda x: st.multivariate_hypergeom.logpmf([1, 2], [3, 4], 3), (X,)),
    multivariate_normal=Case(lambda x, m: st.multivariate_normal.logpdf(x, m, S), (A[0], X[:3])),
    multivariate_t=Case(lambda x, m: st.multivariate_t.logpdf(x, m, S, 3.0), (A[0], X[:3])),
    matrix_normal=Case(lambda x: st.matrix_normal.logpdf(x, rowcov=S, colcov=P), (A,)),
    matrix_t=Case(lambda x: st.matrix_t.logpdf(x, np.zeros((3, 3)), S, np.eye(3), 4.0), (A,)),
    dirichlet=Case(lambda a: st.dirichlet.logpdf([0.2, 0.3, 0.5], a), (Y[:3],)),
    dirichlet_multinomial=Case(lambda a: st.dirichlet_multinomial.logpmf([1, 2, 3], a, 6), (Y[:3],)),
    wishart=Case(lambda x: st.wishart.logpdf(x @ x.T, 4.5, S), (A,)),
    invwishart=Case(lambda x: st.invwishart.logpdf(x @ x.T, 4.5, S), (A,)),
    normal_inverse_gamma=Case(lambda x: st.normal_inverse_gamma.logpdf(x, 0.7, 0.1, 1.2, 1.3, 0.8), (0.3,)),
    gaussian_kde=Case(lambda x: st.gaussian_kde(x)(0.4), (X,)),
    mvsdist=Case(lambda x: st.mvsdist(x)[0].mean(), (X,)),
    normaltest=Case(lambda x: st.normaltest(x).statistic, (LONG,)),
    skewtest=Case(lambda x: st.skewtest(x).statistic, (LONG,)),
    kurtosistest=Case(lambda x: st.kurtosistest(x).statistic, (LONG,)),
    obrientransform=Case(lambda x, y: st.obrientransform(x, y), (X, Y)),
    permutation_test=Case(
        lambda x, y: (
            st.permutation_test(
                (x, y), lambda a, b: np.mean(a) - np.mean(b), n_resamples=9, rng=1, vectorized=False
            ).statistic
        ),
        (X, Y),
    ),
    poisson_means_test=Case(lambda n: st.poisson_means_test(3, n, 5, 4.0).statistic, (2.5,)),
    brunnermunzel=Case(lambda x, y: st.brunnermunzel(x, y - 0.8).statistic, (X, Y)),
    power=Case(
        lambda x: (
            st.power(
                lambda v: st.ttest_1samp(v, 0.1), np.random.default_rng(1).normal, 5, n_resamples=9
            ).power
        ),
        (X,),
    ),
    theilslopes=Case(lambda y: st.theilslopes(y), (X,)),
    weightedtau=Case(lambda x, y: st.weightedtau(x, y).statistic, (X, Y)),
    ppcc_max=Case(lambda x: st.ppcc_max(x), (LONG,)),
    yeojohnson_normmax=Case(lambda x: st.yeojohnson_normmax(x), (LONG,)),
    ppcc_plot=Case(lambda x: st.ppcc_plot(x, 0.1, 0.5, N=3)[1], (X,)),
    probplot=Case(lambda x: st.probplot(x, fit=False)[1], (X,)),
    quantile=Case(lambda x: st.quantile(x, 0.3), (X,)),
    sobol_indices=Case(
        lambda a: (
            st.sobol_indices(
                func=lambda x: a * x[0] + x[1] ** 2, n=4, dists=[st.uniform(), st.uniform()], rng=1
            ).first_order
        ),
        (0.7,),
    ),
    spearmanr=Case(lambda x, y: st.spearmanr(x, y).statistic, (X, Y)),
    trimboth=Case(lambda x: np.sort(st.trimboth(x, 0.2)), (X,)),
    ttest_ind_from_stats=Case(lambda m: st.ttest_ind_from_stats(m, 1.0, 5, 0.3, 1.2, 6).statistic, (0.7,)),
    vonmises_fisher=Case(lambda k: st.vonmises_fisher([1.0, 0.0], k).logpdf([0.6, 0.8]), (1.3,)),
    yeojohnson=Case(lambda x: st.yeojohnson(x, 0.3), (X,)),
    yeojohnson_normplot=Case(lambda x: st.yeojohnson_normplot(x, -1, 1, N=3)[1], (X,)),
)
