"""Which schedulers are connected to, and which are refused."""

import pytest

from workbench.errors import MachineError, ParameterError
from workbench.sweeps.cluster import check_address, connected


@pytest.mark.parametrize(
    "address", ["tcp://127.0.0.1:8786", "tcp://localhost:8786", "tcp://[::1]:8786", "tls://h:1"]
)
def test_addresses_that_are_used(address):
    check_address(address, insecure=False)


@pytest.mark.parametrize(
    "address", ["tcp://10.0.0.7:8786", "tcp://cluster:8786", "tcp://127.0.0.1.evil.org:8786"]
)
def test_unencrypted_addresses_of_other_machines(address):
    with pytest.raises(ParameterError, match="would not be encrypted"):
        check_address(address, insecure=False)
    check_address(address, insecure=True)


@pytest.mark.parametrize(
    "address",
    ["", "cluster", "http://h:1", "ucx://h:1", "inproc://1", "tcp://", "tcp://h", "tcp://h:x", "tls://h:1/x"],
)
def test_what_is_no_address(address):
    with pytest.raises(ParameterError, match="no scheduler's address"):
        check_address(address, insecure=True)


def test_nobody_answers(monkeypatch):
    monkeypatch.setattr("workbench.sweeps.cluster.CONNECT_SECONDS", 1)
    with pytest.raises(MachineError, match="no scheduler answers"), connected("tcp://127.0.0.1:9", jobs=1):
        pass


def test_tls_without_certificates():
    with pytest.raises(MachineError, match="CA_FILE"), connected("tls://127.0.0.1:9", jobs=1):
        pass
