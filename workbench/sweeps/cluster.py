"""The scheduler and its workers: a private pool on this machine, or a cluster that is already there.

A Dask scheduler runs whatever its clients send. The private pool therefore listens on 127.0.0.1 only and
speaks TLS with a key made for this one sweep, so that other users of the machine cannot talk to it. A cluster
at an address is used as it is; over an unencrypted connection only on this machine, or when asked for.
"""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import re
import signal
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import dask
from distributed import Client, LocalCluster, WorkerPlugin
from distributed.security import Security

from workbench.errors import MachineError, ParameterError

KILLS = 3  # how many workers a run may take down before it counts as failed
CONNECT_SECONDS = 10
SILENT = logging.CRITICAL + 1  # a message to a client that has just closed counts as critical there
_SETTINGS = {
    "distributed.scheduler.allowed-failures": KILLS,
    "distributed.scheduler.worker-saturation": 1.0,  # a waiting run waits at the scheduler, not at a worker
    "distributed.scheduler.http.routes": [],  # the pool's web pages know no password: there are none
    "distributed.worker.http.routes": [],
    "distributed.comm.timeouts.connect": f"{CONNECT_SECONDS}s",
    "logging": {"distributed": "critical", "distributed.nanny": "critical", "distributed.worker": "critical"},
}


def check_address(address: str, *, insecure: bool) -> None:
    """Refuse what is no scheduler's address, and unencrypted addresses of other machines unless ``insecure``.

    Raises:
        ParameterError: see above.
    """
    parts = urlsplit(address)
    try:
        whole = parts.scheme in ("tcp", "tls") and bool(parts.hostname) and parts.port is not None
    except ValueError:  # the port is no number
        whole = False
    if not whole or not re.fullmatch(r"(tcp|tls)://[^/?#@\s]+", address):
        raise ParameterError(
            "this is no scheduler's address",
            found=f"got {address!r}, expected local, tcp://HOST:PORT or tls://HOST:PORT",
            where="--scheduler",
            fix="give the address that `dask scheduler` prints when it starts",
        )
    if parts.scheme == "tcp" and not _on_this_machine(parts.hostname or "") and not insecure:
        raise ParameterError(
            "this connection would not be encrypted: anybody on the network could run programs through it",
            found=f"got {address}",
            where="--scheduler",
            fix="use a tls:// scheduler, or a tunnel to 127.0.0.1; --insecure if the network is yours alone",
        )


def _on_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@contextlib.contextmanager
def connected(scheduler: str, *, jobs: int, insecure: bool = False) -> Iterator[Client]:
    """A client of a private pool of ``jobs`` workers ("local") or of the cluster at an address.

    Raises:
        ParameterError: the address is refused.
        MachineError: nobody answers there, or TLS is not set up.
    """
    for name in ("distributed", "distributed.client", "distributed.gc", "tornado", "asyncio"):
        logging.getLogger(name).setLevel(SILENT)  # what goes wrong is told by the sweep, in words
    with dask.config.set(_SETTINGS):
        if scheduler == "local":
            with _pool(jobs) as client:
                yield client
            return
        check_address(scheduler, insecure=insecure)
        client = _client(scheduler)
        try:
            yield client
        finally:
            client.close(timeout=5)


@contextlib.contextmanager
def _pool(jobs: int) -> Iterator[Client]:
    cluster = LocalCluster(
        n_workers=jobs,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        protocol="tls://",
        security=Security.temporary(),
        dashboard_address="127.0.0.1:0",  # None would take port 8787, and warn where a second sweep runs
        scheduler_kwargs={"dashboard": False},
        silence_logs=SILENT,
        env={"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )
    with cluster, Client(cluster) as client:
        client.register_plugin(_DeafToInterrupts())
        yield client


class _DeafToInterrupts(WorkerPlugin):
    """Ctrl-C in a terminal reaches every process of its group; the driver alone decides what it means."""

    def setup(self, worker: Any) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _client(address: str) -> Client:
    encrypted = address.startswith("tls://")
    try:
        security = Security(require_encryption=True) if encrypted else None
        return Client(address, security=security, timeout=CONNECT_SECONDS, set_as_default=False)
    except OSError as error:
        raise MachineError(
            "no scheduler answers",
            found=str(error).splitlines()[0][:200],
            where=f"--scheduler {address}",
            fix="start one there (`dask scheduler`), or leave --scheduler out to use this machine",
        ) from error
    except (TypeError, ValueError, RuntimeError) as error:
        raise MachineError(
            "the connection to the scheduler could not be made",
            found=str(error)[:200],
            where=f"--scheduler {address}",
            fix="for tls:// tell Dask the certificates: DASK_DISTRIBUTED__COMM__TLS__CA_FILE and "
            "…__TLS__CLIENT__CERT, …__TLS__CLIENT__KEY",
        ) from error
