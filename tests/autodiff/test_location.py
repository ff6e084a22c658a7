"""Places: of a file by its name, of a notebook's cell by its number."""

import pickle
from types import SimpleNamespace

import pytest
from ipykernel.compiler import XCachingCompiler

from workbench import derivative_source, explain, gradient
from workbench.autodiff.location import place
from workbench.errors import LostGradientError, NotDifferentiableError

CELL = """\
def f(x):
    return pickle.loads(pickle.dumps(x))
def g(x):
    for _ in range(9):
        try:
            x = x * x
        finally:
            pass
    return x
"""


@pytest.fixture
def cell(monkeypatch):
    """The variables of a cell that ran as the fourth one in a kernel."""
    compiler, space = XCachingCompiler(), {"pickle": pickle}
    monkeypatch.setattr("IPython.get_ipython", lambda: SimpleNamespace(compile=compiler))
    name = compiler.cache(CELL, 4, raw_code=CELL)
    exec(compiler(CELL, name, "exec"), space)
    return space


def test_an_error_names_the_cell_and_its_line(cell):
    with pytest.raises(LostGradientError, match=r"Cell In\[4\], line 2 in f\n    return pickle"):
        gradient(cell["f"])(1.0)


def test_reasons_of_a_tier_name_the_cell(cell, monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", "auto")
    told = str(explain(cell["g"], 1.0))
    assert "Cell In[4], line 5\n" in told
    assert "(Cell In[4], line 5)" in told.split("\n\n")[1]
    with pytest.raises(NotDifferentiableError, match=r"Cell In\[4\], line 5"):
        derivative_source(cell["g"], 1.0)


def test_a_file_is_named_beside_a_running_kernel_too(cell):
    assert place("/home/somebody/program.py", 7) == "/home/somebody/program.py:7"
    assert place("/home/somebody/program.py", 7, folder=False) == "program.py:7"
