"""Imported once by the process from which every worker is forked: all that takes long to import."""

import line_fit

import workbench.reports.direct  # noqa: F401

line_fit.make_training(line_fit.LineParameters())  # torch imports some of its parts with the first optimiser
