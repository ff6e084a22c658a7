"""The coefficients of the solvers.

A stochastic method with s stages steps, for one row and one channel of diagonal noise, by

    Y_i = y + h Σ_j A⁰_ij f_j + Σ_j (B⁰_ij I₁₀/h + C⁰_ij ΔW) g_j        f_i = drift(t + c⁰_i h, Y_i)
    Z_i = y + h Σ_j A¹_ij f_j + Σ_j (B¹_ij √h + C¹_ij ΔW) g_j           g_i = diffusion(t + c¹_i h, Z_i)
    y ← y + h Σ_i α_i f_i + Σ_i (β¹_i ΔW + β²_i I₁₁/√h + β³_i I₁₀/h + β⁴_i I₁₁₁/h) g_i

with I₁₁ = (ΔW² − h)/2, I₁₁₁ = (ΔW³ − 3h ΔW)/6, I₁₀ = ∫∫ dW ds = h (ΔW/2 + H), H the space-time Lévy area. This
holds Rößler's methods, and with C also the Runge–Kutta methods of Stratonovich equations.

To add a method: a row in ``STOCHASTIC`` or ``PAIRS``; the tests then check its order conditions and measure its order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NOISES = ("diagonal", "scalar", "additive", "general")


def _lower(stages: int, *entries: tuple[int, int, float]) -> np.ndarray:
    matrix = np.zeros((stages, stages))
    for i, j, value in entries:
        matrix[i - 1, j - 1] = value
    return matrix


@dataclass(frozen=True)
class StochasticTableau:
    """An explicit stochastic Runge–Kutta method.

    ``strong`` and ``weak`` orders are those for the noises in ``noises``; ``orders`` gives exceptions by noise.
    ``embedded`` says that the step carries its own error estimate, h Σ f_i and the part of y with β³ and β⁴.
    """

    name: str
    interpretation: str
    noises: tuple[str, ...]
    strong: float
    weak: float
    source: str
    alpha: np.ndarray
    beta: np.ndarray
    a0: np.ndarray
    a1: np.ndarray
    b0: np.ndarray
    b1: np.ndarray
    c0: np.ndarray
    c1: np.ndarray
    w0: np.ndarray
    w1: np.ndarray
    embedded: bool = False

    @property
    def stages(self) -> int:
        """The number of stages."""
        return len(self.alpha)

    @property
    def area(self) -> bool:
        """Whether the method needs the space-time Lévy area."""
        return bool(self.b0.any() or self.beta[2].any())

    @property
    def same_states(self) -> bool:
        """Whether drift and diffusion of a stage are taken at the same time and state."""
        pairs = ((self.a0, self.a1), (self.w0, self.w1), (self.c0, self.c1))
        return all(np.array_equal(a, b) for a, b in pairs) and not self.b0.any() and not self.b1.any()

    @property
    def used_drifts(self) -> tuple[bool, ...]:
        """For each stage, whether its drift is used."""
        used = (self.alpha != 0) | (self.a0 != 0).any(0) | (self.a1 != 0).any(0)
        return tuple(bool(u) for u in used)

    @property
    def used_diffusions(self) -> tuple[bool, ...]:
        """For each stage, whether its diffusion is used."""
        matrices = (self.b0, self.b1, self.w0, self.w1, self.beta)
        return tuple(bool(u) for u in sum((m != 0).any(0).astype(int) for m in matrices))


def _method(
    name: str, interpretation: str, noises: tuple[str, ...], orders: tuple[float, float], source: str, **parts
) -> StochasticTableau:
    alpha = np.asarray(parts.pop("alpha"), float)
    stages = len(alpha)
    zero = np.zeros((stages, stages))
    matrices = {key: np.asarray(parts.pop(key, zero), float) for key in ("a0", "a1", "b0", "b1", "w0", "w1")}
    beta = np.zeros((4, stages))
    for row, key in enumerate(("beta1", "beta2", "beta3", "beta4")):
        beta[row] = parts.pop(key, 0.0)
    c0 = np.asarray(parts.pop("c0", matrices["a0"].sum(1)), float)
    c1 = np.asarray(parts.pop("c1", matrices["a1"].sum(1)), float)
    return StochasticTableau(
        name, interpretation, noises, *orders, source, alpha, beta, c0=c0, c1=c1, **matrices, **parts
    )


_ROESSLER = (
    "A. Rößler, Runge–Kutta methods for the strong approximation of solutions of stochastic differential equations, "
    "2010, doi:10.1137/09076636X"
)
_OPTIMISED = (
    "C. Rackauckas, Q. Nie, Stability-optimized high order methods and stiffness detection for pathwise stiff "
    "stochastic differential equations, 2018, arXiv:1804.04344"
)
_KLOEDEN = "P. Kloeden, E. Platen, Numerical Solution of Stochastic Differential Equations, 1992"

_FULL = _lower(2, (2, 1, 1.0))
_HALF = _lower(2, (2, 1, 0.5))

_TABLE = (
    _method("euler", "ito", NOISES, (0.5, 1.0), _KLOEDEN + ", 10.2", alpha=[1.0], beta1=[1.0]),
    _method(
        "milstein",
        "ito",
        ("diagonal", "scalar", "additive"),
        (1.0, 1.0),
        _KLOEDEN + ", 11.1.3: without derivatives",
        alpha=[1.0, 0.0],
        beta1=[1.0, 0.0],
        beta2=[-1.0, 1.0],
        a1=_FULL,
        b1=_FULL,
    ),
    _method(
        "heun",
        "stratonovich",
        NOISES,
        (1.0, 1.0),
        _KLOEDEN + ", 11.1; general noise that does not commute: strong order 0.5",
        alpha=[0.5, 0.5],
        beta1=[0.5, 0.5],
        a0=_FULL,
        a1=_FULL,
        w0=_FULL,
        w1=_FULL,
    ),
    _method(
        "midpoint",
        "stratonovich",
        NOISES,
        (1.0, 1.0),
        _KLOEDEN + ", 11.1; general noise that does not commute: strong order 0.5",
        alpha=[0.0, 1.0],
        beta1=[0.0, 1.0],
        a0=_HALF,
        a1=_HALF,
        w0=_HALF,
        w1=_HALF,
    ),
    _method(
        "sriw1",
        "ito",
        ("diagonal", "scalar", "additive"),
        (1.5, 2.0),
        _ROESSLER + ", table 2",
        alpha=[1 / 3, 2 / 3, 0, 0],
        beta1=[-1, 4 / 3, 2 / 3, 0],
        beta2=[-1, 4 / 3, -1 / 3, 0],
        beta3=[2, -4 / 3, -2 / 3, 0],
        beta4=[-2, 5 / 3, -2 / 3, 1],
        a0=_lower(4, (2, 1, 3 / 4)),
        b0=_lower(4, (2, 1, 3 / 2)),
        a1=_lower(4, (2, 1, 1 / 4), (3, 1, 1), (4, 3, 1 / 4)),
        b1=_lower(4, (2, 1, 1 / 2), (3, 1, -1), (4, 1, -5), (4, 2, 3), (4, 3, 1 / 2)),
        embedded=True,
    ),
    _method(
        "sosri",
        "ito",
        ("diagonal", "scalar", "additive"),
        (1.5, 1.5),
        _OPTIMISED + "; α B⁰ B¹ e = −0.074, so weak order 1.5, with a small constant",
        alpha=[1.140099274172029, -0.6401334255743456, 0.4736296532772559, 0.026404498125060714],
        beta1=[-1.8453464565104432, 2.688764531100726, -0.2523866501071323, 0.40896857551684956],
        beta2=[0.4969658141589478, -0.5771202869753592, -0.12919702470322217, 0.2093514975196336],
        beta3=[2.8453464565104425, -2.688764531100725, 0.2523866501071322, -0.40896857551684945],
        beta4=[0.11522663875443433, -0.57877086147738, 0.2857851028163886, 0.17775911990655704],
        a0=_lower(
            4,
            (2, 1, -0.04199224421316468),
            (3, 1, 2.842612915017106),
            (3, 2, -2.0527723684000727),
            (4, 1, 4.338237071435815),
            (4, 2, -2.8895936137439793),
            (4, 3, 2.3017575594644466),
        ),
        a1=_lower(
            4,
            (2, 1, 0.26204282091330466),
            (3, 1, 0.20903646383505375),
            (3, 2, -0.1502377115150361),
            (4, 1, 0.05836595312746999),
            (4, 2, 0.6149440396332373),
            (4, 3, 0.08535117634046772),
        ),
        b0=_lower(
            4,
            (2, 1, -0.21641093549612528),
            (3, 1, 1.5336352863679572),
            (3, 2, 0.26066223492647056),
            (4, 1, -1.0536037558179159),
            (4, 2, 1.7015284721089472),
            (4, 3, -0.20725685784180017),
        ),
        b1=_lower(
            4,
            (2, 1, -0.5119011827621657),
            (3, 1, 2.67767339866713),
            (3, 2, -4.9395031322250995),
            (4, 1, 0.15580956238299215),
            (4, 2, 3.2361551006624674),
            (4, 3, -1.4223118283355949),
        ),
        embedded=True,
    ),
    _method(
        "sra1",
        "any",
        ("additive",),
        (1.5, 2.0),
        _ROESSLER + ", table 5",
        alpha=[1 / 3, 2 / 3],
        beta1=[1, 0],
        beta3=[-1, 1],
        a0=_lower(2, (2, 1, 3 / 4)),
        b0=_lower(2, (2, 1, 3 / 2)),
        c1=[1, 0],
        embedded=True,
    ),
    _method(
        "sosra",
        "any",
        ("additive",),
        (1.5, 2.0),
        _OPTIMISED,
        alpha=[0.2889874966892885, 0.6859880440839937, 0.025024459226717772],
        beta1=[-16.792534242221663, 17.514995785380226, 0.27753845684143835],
        beta3=[0.4237535769069274, 0.6010381474428539, -1.0247917243497813],
        a0=_lower(3, (2, 1, 0.6923962376159507), (3, 1, -3.1609142252828395), (3, 2, 4.1609142252828395)),
        b0=_lower(3, (2, 1, 1.3371632704399763), (3, 1, 1.442371048468624), (3, 2, 1.8632741501139225)),
        c1=[0, 0.041248171110700504, 1],
        embedded=True,
    ),
)

STOCHASTIC = {tableau.name: tableau for tableau in _TABLE}


# ------------------------------------------------------------------------------------ ordinary equations


@dataclass(frozen=True)
class Pair:
    """An embedded Runge–Kutta pair: explicit, or with ``gamma`` on the diagonal of all stages but the first.

    Stage i is f(t + c_i h, y + h Σ_j a_ij k_j); the step is y + h Σ b_i k_i, its error h Σ e_i k_i. The last stage is
    taken at the new state, so it is the first of the next step. Inside the step, y(t + θh) = y + h Σ_i p_i(θ) k_i with
    p_i(θ) = Σ_m dense_im θ^(m+1); without ``dense``, the cubic through both ends and their slopes.
    """

    name: str
    order: int
    error_order: int
    source: str
    a: np.ndarray
    c: np.ndarray
    error: np.ndarray
    dense: np.ndarray | None = None
    gamma: float = 0.0

    @property
    def stages(self) -> int:
        """The number of stages."""
        return len(self.c)


_DOPRI5 = Pair(
    "dopri5",
    5,
    4,
    "J. Dormand, P. Prince, A family of embedded Runge–Kutta formulae, 1980; dense output L. Shampine, 1986",
    _lower(
        7,
        *((2, 1, 1 / 5), (3, 1, 3 / 40), (3, 2, 9 / 40), (4, 1, 44 / 45), (4, 2, -56 / 15), (4, 3, 32 / 9)),
        *((5, 1, 19372 / 6561), (5, 2, -25360 / 2187), (5, 3, 64448 / 6561), (5, 4, -212 / 729)),
        *(
            (6, 1, 9017 / 3168),
            (6, 2, -355 / 33),
            (6, 3, 46732 / 5247),
            (6, 4, 49 / 176),
            (6, 5, -5103 / 18656),
        ),
        *((7, 1, 35 / 384), (7, 3, 500 / 1113), (7, 4, 125 / 192), (7, 5, -2187 / 6784), (7, 6, 11 / 84)),
    ),
    np.array([0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1, 1]),
    np.array([71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40]),
    np.array(
        [
            [1, -8048581381 / 2820520608, 8663915743 / 2820520608, -12715105075 / 11282082432],
            [0, 0, 0, 0],
            [0, 131558114200 / 32700410799, -68118460800 / 10900136933, 87487479700 / 32700410799],
            [0, -1754552775 / 470086768, 14199869525 / 1410260304, -10690763975 / 1880347072],
            [0, 127303824393 / 49829197408, -318862633887 / 49829197408, 701980252875 / 199316789632],
            [0, -282668133 / 205662961, 2019193451 / 616988883, -1453857185 / 822651844],
            [0, 40617522 / 29380423, -110615467 / 29380423, 69997945 / 29380423],
        ]
    ),
)

_TSIT5 = Pair(
    "tsit5",
    5,
    4,
    "Ch. Tsitouras, Runge–Kutta pairs of order 5(4) satisfying only the first column simplifying assumption, 2011, "
    "doi:10.1016/j.camwa.2011.06.002",
    _lower(
        7,
        *((2, 1, 0.161), (3, 1, -0.008480655492356989), (3, 2, 0.335480655492357)),
        *((4, 1, 2.8971530571054935), (4, 2, -6.359448489975075), (4, 3, 4.3622954328695815)),
        *((5, 1, 5.325864828439257), (5, 2, -11.748883564062828), (5, 3, 7.4955393428898365)),
        *((5, 4, -0.09249506636175525), (6, 1, 5.86145544294642), (6, 2, -12.92096931784711)),
        *((6, 3, 8.159367898576159), (6, 4, -0.071584973281401), (6, 5, -0.028269050394068383)),
        *((7, 1, 0.09646076681806523), (7, 2, 0.01), (7, 3, 0.4798896504144996), (7, 4, 1.379008574103742)),
        *((7, 5, -3.290069515436081), (7, 6, 2.324710524099774)),
    ),
    np.array([0, 0.161, 0.327, 0.9, 0.9800255409045097, 1, 1]),
    np.array(
        [
            -0.00178001105222577714,
            -0.0008164344596567469,
            0.007880878010261995,
            -0.1447110071732629,
            0.5823571654525552,
            -0.45808210592918697,
            0.015151515151515152,
        ]
    ),
    np.array(
        [
            [1, -2.763706197274826, 2.9132554618219126, -1.0530884977290216],
            [0, 0.13169999999999998, -0.2234, 0.1017],
            [0, 3.9302962368947516, -5.941033872131505, 2.490627285651253],
            [0, -12.411077166933676, 30.33818863028232, -16.548102889244902],
            [0, 37.50931341651104, -88.1789048947664, 47.37952196281928],
            [0, -27.896526289197286, 65.09189467479366, -34.87065786149661],
            [0, 1.5, -4.0, 2.5],
        ]
    ),
)

_KENCARP4 = Pair(
    "kencarp4",
    4,
    3,
    "C. Kennedy, M. Carpenter, Additive Runge–Kutta schemes for convection–diffusion–reaction equations, 2003, "
    "doi:10.1016/S0168-9274(02)00138-1, ARK4(3)6L[2]SA, the implicit part",
    _lower(
        6,
        *((2, 1, 1 / 4), (3, 1, 8611 / 62500), (3, 2, -1743 / 31250)),
        *((4, 1, 5012029 / 34652500), (4, 2, -654441 / 2922500), (4, 3, 174375 / 388108)),
        *((5, 1, 15267082809 / 155376265600), (5, 2, -71443401 / 120774400), (5, 3, 730878875 / 902184768)),
        *((5, 4, 2285395 / 8070912), (6, 1, 82889 / 524892), (6, 3, 15625 / 83664), (6, 4, 69875 / 102672)),
        (6, 5, -2260 / 8211),
    ),
    np.array([0, 1 / 2, 83 / 250, 31 / 50, 17 / 20, 1]),
    np.array(
        [
            82889 / 524892 - 4586570599 / 29645900160,
            0,
            15625 / 83664 - 178811875 / 945068544,
            69875 / 102672 - 814220225 / 1159782912,
            -2260 / 8211 + 3700637 / 11593932,
            1 / 4 - 61727 / 225920,
        ]
    ),
    gamma=1 / 4,
)

PAIRS = {pair.name: pair for pair in (_DOPRI5, _TSIT5, _KENCARP4)}
