"""Make the gallery's pictures: ``.venv/bin/python docs/thumbnails.py [NAME ...]``.

Trains each showcase at its default size and keeps the live picture that it ends with as
``workbench/showcases/NAME/thumbnail.svg``.
"""

from __future__ import annotations

import sys
from pathlib import Path

from widgets.plot import Picture, plot_of
from workbench import showcases

TOP = Path(__file__).resolve().parents[1]


def main() -> None:
    """Train, draw, write."""
    for name in sys.argv[1:] or showcases.names():
        showcase = showcases.find(name)
        training = showcase.make_training(showcase.parameters())
        for record in training:
            if record.iteration % max(training.iterations // 10, 1) == 0:
                print(
                    f"{name}: iteration {record.iteration} of {training.iterations}, loss {record.loss:.4g}"
                )
        file = TOP / "workbench" / "showcases" / name / "thumbnail.svg"
        file.write_text(Picture().svg(plot_of(training.problem.snapshot())) + "\n", encoding="utf-8")
        print(file)


if __name__ == "__main__":
    main()
