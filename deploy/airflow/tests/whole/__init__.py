"""What holds on the four processes of a whole Airflow, over PostgreSQL, with real workers."""
