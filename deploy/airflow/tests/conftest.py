"""One broker, one warehouse and one Airflow for all tests that need them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import closing

import pytest

# Airflow writes its configuration there when it is imported first, which the modules below do.
_HOME = tempfile.TemporaryDirectory(prefix="millrace-airflow-import-")
os.environ["AIRFLOW_HOME"] = _HOME.name


from tests.kit.airflow import Airflow
from tests.kit.broker import Broker
from tests.kit.mill import Mill


@pytest.fixture(scope="session")
def broker() -> Iterator[Broker]:
    """A private RabbitMQ."""
    with closing(Broker()) as broker:
        yield broker


@pytest.fixture(scope="session")
def mill(broker: Broker) -> Iterator[Mill]:
    """Workers of every stage, over the sample."""
    with closing(Mill(broker)) as mill:
        mill.drop_sample()
        mill.start("ingest", "transform", "dq")
        yield mill


@pytest.fixture(scope="session")
def airflow(broker: Broker) -> Iterator[Airflow]:
    """Airflow, with the rights of its own user at the broker."""
    with closing(Airflow(broker)) as airflow:
        yield airflow
