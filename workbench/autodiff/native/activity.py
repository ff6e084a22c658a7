"""Which values take part in the derivative: they vary with an active input, and the result varies with them."""

from __future__ import annotations

from workbench.autodiff.native.ir import (
    Atom,
    Block,
    Call,
    If,
    Load,
    Loop,
    Op,
    Store,
    Value,
    blocks_of,
    is_float_array,
)
from workbench.autodiff.native.primitives import PRIMITIVES


def active_values(block: Block, inputs: set[Value], outputs: set[Atom]) -> set[Value]:
    """The values of a function's block that vary with ``inputs`` and that ``outputs`` vary with."""
    varied = set(inputs)
    _grow(block, lambda b: _vary(b, varied), varied)
    useful = {atom for atom in outputs if isinstance(atom, Value) and atom.type == "float"}
    _grow(block, lambda b: _use(b, useful), useful)
    return varied & useful


def _grow(block: Block, step, values: set[Value]) -> None:
    size = -1
    while size != len(values):
        size = len(values)
        step(block)


def _vary(block: Block, varied: set[Value]) -> None:
    def flow(source: Atom, target: Value) -> None:
        if source in varied and target.type == "float":
            varied.add(target)

    for node in block.nodes:
        if isinstance(node, Load) and node.out.type == "float":
            varied.add(node.out)
        if isinstance(node, Op):
            if is_float_array(node.out):
                varied.add(node.out)
            if PRIMITIVES[node.name].partials is not None:
                for arg in node.args:
                    flow(arg, node.out)
        elif isinstance(node, Call):
            for arg in node.args:
                for out in node.outs:
                    flow(arg, out)
                    if is_float_array(arg) and out.type == "float":
                        varied.add(out)
        elif isinstance(node, If):
            for inner in blocks_of(node):
                _vary(inner, varied)
                for end, out in zip(inner.yields, node.outs, strict=False):
                    flow(end, out)
        elif isinstance(node, Loop):
            for init, param in zip(node.inits, node.body.params, strict=True):
                flow(init, param)
            _vary(node.body, varied)
            for end, param, out in zip(node.body.yields, node.body.params, node.outs, strict=True):
                flow(end, param)
                flow(param, out)


def _use(block: Block, useful: set[Value]) -> None:
    def flow(target: Value, source: Atom) -> None:
        if target in useful and isinstance(source, Value) and source.type == "float":
            useful.add(source)

    for node in reversed(block.nodes):
        if isinstance(node, Store) and isinstance(node.value, Value) and node.value.type == "float":
            useful.add(node.value)
        if isinstance(node, Op):
            if PRIMITIVES[node.name].partials is not None:
                for arg in node.args:
                    flow(node.out, arg)
        elif isinstance(node, Call):
            memory = any(map(is_float_array, [*node.args, *node.outs]))
            for arg in node.args:
                for out in node.outs:
                    flow(out, arg)
                if memory and isinstance(arg, Value) and arg.type == "float":
                    useful.add(arg)
        elif isinstance(node, If):
            for inner in blocks_of(node):
                for out, end in zip(node.outs, inner.yields, strict=False):
                    flow(out, end)
                _use(inner, useful)
        elif isinstance(node, Loop):
            for end, param, out in zip(node.body.yields, node.body.params, node.outs, strict=True):
                flow(out, param)  # no iteration at all: what goes in comes out
                flow(out, end)
                flow(param, end)
            _use(node.body, useful)
            for init, param in zip(node.inits, node.body.params, strict=True):
                flow(param, init)
