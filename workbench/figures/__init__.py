"""Figures: arrays in, a plotly ``go.Figure`` out; returned, never shown, never written anywhere.

    palette    colours and dashes that colour-blind readers tell apart, on light and on dark pages
    layout     an empty figure with title, axis units and a description for those who do not see it
    history    what a training went through
    derivative a program beside its generated derivative, as HTML
    circuits   quantum circuits
    maxcut     a graph that is cut
    trebuchet  …and one file for each showcase, with ``summary_figures(result, history)``

A figure's description is at ``figure.layout.meta["alt"]``. To add a figure, start from ``layout.blank_figure``.
"""

from workbench.figures.history import loss_figure
from workbench.figures.layout import blank_figure, description

__all__ = ["blank_figure", "description", "loss_figure"]
