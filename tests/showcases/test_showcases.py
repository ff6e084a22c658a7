"""The record of a showcase, and finding it by name."""

import subprocess
import sys

import pytest

from workbench import showcases
from workbench.errors import UnknownShowcaseError


def test_every_showcase_answers_to_its_name_and_has_its_parts():
    assert "trebuchet" in showcases.names()
    for name in showcases.names():
        showcase = showcases.find(name)
        assert showcase.name == name
        assert {"default", "smoke"} <= {"default", *showcase.parameters.presets}
        for preset in showcase.parameters.presets:
            showcase.parameters.from_preset(preset)
        assert callable(showcase.figures)


def test_showcases_come_in_the_order_of_their_notebooks():
    notebooks = [showcases.find(name).notebook for name in showcases.names()]
    assert notebooks == sorted(notebooks)


def test_every_showcase_has_a_readme_and_its_notebook(checkout):
    for name in showcases.names():
        assert (checkout / "workbench" / "showcases" / name / "README.md").is_file()
        assert (checkout / "notebooks" / showcases.find(name).notebook).is_file()


def test_an_unknown_name_is_refused_and_the_nearest_named():
    with pytest.raises(UnknownShowcaseError, match="did you mean 'trebuchet'"):
        showcases.find("trebuche")


def test_listing_the_showcases_does_not_wait_for_torch():
    code = "import sys; from workbench.showcases import find, names; [find(n) for n in names()]; "
    code += "sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
