"""One station for all tests here: a broker, workers, a Jaeger where there is one, and an Airflow of four processes.

Apart from those of the tests beside this folder, which leave files and answers behind. Whoever ends a part of it starts it again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.kit import AIRFLOW, wait_for
from tests.kit.broker import Broker
from tests.kit.jaeger import Jaeger
from tests.kit.mill import Mill
from tests.kit.station import Station

# Sources that no model depends on: quick to load, and nothing of the sample's is changed by them.
SOURCES = AIRFLOW / "tests/whole/sources"


@pytest.fixture(scope="session")
def broker() -> Iterator[Broker]:
    """A private RabbitMQ."""
    with closing(Broker()) as broker:
        yield broker


@pytest.fixture(scope="session")
def jaeger() -> Iterator[Jaeger | None]:
    """A private Jaeger; none where nobody has built it."""
    program = Jaeger.find()
    jaeger = Jaeger(program) if program else None
    try:
        yield jaeger
    finally:
        if jaeger:
            jaeger.close()


@pytest.fixture(scope="session")
def mill(broker: Broker, jaeger: Jaeger | None) -> Iterator[Mill]:
    """Workers of every stage, over the sample."""
    traced = (
        {"OTEL_EXPORTER_OTLP_ENDPOINT": jaeger.otlp_grpc_url(), "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"} if jaeger else {}
    )
    with closing(Mill(broker, traced, SOURCES)) as mill:
        mill.drop_sample()
        mill.start("ingest", "transform", "dq")
        yield mill


@pytest.fixture(scope="session")
def _station(broker: Broker, jaeger: Jaeger | None) -> Iterator[Station]:
    traced = {
        "AIRFLOW__TRACES__OTEL_ON": "True",
        "OTEL_TRACES_EXPORTER": "otlp_proto_http",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_SERVICE_NAME": "airflow",
    }
    station = Station(
        broker,
        traced
        | {
            "OTEL_EXPORTER_OTLP_ENDPOINT": jaeger.otlp_http_url(),
            "AIRFLOW__MILLRACE__TRACE_URL": jaeger.trace_url(),
        }
        if jaeger
        else {},
    )
    with closing(station):
        yield station


@pytest.fixture
def station(_station: Station, mill: Mill, broker: Broker) -> Iterator[Station]:
    """The station. No test leaves files behind, nor an answer that nobody waits for."""
    yield _station
    for contract in SOURCES.glob("*.yaml"):
        for file in (mill.raw / "source_system").glob(f"{contract.stem}_*"):
            file.unlink()
    wait_for("end of the queues of answers", lambda: _answers(broker) == [], 30)


def _answers(broker: Broker) -> list[str]:
    """The queues of answers, but for those of DAGs that events start: they are kept."""
    return [name for name in broker.queues("millrace.answers.") if not name.startswith("millrace.answers.airflow.")]
