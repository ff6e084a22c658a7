import pytest

from workbench.showcases.trebuchet.parameters import TrebuchetParameters


@pytest.fixture(autouse=True)
def generated_python(monkeypatch):
    """Derivatives run as generated Python: machine code is for the notebooks and for the native tier's own tests."""
    monkeypatch.setenv("WORKBENCH_NATIVE", "python")


@pytest.fixture(scope="session")
def smoke() -> TrebuchetParameters:
    """The smallest size that goes through everything."""
    return TrebuchetParameters.from_preset("smoke")
