"""How many requests there were, how they ended and how long they took, as Prometheus reads it."""

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib import import_module

FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client's own name for where processes count together
MEMORY = "/dev/shm"  # where Linux keeps shared memory
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class Metrics:
    """The counts of one process; `text` adds up those of all processes that count together."""

    # prometheus_client is imported late: as it is, it looks whether processes count together

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics

        disable_created_metrics()  # several workers have none
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "glassform_http_requests",
            "Requests by resource, method and status.",
            ["resource", "method", "status"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "glassform_http_request_duration_seconds",
            "Seconds from the request to the beginning of its answer.",
            ["resource"],
            buckets=SECONDS,
            registry=self.registry,
        )
        # a child for each set of labels, found without the library's own lock
        self.counter = cache(lambda *labels: self.requests.labels(*labels))
        self.timer = cache(lambda resource: self.seconds.labels(resource))

    def count(self, resource: str, method: str, status: str, seconds: float) -> None:
        """Count a request; methods nobody has heard of count as one."""
        self.counter(resource, method if method in METHODS else "other", status).inc()
        self.timer(resource).observe(seconds)

    def text(self, models: Iterable[Mapping[str, str]], refused: bool) -> str:
        """Return all counts, the models served, and whether a newer one is refused, in Prometheus's text format."""
        from prometheus_client import CollectorRegistry, Gauge, generate_latest
        from prometheus_client.multiprocess import MultiProcessCollector

        counts, served = self.registry, CollectorRegistry()
        if FOLDER in os.environ:
            counts = CollectorRegistry()
            MultiProcessCollector(counts)
        info = Gauge("glassform_model_info", "The models being served.", ["name", "version"], registry=served)
        for model in models:
            info.labels(*model.values()).set(1)
        cannot = "Whether the version promoted last cannot be read, so that another one is served."
        Gauge("glassform_model_refused", cannot, registry=served).set(refused)
        return (generate_latest(counts) + generate_latest(served)).decode()


def folder_of_counts() -> str | None:
    """Return a folder that scratch files do not fill: a worker dies if there is no room for its counts."""
    return MEMORY if os.access(MEMORY, os.W_OK | os.X_OK) else None


@contextmanager
def shared() -> Iterator[None]:
    """Let processes that are started meanwhile count together, in files of a folder."""
    os.environ[FOLDER] = tempfile.mkdtemp(prefix="glassform-metrics-", dir=folder_of_counts())
    import_module("prometheus_client")  # once for all of them
    try:
        yield
    finally:
        shutil.rmtree(os.environ.pop(FOLDER), ignore_errors=True)
