"""The playground by its state: each text is answered with numbers that are right, or with what is wrong and where."""

import math
import sys

import pytest

import widgets

PRODUCT = """
def product(x=2.0, y=3.0, n=2):
    total = 1.0
    for k in range(n):
        total = total * (x + k) * y
    return total
"""


def typed(panel, text, seq=1):
    panel._on_message(panel.widget, {"kind": "program", "text": text, "seq": seq}, [])
    return panel.widget.answer


def moved(panel, name, text, seq=1):
    panel._on_message(panel.widget, {"kind": "change", "name": name, "text": text, "seq": seq}, [])
    return panel.widget.answer


@pytest.fixture
def panel():
    return widgets.playground()


def test_it_opens_with_the_sine_and_its_derivative(panel):
    answer = panel.widget.answer
    assert answer["error"] == ""
    assert answer["value"] == f"sine(x=1) = {math.sin(1):.8g}"
    (row,) = answer["rows"]
    assert row[:2] == ["x", "1"]
    assert float(row[2]) == pytest.approx(math.cos(1), abs=1e-7)
    assert row[4] == "yes"
    assert answer["tier"].startswith("Native")
    assert "curve derivative by x" in answer["summary"]


def test_arguments_with_a_float_as_default_get_a_slider(panel):
    answer = typed(panel, PRODUCT, seq=4)
    assert [(f["name"], f["low"], f["high"]) for f in panel.widget.fields] == [("x", -2, 6), ("y", -3, 9)]
    assert panel.widget.state == {"values": {"x": 2.0, "y": 3.0}, "errors": {}, "seq": 4}
    assert [row[2] for row in answer["rows"]] == ["45", "36"]  # x (x + 1) y²: 9 (2x + 1), 2 x (x + 1) y


def test_a_slider_moves_value_and_derivative(panel):
    typed(panel, PRODUCT)
    answer = moved(panel, "x", "1.0", seq=2)
    assert answer["value"] == "product(x=1, y=3) = 18"
    assert [row[2] for row in answer["rows"]] == ["27", "12"]
    assert all(row[4] == "yes" for row in answer["rows"])


def test_a_number_out_of_range_leaves_the_answer(panel):
    before = dict(panel.widget.answer)
    assert moved(panel, "x", "1e9") == before
    assert "expected a number -1 to 3" in panel.widget.state["errors"]["x"]


def test_sliders_stay_where_they_are_while_the_arguments_stay_the_same(panel):
    moved(panel, "x", "0.5")
    typed(panel, "def f(x=1.0):\n    return x * x\n")
    assert panel.values == {"x": 0.5}
    assert panel.widget.answer["value"] == "f(x=0.5) = 0.25"
    typed(panel, "def f(x=2.0):\n    return x * x\n")
    assert panel.values == {"x": 2.0}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def f(x=1.0:\n    return x", "line 1: invalid syntax\n    def f(x=1.0:\n               ^"),
        (
            "def f(x=1.0):\n    a = {}\n    return a['y']",
            "KeyError: 'y'\nline 3 in f\n    return a['y']\n           ^^^^^^",
        ),
        (
            "import pickle\ndef f(x=1.0):\n    return pickle.loads(pickle.dumps(x))",
            "line 3 in f\n    return pickle.loads(pickle.dumps(x))\n                        ^^^^^^^^^^^^^^^",
        ),
        ("1 / 0\ndef f(x): return x", "ZeroDivisionError: division by zero\nline 1 in <module>"),
        ("x = 1.0", "no function on the top level"),
        ("def f(n=1):\n    return n", "no argument that is a float"),
        ("def f(x):\n    return [x]", "the result is [1.0] of type list"),
        ("def f(x=1.0):\n    raise SystemExit", "SystemExit\nline 2 in f"),
        ("def f(x=1.0):\n    raise KeyboardInterrupt", "the kernel was interrupted"),
    ],
)
def test_a_wrong_program_is_told_with_its_line_and_the_last_picture_stays(panel, text, said):
    before = dict(panel.widget.answer)
    answer = typed(panel, text)
    assert said in answer["error"]
    assert {**answer, "error": ""} == before
    assert panel.text == text


def test_what_is_wrong_stands_in_the_static_picture_too(panel):
    typed(panel, "def f(x=1.0):\n    return x < {}['y']")
    assert "return x &lt; {}[" in panel.static_html().split("</pre>")[1]
    assert "<img" in panel.static_html()


def test_it_recovers(panel):
    typed(panel, "def f(x=1.0:")
    assert typed(panel, "def f(x=3.0):\n    return x * x\n")["error"] == ""
    assert panel.widget.answer["rows"][0][2] == "6"


def test_a_program_that_begins_wrong_is_told_at_once():
    panel = widgets.playground("def f(x: return x")
    assert "line 1" in panel.static_text()
    assert "<img" not in panel.static_html()


def test_next_to_a_kink_derivative_and_difference_need_not_agree(panel):
    (row,) = typed(panel, "def f(x=0.0):\n    return max(0.0, x)\n")["rows"]
    assert row[3:] == ["0.5", "no"]


def test_where_the_program_ends_there_is_no_difference_and_a_gap(panel):
    answer = typed(panel, "import math\ndef f(x=0.0):\n    return math.sqrt(x) if x else x\n")
    assert answer["error"] == ""
    assert answer["rows"][0][3:] == ["not defined", "no"]


def test_a_traced_program_says_why(panel):
    answer = typed(panel, "def f(x=1.0):\n    kept = {1, 2}\n    return len(kept) * x**3\n")
    assert answer["tier"].startswith("Traced")
    assert "a set on line 2" in answer["tier"]


ENDLESS = """\
def f(x=1.0):
    while True:
        try:
            x = x + 1
        except Exception:
            x = 0.0
"""


def test_a_program_that_does_not_end_is_stopped(panel, monkeypatch):
    monkeypatch.setattr("widgets.typed_program.PROGRAM_SECONDS", 0.2)
    error = typed(panel, ENDLESS)["error"]
    assert error.startswith("stopped: the program did not end within 0.2 s\nline ")
    assert sys.gettrace() is None or "watch" not in repr(sys.gettrace())
    assert typed(panel, "def f(x=1.0):\n    return x\n")["error"] == ""
    assert "did not end" in typed(panel, f"{ENDLESS}\nf()\n")["error"]


def test_a_program_that_does_not_end_elsewhere_leaves_a_gap(panel):
    answer = typed(panel, "def f(x=1.0):\n    while x < 0.0:\n        x = x * 1.0\n    return x * x\n")
    assert answer["error"] == ""
    assert answer["rows"] == [["x", "1", "2", "2", "yes"]]


def test_what_the_program_prints_does_not_flood_the_notebook(panel, capsys):
    typed(panel, "def f(x=1.0):\n    print('here')\n    return x\n")
    assert capsys.readouterr().out == ""


def test_the_static_picture_holds_program_numbers_and_image():
    html = widgets.playground("def f(x=2.0):\n    return x * x if x < 9 else x\n").static_html()
    assert "return x * x if x &lt; 9" in html
    assert "f(x=2) = 4" in html
    assert "<td>4</td>" in html
    assert '<img alt="' in html
    assert "<script" not in html
