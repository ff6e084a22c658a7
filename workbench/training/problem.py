"""What can be trained: the protocol between a showcase and the training loop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import torch


class Problem(Protocol):
    """Something with learnable parameters and a loss; torch and numpy only, nothing of the screen.

    A problem keeps no state of its own between iterations: what must survive a checkpoint lives in
    ``modules`` (parameters and buffers), and everything random is drawn from the generator it is given.

    A problem with ``live`` parameters of its own (beside the learning rate, which is the training's) also has
    ``set(name, value)``: use another value from now on. It is called between two iterations only, and again
    when a checkpoint is taken up.
    """

    modules: torch.nn.Module

    def loss(self, generator: torch.Generator) -> tuple[torch.Tensor, Mapping[str, float | torch.Tensor]]:
        """The scalar loss of one iteration, and the named numbers to record with it.

        The named numbers are terms of the loss or other metrics; all must be finite. A name may be missing
        in some iterations (a metric computed now and then).
        """
        ...

    def snapshot(self) -> Mapping[str, Any]:
        """What the live view draws now: cheap, draws nothing random, changes nothing.

        Keys say what a value is: ``"curve:NAME"`` is an array (n, 2) of points joined by a line;
        ``"point:NAME"`` an array (2,) or (n, 2) of markers; ``"text:NAME"`` a string. Four texts
        describe the picture: ``"text:title"``; ``"text:x"`` and ``"text:y"``, the axis labels with their
        units; and ``"text:aspect"``, which is ``"equal"`` when both axes have the same scale. Other texts
        are shown below the picture. ``"picture:NAME"`` is another mapping of this kind, drawn beside it.
        """
        ...
