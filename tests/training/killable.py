"""A headless run of the line fit that writes checkpoints all the time; the kill test ends it by force.

With a second argument it goes on only as far as that iteration, and waits there for its end.
"""

import sys
import time
from pathlib import Path

from line import LineParameters, make_training, numbers

from workbench.training import Session
from workbench.training import session as module

module.CHECKPOINT_SECONDS = 0.02
folder = Path(sys.argv[1])
session = Session("line", make_training, LineParameters(iterations=5000), folder / "checkpoint.pt")
if len(sys.argv) > 2:
    last = int(sys.argv[2])
    session.training.problem._poison = lambda seen, loss, terms: time.sleep(3600 * (seen >= last)) or loss
print(f"from {session.training.iteration}", flush=True)
training = session.run()
(folder / "numbers.txt").write_text(repr(numbers(training)))
