"""Training: a loop that is an iterator of records, its history and checkpoints, and live sessions around it.

A showcase gives a ``Problem``; ``Training`` minimises its loss; ``Session`` drives a training from a notebook
or from a script. Nothing here knows of screens, and everything random comes from explicit generators.
"""

from workbench.training.checkpoint import (
    CheckpointWarning,
    has_checkpoint,
    load_checkpoint,
    save_checkpoint,
)
from workbench.training.history import Change, History, Record
from workbench.training.layers import dense
from workbench.training.loop import Best, Training
from workbench.training.optimisers import OPTIMISERS, Optimiser
from workbench.training.problem import Problem
from workbench.training.schedules import SCHEDULES
from workbench.training.session import Latest, Session
from workbench.training.settings import Settings

__all__ = [
    "OPTIMISERS",
    "SCHEDULES",
    "Best",
    "Change",
    "CheckpointWarning",
    "History",
    "Latest",
    "Optimiser",
    "Problem",
    "Record",
    "Session",
    "Settings",
    "Training",
    "dense",
    "has_checkpoint",
    "load_checkpoint",
    "save_checkpoint",
]
