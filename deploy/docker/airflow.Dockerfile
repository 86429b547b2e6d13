# Airflow as its project ships it, and the clients of RabbitMQ. Built by compose.yaml, from the repository's root:
#   docker build -f deploy/docker/airflow.Dockerfile -t millrace-airflow .
#
# On Airflow's own image, because its entry point, its user, its folders and its constraints are what Airflow's documentation
# speaks of, and it has the driver of PostgreSQL, which its slim variant lacks. requirements.lock is not installed over it: that
# would take other versions than the image was tested with, for its providers too. The version is the one of requirements.lock,
# and Python the one that `make test-airflow` runs on where Debian 12 does.
FROM apache/airflow:3.3.2-python3.11

COPY deploy/docker/airflow.lock /tmp/airflow.lock
# What these need besides (yarl) is in the image: the import would fail without it.
RUN pip install --no-cache-dir --no-deps --require-hashes --only-binary :all: -r /tmp/airflow.lock \
    && python -c 'import aio_pika, pika, psycopg2'

# DAGs and the package millrace_airflow are mounted, not copied: whoever changes them needs no new image. The package lies on
# Python's path and not in plugins/, of which Airflow imports every file under its bare name: our operator.py would take the
# place of Python's own `operator` in every process.
ENV PYTHONPATH=/opt/airflow/millrace

LABEL org.opencontainers.image.title="millrace-airflow" \
      org.opencontainers.image.description="Apache Airflow with the clients of RabbitMQ that millrace's operator needs" \
      org.opencontainers.image.source="https://github.com/millrace/millrace" \
      org.opencontainers.image.licenses="Apache-2.0"
