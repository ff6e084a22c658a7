"""Colours by meaning. Okabe and Ito's set: told apart by colour-blind readers, visible on white and on black.

Nothing hangs on colour alone: lines of one figure also differ in their dashes, markers in their shape.

Source: Okabe & Ito, "Color Universal Design", 2008, https://jfly.uni-koeln.de/color/.
"""

BLUE = "#0072B2"
VERMILION = "#D55E00"
GREEN = "#009E73"
PURPLE = "#CC79A7"
ORANGE = "#E69F00"
SKY = "#56B4E9"

SERIES = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)
"""For lines of one figure, in this order."""

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
"""To go with ``SERIES``."""

INK = "#767676"
"""Text and axes: a grey with a contrast of 4.5 to 1 on white and on black."""

FAINT = "rgba(118, 118, 118, 0.25)"
"""Grid lines, and whatever stands behind."""

SHADE = "rgba(118, 118, 118, 0.15)"
"""Areas that are out of bounds."""

SEQUENTIAL = "Viridis"
"""For a quantity from low to high: even steps of lightness, readable in grey."""
