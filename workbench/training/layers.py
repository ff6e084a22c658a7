"""Layers whose starting values come from a generator; torch's own draw from its global one."""

from __future__ import annotations

import math

import torch


def dense(n_in: int, n_out: int, generator: torch.Generator) -> torch.nn.Linear:
    """A linear layer in float64, its starting values uniform in ±1/√n_in as torch's are."""
    # Not torch.nn.utils.skip_init: it computes in Python what is empty, and imports sympy (35 MB) for it.
    layer = torch.nn.Linear(n_in, n_out, device="meta", dtype=torch.float64)
    bound = 1.0 / math.sqrt(n_in)
    for name, shape in (("weight", (n_out, n_in)), ("bias", (n_out,))):
        drawn = torch.empty(shape, dtype=torch.float64).uniform_(-bound, bound, generator=generator)
        setattr(layer, name, torch.nn.Parameter(drawn))
    return layer
