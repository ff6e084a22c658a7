import pytest

from workbench.showcases.trebuchet.parameters import TrebuchetParameters


@pytest.fixture(scope="session")
def smoke() -> TrebuchetParameters:
    """The smallest size that goes through everything."""
    return TrebuchetParameters.from_preset("smoke")
