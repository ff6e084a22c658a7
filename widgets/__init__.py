"""What is live in a notebook: controls, a simulator or a program to play with, a training's dashboard, a table of runs.

Every panel is a small anywidget of our own plus a static picture, so that a reopened notebook or a report
shows what was there. Parameters describe themselves: nobody writes a slider by hand.
"""

from widgets.controls import Controls, controls
from widgets.dashboard import Dashboard, dashboard
from widgets.explore import Explore, explore
from widgets.playground import Playground, playground
from widgets.runs import Runs, runs
from widgets.show import show

__all__ = [
    "Controls",
    "Dashboard",
    "Explore",
    "Playground",
    "Runs",
    "controls",
    "dashboard",
    "explore",
    "playground",
    "runs",
    "show",
]
