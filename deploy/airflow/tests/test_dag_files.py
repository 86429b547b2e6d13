"""The DAGs can be read, and their forms take what they say."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import ParamValidationError

from tests.kit.airflow import DAGS

FILES = sorted(DAGS.glob("*.py"))


def _dag(path: Path) -> DAG:
    dag = runpy.run_path(str(path))["dag"]
    assert isinstance(dag, DAG)
    return dag


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_dag_is_called_as_its_file_and_its_form_has_valid_defaults(path: Path) -> None:
    dag = _dag(path)
    assert dag.dag_id == path.stem
    assert dag.doc_md or dag.description
    dag.params.validate()


def _accepts(dag_id: str, **values: Any) -> bool:
    dag = _dag(DAGS / f"{dag_id}.py")
    try:
        for name, value in values.items():
            dag.params[name] = value
    except ParamValidationError:
        return False
    return True


def test_a_form_refuses_what_no_command_can_say() -> None:
    ingestion = "mfg_raw_ingestion_dag"
    assert _accepts(ingestion, sources=["batches"], files=["a.csv"], as_of="2026-11-23T00:00:00Z", full_refresh=True)
    assert _accepts(ingestion, as_of=None)
    assert not _accepts(ingestion, sources="batches")
    assert not _accepts(ingestion, sources=[7])
    assert not _accepts(ingestion, as_of="yesterday")
    assert not _accepts("mfg_dbt_transform_dag", full_refresh="perhaps")


def test_the_three_stages_follow_each_other() -> None:
    dag = _dag(DAGS / "mfg_raw_ingestion_dag.py")
    assert [(task.task_id, sorted(task.downstream_task_ids)) for task in dag.tasks] == [
        ("ingest", ["transform"]),
        ("transform", ["dq"]),
        ("dq", []),
    ]
