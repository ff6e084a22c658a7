"""Eight doubles at a time in Numba: a vector type and its operations, mapped onto the machine's registers.

LLVM's own vectoriser gives up on loops whose arrays might overlap. Here the vectors are written down, so the kernels
stay fast whatever it thinks: one register on AVX-512, two on AVX2, four on Neon.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.extending import intrinsic, register_model

LANES = 8
_VECTOR = ir.VectorType(ir.DoubleType(), LANES)


class LanesType(types.Type):
    """The Numba type of eight doubles."""

    def __init__(self) -> None:
        super().__init__(name="Lanes")


lanes = LanesType()


@register_model(LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager, kind) -> None:
        super().__init__(manager, kind, _VECTOR)


def _pointer(context, builder, kind, array, index):
    made = context.make_array(kind)(context, builder, array)
    start = builder.gep(made.data, [index])
    return builder.bitcast(start, _VECTOR.as_pointer())


@intrinsic
def load(typingctx, array, index):
    """array[index : index + 8], of a contiguous array of float64."""

    def build(context, builder, signature, arguments):
        return builder.load(_pointer(context, builder, signature.args[0], *arguments), align=8)

    return lanes(array, types.intp), build


@intrinsic
def store(typingctx, array, index, vector):
    """array[index : index + 8] = vector."""

    def build(context, builder, signature, arguments):
        target = _pointer(context, builder, signature.args[0], *arguments[:2])
        builder.store(arguments[2], target, align=8)
        return context.get_dummy_value()

    return types.void(array, types.intp, lanes), build


@intrinsic
def spread(typingctx, number):
    """Eight times the same number."""

    def build(context, builder, signature, arguments):
        zero = ir.Constant(ir.IntType(32), 0)
        one = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), arguments[0], zero)
        mask = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        return builder.shuffle_vector(one, ir.Constant(_VECTOR, ir.Undefined), mask)

    return lanes(types.float64), build


@intrinsic
def mul(typingctx, a, b):
    """a · b."""
    return lanes(lanes, lanes), lambda context, builder, signature, v: builder.fmul(v[0], v[1])


def _fused(builder, a, b, c):
    kind = ir.FunctionType(_VECTOR, [_VECTOR] * 3)
    function = cgutils.get_or_insert_function(builder.module, kind, "llvm.fmuladd.v8f64")
    return builder.call(function, [a, b, c])


@intrinsic
def fma(typingctx, a, b, c):
    """a · b + c."""
    return lanes(lanes, lanes, lanes), lambda context, builder, signature, v: _fused(builder, *v)


@intrinsic
def fnma(typingctx, a, b, c):
    """c - a · b."""

    def build(context, builder, signature, v):
        return _fused(builder, builder.fneg(v[0]), v[1], v[2])

    return lanes(lanes, lanes, lanes), build


@intrinsic
def exchange(typingctx, vector, mask):
    """Lane k of the result is lane k ⊕ mask."""

    def build(context, builder, signature, v):
        found = v[0]
        for bit in (1, 2, 4):
            order = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [k ^ bit for k in range(LANES)])
            swapped = builder.shuffle_vector(found, ir.Constant(_VECTOR, ir.Undefined), order)
            chosen = builder.and_(v[1], ir.Constant(v[1].type, bit))
            found = builder.select(
                builder.icmp_unsigned("!=", chosen, ir.Constant(v[1].type, 0)), swapped, found
            )
        return found

    return lanes(lanes, types.intp), build


@intrinsic
def total(typingctx, vector):
    """The sum of the lanes, always in the same order."""

    def build(context, builder, signature, v):
        parts = [builder.extract_element(v[0], ir.Constant(ir.IntType(32), k)) for k in range(LANES)]
        while len(parts) > 1:
            parts = [builder.fadd(a, b) for a, b in zip(parts[::2], parts[1::2], strict=True)]
        return parts[0]

    return types.float64(lanes), build
