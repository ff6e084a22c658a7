"""Dask: its graphs are followed; the names it gives to their parts, made of the bytes of arrays, do not vary."""

from dask.tokenize import tokenize

from workbench.autodiff.registry import add_constant

add_constant(tokenize)
