"""Dask's arrays: they are made of parts that other threads compute, and take no traced values."""

from dask.array import from_array

from workbench.rules.stand_ins import refuses

refuses(from_array, why="use NumPy's array, or dask.delayed, whose calls are followed")
