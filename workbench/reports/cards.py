"""The gallery of showcases: one card each, made from the showcase's own record and a picture of a real run."""

from __future__ import annotations

import base64
import re
import subprocess
from collections.abc import Sequence
from html import escape
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from workbench.showcases import Showcase

_CARD = (
    "border:1px solid #8888; border-radius:8px; padding:0.8em 1em; margin:0 1em 1em 0; width:20em; "
    "display:inline-block; vertical-align:top; white-space:normal"
)
_PICTURE = "width:100%; border-radius:4px"
_GITHUB = re.compile(r"github\.com[:/](?P<owner>[\w.-]+)/(?P<repository>[\w.-]+?)(?:\.git)?/?$")


class Gallery:
    """The cards, shown when this is the value of a cell; as a list where no HTML can be shown."""

    def __init__(self, showcases: Sequence[Showcase], binder: str | None) -> None:
        self.showcases = tuple(showcases)
        self.binder = binder

    def _repr_html_(self) -> str:
        return "<div>" + "".join(_card(showcase, self.binder) for showcase in self.showcases) + "</div>"

    def __repr__(self) -> str:
        return "\n\n".join(
            f"{card.title} ({card.level}, {card.run_time})\n{card.question}\nnotebooks/{card.notebook}"
            for card in self.showcases
        )


def gallery() -> Gallery:
    """Every showcase there is: a picture, its question, level, run time, and links to its notebook.

    A card has a link to Binder where this checkout's origin is on GitHub.
    """
    from workbench import showcases

    checkout = Path(__file__).resolve().parents[2]
    return Gallery([showcases.find(name) for name in showcases.names()], binder_address(_origin(checkout)))


def binder_address(origin: str) -> str | None:
    """Where Binder opens notebooks of the repository at ``origin``, up to their names; None if it cannot.

    ``git@github.com:owner/name.git`` → ``https://mybinder.org/v2/gh/owner/name/HEAD?urlpath=lab/tree/notebooks/``
    """
    found = _GITHUB.search(origin)
    if found is None:
        return None
    return (
        f"https://mybinder.org/v2/gh/{found['owner']}/{found['repository']}/HEAD?urlpath=lab/tree/notebooks/"
    )


def _origin(checkout: Path) -> str:
    command = ["git", "-C", str(checkout), "remote", "get-url", "origin"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except OSError:  # no git on this machine: no address to show
        return ""
    return done.stdout.strip()


def _card(showcase: Showcase, binder: str | None) -> str:
    link = escape(showcase.notebook)
    facts = [escape(showcase.level), escape(showcase.run_time)]
    if binder:
        facts.append(f'<a href="{escape(binder + quote(showcase.notebook))}">open on Binder</a>')
    return (
        f'<div style="{_CARD}">{_thumbnail(showcase)}<h3 style="margin:0.3em 0 0.4em 0">'
        f'<a href="{link}">{escape(showcase.title)}</a></h3>'
        f"<p>{escape(showcase.question)}</p><p><small>{' · '.join(facts)}</small></p></div>"
    )


def _thumbnail(showcase: Showcase) -> str:
    """The picture of a trained showcase, which ``docs/thumbnails.py`` makes; nothing where there is none yet."""
    file = resources.files("workbench.showcases") / showcase.name / "thumbnail.svg"
    if not file.is_file():
        return ""
    data = base64.b64encode(file.read_bytes()).decode()
    alt = escape(f"{showcase.title}: what a trained run shows", quote=True)
    return f'<img style="{_PICTURE}" alt="{alt}" src="data:image/svg+xml;base64,{data}">'
