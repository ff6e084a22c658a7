"""Reports printed by a real browser."""

import re
import zlib

import pytest

from workbench.errors import MachineError, RunError
from workbench.reports import pdf

needs_browser = pytest.mark.skipif(pdf.find_browser() is None, reason="no Chromium or Chrome on this machine")


def contents(file):
    """All streams of a PDF, unpacked where they are packed."""
    found = []
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", file.read_bytes(), re.DOTALL):
        try:
            found.append(zlib.decompress(stream))
        except zlib.error:
            found.append(stream)
    return found


@needs_browser
def test_a_page_is_printed_with_its_text_and_what_its_script_draws(tmp_path):
    page = tmp_path / "report.html"
    script = "setTimeout(() => { document.body.append('drawn later'); }, 3000)"
    page.write_text(
        f"<p style='page-break-after: always'>first page</p><p>second</p><script>{script}</script>"
    )
    file = pdf.print_pdf(page)
    assert file == tmp_path / "report.pdf"
    streams = contents(file)
    assert file.read_bytes().count(b"/Type /Page\n") == 2
    assert any(b" Tj" in stream or b" TJ" in stream for stream in streams)
    assert sorted(f.name for f in tmp_path.iterdir()) == ["report.html", "report.pdf"]


@needs_browser
def test_a_later_drawing_is_waited_for(tmp_path):
    lengths = []
    for name, script in (
        ("empty", ""),
        ("drawn", "setTimeout(() => document.body.append('x'.repeat(500)), 3000)"),
    ):
        page = tmp_path / f"{name}.html"
        page.write_text(f"<p>text</p><script>{script}</script>")
        lengths.append(
            sum(len(stream) for stream in contents(pdf.print_pdf(page)) if b"TJ" in stream or b"Tj" in stream)
        )
    assert lengths[1] > lengths[0] + 500


def test_without_a_browser_the_error_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(pdf, "BROWSERS", ("no-such-browser",))
    with pytest.raises(MachineError, match="install Chromium or Chrome"):
        pdf.print_pdf(tmp_path / "report.html")


def test_a_browser_that_prints_nothing_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(pdf, "BROWSERS", ("false",))
    page = tmp_path / "report.html"
    page.write_text("<p>text</p>")
    with pytest.raises(RunError, match="did not print the report"):
        pdf.print_pdf(page)
    assert not page.with_suffix(".pdf").exists()
