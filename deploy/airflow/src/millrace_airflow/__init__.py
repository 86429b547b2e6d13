"""Asks millrace for loads, builds and verdicts from Airflow, and waits for the answers without holding a slot."""

from millrace_airflow.operator import MillraceOperator

__all__ = ["MillraceOperator"]
