"""The playground by its state: each text is answered with numbers that are right, or with what is wrong and where."""

import math
import random
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

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


def test_a_float_of_numpy_gets_a_slider(panel):
    answer = typed(panel, "import numpy as np\ndef f(x=np.float64(3.0)):\n    return x * x\n")
    assert panel.values == {"x": 3.0}
    assert answer["rows"] == [["x", "3", "6", "6", "yes"]]


def test_a_whole_number_that_is_annotated_as_a_float_gets_a_slider(panel):
    typed(panel, "def f(x: float = 3, n: int = 2):\n    return x**n\n")
    assert panel.values == {"x": 3.0}


def test_a_lambda_with_a_name_is_a_program(panel):
    assert typed(panel, "f = lambda x: x**2\n")["rows"] == [["x", "1", "2", "2", "yes"]]


def test_an_array_of_one_element_is_a_number(panel):
    answer = typed(panel, "import numpy as np\ndef f(x=3.0):\n    return np.array([x * x])\n")
    assert answer["rows"] == [["x", "3", "6", "6", "yes"]]


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
        ("class Model:\n    def f(self, x=1.0): return x", "no function on the top level; the class Model"),
        ("async def f(x=1.0): return x", "no function on the top level; f, asynchronous"),
        ("def f(x=float('inf')): return x", "no argument that is a single finite float"),
        ("def f(x=1.0): return x\ndel f", "no argument that is a single finite float"),
        ("def f(x=1.0): return x\nf = 3", "no argument that is a single finite float"),
        (
            "def power(x, n):\n    return x * len(range(n))",
            "(x, n: begins at 1.0; give what is no float a default, such as n=3)",
        ),
        (
            "def twice(g):\n    return lambda *args: 2 * g(*args)\n@twice\ndef f(x=2.0):\n    return x",
            "f has no argument to differentiate by",
        ),
        ("def f(x=1.0):\n    raise ValueError('bad' * 5000)", "b…\nline 2 in f"),
        ("def f(n=1):\n    return n", "no argument that is a single finite float"),
        ("def f(*, x=1.0):\n    return x", "can be given by position"),
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
    assert answer["rows"][0][3:] == ["not defined", "unknown"]


BEGINS_ANEW = {
    "a generator": "import numpy as np\nrng = np.random.default_rng(0)\ndef f(x=3.0):\n    return rng.normal(x) ** 2",
    "the shared generator": "import random\ndef f(x=3.0):\n    return x * random.random()",
    "a counter": "runs = 0\ndef f(x=3.0):\n    global runs\n    runs += 1\n    return runs * x",
    "the best so far": "best = None\ndef f(x=3.0):\n    global best\n    if best is None or x * x < best:\n"
    "        best = x * x\n    return best",
    "a history": "history = []\ndef f(x=3.0):\n    history.append(x)\n    return len(history) * x * x",
    "an array": "import numpy as np\nheat = np.ones(3)\ndef f(x=3.0):\n    heat[1] += x\n    return heat[1] ** 2",
    "an object": "class Count:\n    n = 0\ncount = Count()\ndef f(x=3.0):\n    count.n += 1\n    return count.n * x",
    "a list as default": "def f(x=3.0, kept=[]):\n    kept.append(x)\n    return sum(kept)",
    "an attribute of the function": "def f(x=3.0):\n    f.n += 1\n    return f.n * x\nf.n = 0",
    "an attribute of a class": "class Count:\n    n = 0\ndef f(x=3.0):\n    Count.n += 1\n    return Count.n * x",
    "a variable of a closure": "def make():\n    n = 0\n    def g(x=3.0):\n        nonlocal n\n        n += 1\n"
    "        return n * x\n    return g\ng = make()\ndef f(x=3.0):\n    return g(x)",
    "a memo": "memo = {}\ndef f(x=3.0):\n    if x not in memo:\n        memo[x] = x**3\n    return memo[x]",
}


@pytest.mark.parametrize("what", BEGINS_ANEW)
def test_each_run_finds_the_variables_as_they_were(panel, what):
    answer = typed(panel, BEGINS_ANEW[what])
    assert answer["error"] == ""
    (first,) = answer["rows"]
    assert first[4] == "yes"
    if "n" in what.split() or "list" in what or "attribute" in what or "closure" in what:
        assert answer["value"] == "f(x=3) = 3"
    assert moved(panel, "x", "2.5")["rows"][0][4] == "yes"
    assert moved(panel, "x", "3.0")["rows"] == [first]


def test_what_the_program_draws_is_not_missed_in_the_notebook(panel):
    before = random.getstate()
    typed(panel, BEGINS_ANEW["the shared generator"])
    assert random.getstate() == before


def test_numbers_of_any_size_have_a_slider_and_a_difference_of_their_size(panel):
    text = "import math\ndef f(d=1e-9, t=3e5):\n    return math.log(d) * t + 1e30 * d**3\n"
    rows = typed(panel, text)["rows"]
    assert [f["low"] for f in panel.widget.fields] == pytest.approx([-1e-9, -3e5])
    assert [f["high"] for f in panel.widget.fields] == pytest.approx([3e-9, 9e5])
    assert [row[4] for row in rows] == ["yes", "yes"]


def test_small_derivatives_that_differ_do_not_agree(panel):
    text = (
        "from workbench import stop_gradient\ndef f(x=3e5):\n    return 1e-9 * x + stop_gradient(2e-9 * x)\n"
    )
    assert typed(panel, text)["rows"][0][2:] == ["1e-09", "3e-09", "no"]


def test_a_difference_that_is_not_certain_itself_says_so(panel):
    (row,) = typed(panel, "def f(x=1.0):\n    return x * x + 1e-8 * (int(x * 1e9) % 77)\n")["rows"]
    assert row[2] == "2"
    assert row[4] == "unsure"


@pytest.mark.parametrize(
    "text",
    [
        "import numpy as np\ndef f(x=1.0):\n    return float(np.float32(x * x)) + 0 * x\n",
        "import math\ndef f(x=1.0):\n    return math.sin(1e5 * x)\n",
    ],
    ids=["single precision", "faster than the step"],
)
def test_a_difference_that_depends_on_its_step_does_not_contradict(panel, text):
    (row,) = typed(panel, text)["rows"]
    assert row[4] in ("yes", "unsure")


def test_a_slow_program_has_no_difference_rather_than_a_wrong_reason(panel, monkeypatch):
    monkeypatch.setattr("widgets.typed_program.DIFFERENCE_SECONDS", 0.0)
    text = "def f(x=1.0):\n    for _ in range(20000):\n        x = x + 1e-9\n    return x\n"
    assert typed(panel, text)["rows"] == [["x", "1", "1", "takes too long", "unknown"]]


def test_functions_without_a_number_to_move_are_passed_over(panel):
    text = "def f(x=2.0):\n    return x * x\ndef main():\n    print(f())\nif __name__ == '__main__':\n    main()\n"
    assert typed(panel, text)["value"] == "f(x=2) = 4"


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


def test_reasons_name_no_addresses(panel):
    text = "from functools import lru_cache\n@lru_cache\ndef f(x=1.0):\n    return x ** 3"
    assert "an object of _lru_cache_wrapper is not a function with source" in typed(panel, text)["tier"]
    text = (
        "class Net:\n    def __call__(self, x): return 3.0 * x\nnet = Net()\ndef f(x=1.0):\n    return net(x)"
    )
    assert "an object of Net is not known" in typed(panel, text)["tier"]
    text = "import numpy as np\nrng = np.random.default_rng(0)\ndef f(x=1.0):\n    return x * rng.normal()"
    assert "attribute normal of an object of Generator on line 4" in typed(panel, text)["tier"]


def test_a_program_that_does_not_end_is_stopped(panel, monkeypatch):
    before = sys.gettrace()
    with monkeypatch.context() as impatient:
        impatient.setattr("widgets.typed_program.PROGRAM_SECONDS", 0.2)
        error = typed(panel, ENDLESS)["error"]
        with ThreadPoolExecutor() as others:  # as JupyterLab's subshells are
            again = others.submit(typed, panel, ENDLESS).result()["error"]
    for said in (error, again):
        assert said.startswith("stopped: the program did not end within 0.2 s\nline ")
    assert sys.gettrace() is before
    assert typed(panel, "def f(x=1.0):\n    return x\n")["error"] == ""
    monkeypatch.setattr("widgets.typed_program.READ_SECONDS", 0.2)
    assert "did not end" in typed(panel, f"{ENDLESS}\nf()\n")["error"]


def test_the_lines_of_a_program_are_watched_when_it_is_late(panel):
    answer = typed(panel, "import sys\ndef f(x=1.0):\n    print(sys._getframe().f_trace)\n    return x\n")
    assert answer["printed"] == "None\n"


def test_a_program_that_does_not_end_elsewhere_leaves_a_gap(panel):
    answer = typed(panel, "def f(x=1.0):\n    while x < 0.0:\n        x = x * 1.0\n    return x * x\n")
    assert answer["error"] == ""
    assert answer["rows"] == [["x", "1", "2", "2", "yes"]]


def test_a_slow_program_has_a_coarse_curve(panel, monkeypatch):
    clock, points = SimpleNamespace(now=0.0), []

    def nap(seconds):
        clock.now += seconds
        points.append(seconds)

    monkeypatch.setattr("widgets.typed_program.time", SimpleNamespace(perf_counter=lambda: clock.now))
    monkeypatch.setitem(sys.modules, "beds", SimpleNamespace(nap=nap))
    text = "import beds\ndef f(x=1.0):\n    beds.nap(0.04)\n    return x * x\n"
    assert "curve value: from (-1, 1) to (3, 9)" in typed(panel, text)["summary"]
    assert len(points) < 65  # of the curve, had all its points been waited for


def test_what_the_program_prints_is_shown_once_and_not_in_the_notebook(panel, capsys):
    answer = typed(panel, "def f(x=1.0):\n    print('x is', x, sep=' <')\n    return x\n")
    assert capsys.readouterr().out == ""
    assert answer["printed"] == "x is <1.0\n"
    assert "x is &lt;1.0" in panel.static_html()
    assert moved(panel, "x", "1.5")["printed"] == "x is <1.5\n"
    assert typed(panel, "def f(x=1.0):\n    print('x' * 9999)\n    return x\n")["printed"].endswith("x…")
    assert typed(panel, "print = list\ndef f(x=1.0):\n    print('x')\n    return x\n")["printed"] == ""


def test_what_the_program_warns_of_is_not_in_the_notebook(panel, capsys):
    said = "    logging.warning('careful')\n    print('careful', file=sys.stderr)\n"
    answer = typed(panel, f"import logging, sys\ndef f(x=1.0):\n{said}    return x\n")
    assert answer["error"] == ""
    assert capsys.readouterr().err == ""


def test_the_static_picture_holds_program_numbers_and_image():
    html = widgets.playground("def f(x=2.0):\n    return x * x if x < 9 else x\n").static_html()
    assert "return x * x if x &lt; 9" in html
    assert "f(x=2) = 4" in html
    assert "<td>4</td>" in html
    assert '<img alt="' in html
    assert "<script" not in html
