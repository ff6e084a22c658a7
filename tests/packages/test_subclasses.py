"""Packages whose values are arrays of subclasses: quaternions of ahrs, quantities of astropy and unyt; unmodified.

Beside them quaternions that wrap arrays (pyquaternion). What is not installed is skipped:
pip install -c constraints.txt -e '.[packages]'.
"""

from __future__ import annotations

import numpy as np
import pytest

from workbench.checks import check_gradient

X = np.array([0.7, 1.3, 2.1])
V = np.array([1.0, 2.0, 3.0])
PROGRAMS: list = []


def program(package, *args):
    """Register a program that is called with its package and with ``args``, by which it is differentiated."""

    def register(function):
        PROGRAMS.append((package, function, args))
        return function

    return register


# ------------------------------------------------------------------------------------------ ahrs


@program("ahrs", X)
def products_of_quaternions(ahrs, x):
    q, p = ahrs.Quaternion([0.5, *x]), ahrs.Quaternion([1.0, 0.2, 0.3, 0.4])
    assert isinstance(q, ahrs.Quaternion)
    r = np.asarray(q * p) + q.inverse
    return q.w * q.to_angles() @ V + np.sum(q.rotate(V)) + np.sum(q.to_DCM() @ V) + np.sum(np.asarray(r) ** 2)


@program("ahrs", X)
def matrices_of_rotations(ahrs, x):
    r = ahrs.DCM(rpy=[20.0 * x[0], 10.0 * x[1], 5.0 * x[2]])
    return np.sum(r @ V) + r.to_quaternion() @ [1.0, 2.0, 3.0, 4.0] + np.trace(r.inv) + np.sum(r.log)


@program("ahrs", 0.3 * X)
def attitude_by_a_filter(ahrs, gyroscope):
    acceleration = np.tile([0.3, 0.2, 9.8], (4, 1)) + np.outer([0.0, 0.1, -0.2, 0.3], V)
    found = ahrs.filters.Madgwick(gyr=np.tile(gyroscope, (4, 1)), acc=acceleration, gain=0.05)
    return np.sum(found.Q @ [1.0, 2.0, 3.0, 4.0])


# ------------------------------------------------------------------------------------------ astropy, unyt


@program("astropy.units", X)
def lengths_of_astropy(u, x):
    q = x * u.m
    speed = q / (2.0 * u.s)
    assert type(speed) is u.Quantity
    total = np.mean(q) + np.std(q) + q.max() + np.linalg.norm(q) + np.concatenate([q, 3 * u.km * V]).sum()
    near = sum(e.to_value(u.cm) if e > 1 * u.m else (e**2).to_value(u.m**2) for e in q)
    return np.sum(speed**2).to_value(u.km**2 / u.hour**2) + total.to_value(u.cm) + near


@program("astropy.units", X)
def quantities_written_into(u, x):
    q = np.zeros(3) * u.m
    q[:] = x * u.cm
    q[0] = 5 * u.mm
    q += x[1] * u.cm
    q *= 2
    return np.where(q > 3 * u.cm, q, 1 * u.cm).sum().to_value(u.cm) + (x[2] * u.um).to_value(
        u.eV, u.spectral()
    )


@program("astropy.units", 2.5)
def period_of_an_orbit(u, radius):
    from astropy.constants import G, M_sun

    return (2 * np.pi * np.sqrt((radius * u.AU) ** 3 / (G * M_sun))).to_value(u.yr)


@program("astropy.coordinates", 1.1, 0.5)
def distance_of_two_stars(coordinates, ra, dec):
    from astropy import units as u

    a = coordinates.SkyCoord(ra=ra * u.rad, dec=dec * u.rad)
    return a.separation(coordinates.SkyCoord(ra=0.3 * u.rad, dec=0.1 * u.rad)).radian


@program("unyt", X)
def lengths_of_unyt(unyt, x):
    q = x * unyt.m
    speed = unyt.unyt_array(x, "km") / unyt.unyt_quantity(2.0, "s")
    total = np.sqrt(q * q).sum() + np.max(q) + np.linalg.norm(q) + 30.0 * unyt.cm
    far = sum(float(e.to("cm").v) for e in q if e > 1 * unyt.m)
    return (
        float((speed**2).sum().to("m**2/s**2").v) * 1e-6
        + float(total.to("m").v)
        + float(np.dot(q, q).v)
        + far
    )


# ------------------------------------------------------------------------------------------ rotations


@program("pyquaternion", X)
def rotations_of_pyquaternion(pyquaternion, x):
    kind = pyquaternion.Quaternion
    q = (kind(1.0, *x) * kind(0.5, 0.1, 0.2, 0.3)).normalised
    between = kind.slerp(kind(axis=V, angle=0.2), q, 0.3 * x[0])
    return (
        between.rotate(V) @ V
        + q.angle
        + q.inverse[1]
        + (kind(0.5, *x) ** 1.5).elements[0]
        + np.sum(q.rotation_matrix @ V)
    )


@pytest.mark.filterwarnings("ignore")  # the packages' own
@pytest.mark.parametrize(
    ("name", "function", "args"), PROGRAMS, ids=[f"{p[0]} {p[1].__name__}" for p in PROGRAMS]
)
def test_program(name, function, args):
    package = pytest.importorskip(name)
    check_gradient(lambda *given: function(package, *given), *args)
