"""A headless run of the line fit that writes checkpoints all the time; the kill test ends it by force."""

import sys
from pathlib import Path

from line import LineParameters, make_training, numbers

from workbench.training import Session
from workbench.training import session as module

module.CHECKPOINT_SECONDS = 0.02
folder = Path(sys.argv[1])
session = Session("line", make_training, LineParameters(iterations=5000), folder / "checkpoint.pt")
print(f"from {session.training.iteration}", flush=True)
training = session.run()
(folder / "numbers.txt").write_text(repr(numbers(training)))
