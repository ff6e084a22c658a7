"""The gallery of showcases: one card each, made from the showcase's own record."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.showcases import Showcase

_CARD = (
    "border:1px solid #8888; border-radius:8px; padding:0.8em 1em; margin:0 1em 1em 0; width:20em; "
    "display:inline-block; vertical-align:top; white-space:normal"
)


class Gallery:
    """The cards, shown when this is the value of a cell; as a list where no HTML can be shown."""

    def __init__(self, showcases: Sequence[Showcase]) -> None:
        self.showcases = tuple(showcases)

    def _repr_html_(self) -> str:
        return "<div>" + "".join(_card(showcase) for showcase in self.showcases) + "</div>"

    def __repr__(self) -> str:
        return "\n\n".join(
            f"{card.title} ({card.level}, {card.run_time})\n{card.question}\nnotebooks/{card.notebook}"
            for card in self.showcases
        )


def gallery() -> Gallery:
    """Every showcase there is, with its question, level, run time and a link to its notebook."""
    from workbench import showcases

    return Gallery([showcases.find(name) for name in showcases.names()])


def _card(showcase: Showcase) -> str:
    return (
        f'<div style="{_CARD}"><h3 style="margin:0 0 0.4em 0">'
        f'<a href="{escape(showcase.notebook)}">{escape(showcase.title)}</a></h3>'
        f"<p>{escape(showcase.question)}</p>"
        f"<p><small>{escape(showcase.level)} · {escape(showcase.run_time)}</small></p></div>"
    )
