"""``scipy.spatial.transform``: rotations. SciPy has the compiled functions beneath them a second time, in Python.

That one gives the derivatives. The sign of a quaternion and the branch of an angle are SciPy's and do not vary.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.spatial.transform._rigid_transform_cy as rigid
import scipy.spatial.transform._rigid_transform_xp as rigid_in_python
import scipy.spatial.transform._rotation_cy as compiled
import scipy.spatial.transform._rotation_xp as in_python

from workbench.autodiff.calls import resolve, seen
from workbench.autodiff.registry import DOORS, add_constant
from workbench.autodiff.telling import contains_traced, plain
from workbench.rules.stand_ins import must_agree, settled, with_value


def _copied(x: Any) -> Any:
    return np.copy(x) if isinstance(x := plain(x), np.ndarray) else x


def _as_array(value: Any) -> Any:
    """Some of the compiled functions return views of memory that NumPy only takes for arrays."""
    return value if value is None or np.isscalar(value) else np.array(value)


def _by_twin(function: Callable, twin: Callable) -> None:
    def call(*args: Any, **options: Any) -> Any:
        if not contains_traced([list(args), options]):
            return function(*args, **options)
        args, options = [settled(a) for a in args], {k: settled(v) for k, v in options.items()}
        # copies, since copy=False writes into what it gets
        value = function(*map(_copied, args), **{k: _copied(v) for k, v in options.items()})
        value = tuple(map(_as_array, value)) if isinstance(value, tuple) else _as_array(value)
        traced = seen(resolve(twin)(*args, **options))
        must_agree(function, traced, value)
        return with_value(traced, value)

    DOORS[function] = call


def _from_rotvec(rotvec: Any, degrees: bool = False) -> Any:
    """(r sin(θ/2)/θ, cos(θ/2)) as functions of θ² = |r|², which are smooth at 0."""
    rotvec = rotvec * (math.pi / 180.0) if degrees else rotvec
    square = np.sum(rotvec**2, axis=-1, keepdims=True)
    near = plain(square) < 1e-3
    half = 0.5 * np.sqrt(np.where(near, 1.0, square))
    t = np.where(near, square, 0.0)
    sine = 0.5 - t / 48 * (1 - t / 80 * (1 - t / 168 * (1 - t / 288)))
    cosine = 1.0 - t / 8 * (1 - t / 48 * (1 - t / 120 * (1 - t / 224)))
    scale = np.where(near, sine, 0.5 * np.sin(half) / half)
    parts = [rotvec * scale, np.where(near, cosine, np.cos(half))]
    return resolve(np.concatenate)(parts, axis=-1)


def _as_rotvec(quat: Any, degrees: bool = False) -> Any:
    """2 v atan(x)/x / w with x = |v|/w, a series in x² near 0; of q and −q the one with w ≥ 0."""
    quat = quat * np.where(plain(quat)[..., 3:] < 0, -1.0, 1.0)
    v, w = quat[..., :3], quat[..., 3:]
    square = np.sum(v**2, axis=-1, keepdims=True)
    near = plain(square) < 1e-4 * plain(w) ** 2
    size = np.sqrt(np.where(near, 1.0, square))
    x = np.where(near, square, 0.0) / np.where(near, w, 1.0) ** 2
    series = 1.0 - x * (1 / 3 - x * (1 / 5 - x * (1 / 7 - x * (1 / 9 - x / 11))))
    scale = np.where(near, 2.0 * series / np.where(near, w, 1.0), 2.0 * np.arctan2(size, w) / size)
    return v * scale * (180.0 / math.pi if degrees else 1.0)


def _pow(quat: Any, n: Any) -> Any:
    """n times the rotation vector; 0, 1 and −1 that do not vary as SciPy does them."""
    if not contains_traced(n) and n in (-1, 0, 1):
        return seen(resolve(in_python.pow)(quat, n))
    return _from_rotvec(n * _as_rotvec(quat))


for _name in (
    "from_quat from_matrix from_euler from_davenport from_mrp as_quat as_matrix as_euler "
    "as_davenport as_mrp apply compose_quat inv magnitude mean align_vectors setitem"
).split():
    _by_twin(getattr(compiled, _name), getattr(in_python, _name))
for _name in (
    "from_matrix from_rotation from_translation from_dual_quat as_dual_quat compose_transforms inv apply mean setitem"
).split():
    _by_twin(getattr(rigid, _name), getattr(rigid_in_python, _name))
_by_twin(compiled.from_rotvec, _from_rotvec)
_by_twin(compiled.as_rotvec, _as_rotvec)
_by_twin(compiled.pow, _pow)
add_constant(compiled.approx_equal)
