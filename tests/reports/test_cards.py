"""The gallery's cards: pictures of real runs, and links that lead somewhere."""

import re

import pytest

from workbench import showcases
from workbench.reports.cards import Gallery, binder_address

BINDER = "https://mybinder.org/v2/gh/ada/engine/HEAD?urlpath=lab/tree/notebooks/"


@pytest.mark.parametrize(
    ("origin", "address"),
    [
        ("git@github.com:ada/engine.git", BINDER),
        ("https://github.com/ada/engine", BINDER),
        ("https://github.com/ada/engine.git/", BINDER),
        ("https://example.org/ada/engine.git", None),
        ("/srv/engine", None),
        ("", None),
    ],
)
def test_binder_opens_what_is_on_github(origin, address):
    assert binder_address(origin) == address


def test_a_card_has_picture_question_level_time_and_links():
    showcase = showcases.find("trebuchet")
    card = Gallery([showcase], BINDER)._repr_html_()
    assert card.count('src="data:image/svg+xml;base64,') == 1
    for text in (showcase.question, showcase.level, showcase.run_time):
        assert text in card
    assert re.findall(r'href="([^"]+)"', card) == [showcase.notebook, BINDER + showcase.notebook]


def test_without_github_there_is_no_link_to_binder():
    assert "mybinder" not in Gallery([showcases.find("trebuchet")], None)._repr_html_()
