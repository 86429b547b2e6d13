"""The Compose files, held against what they are about: `.env.example`, the repository's files, Airflow's and millrace's settings.

No container is started. Where Docker Compose is installed, it reads the files too; elsewhere that test is skipped.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from airflow.configuration import conf

from tests.kit import AIRFLOW, REPOSITORY
from tests.kit.mill import binary

DOCKER = REPOSITORY / "deploy/docker"
FILES = ("compose.yaml", "compose.embedded.yaml", "compose.metrics.yaml", "compose.snowflake.yaml")
# As the files and the read-me say that they are started.
COMBINATIONS = (
    ("compose.yaml",),
    ("compose.yaml", "compose.metrics.yaml"),
    ("compose.yaml", "compose.snowflake.yaml"),
    ("compose.yaml", "compose.snowflake.yaml", "compose.metrics.yaml"),
    ("compose.embedded.yaml",),
)
# Not kept running: it sets up and ends, or is started by people.
ONE_SHOT = {"airflow-init", "operator"}
# What is told by name alone what it needs. All others read .env.
STRANGERS = {"postgres", "rabbitmq", "jaeger", "prometheus", "grafana"}


def _read(name: str) -> Any:
    return yaml.safe_load((REPOSITORY / name).read_text())


SERVICES = {
    (file, name): service
    for file in FILES
    for name, service in _read(file)["services"].items()
    # What is only laid over another file's has neither.
    if "image" in service or "build" in service
}
EXAMPLE = (REPOSITORY / ".env.example").read_text()
# Without a value: env.sh makes one.
NEEDED = set(re.findall(r"^([A-Z_]+)=$", EXAMPLE, re.MULTILINE))
EXPLAINED = NEEDED | set(re.findall(r"^# ([A-Z_]+)=", EXAMPLE, re.MULTILINE))

every_service = pytest.mark.parametrize(("file", "name"), SERVICES, ids=lambda part: str(part).removesuffix(".yaml"))


def _environment(file: str, name: str) -> dict[str, str]:
    return dict(SERVICES[file, name].get("environment", {}))


def _example_sets(prefix: str) -> dict[str, str]:
    """What `.env.example` shows commented out, with its values."""
    return dict(re.findall(rf"^# ({prefix}[A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE))


def _image_sets() -> dict[str, str]:
    """The image's own settings."""
    return dict(re.findall(r"(MILLRACE_[A-Z_]+)=(\S+)", (DOCKER / "Dockerfile").read_text()))


def _env_sh(folder: Path) -> dict[str, str]:
    """Runs env.sh as in a checkout that lies in this folder."""
    (folder / "deploy/docker").mkdir(parents=True, exist_ok=True)
    shutil.copy(DOCKER / "env.sh", folder / "deploy/docker")
    shutil.copy(REPOSITORY / ".env.example", folder)
    subprocess.run([str(folder / "deploy/docker/env.sh")], check=True, capture_output=True)
    lines = (line for line in (folder / ".env").read_text().splitlines() if line and not line.startswith("#"))
    return dict(line.split("=", 1) for line in lines)


def test_every_variable_of_the_files_is_explained_and_every_needed_one_is_asked_for() -> None:
    texts = {file: re.sub(r"^\s*#.*$", "", (REPOSITORY / file).read_text(), flags=re.MULTILINE) for file in FILES}
    used = {name for text in texts.values() for name in re.findall(r"\$\{([A-Z_]+)", text)}
    assert used <= EXPLAINED, f"not explained in .env.example: {sorted(used - EXPLAINED)}"
    assert used >= NEEDED, f"asked of people, and used by no file: {sorted(NEEDED - used)}"
    # A variable that is absent must not pass for an empty password.
    for file, text in texts.items():
        silent = [name for name, rest in re.findall(r"\$\{([A-Z_]+)(.?.?)", text) if name in NEEDED and rest != ":?"]
        assert not silent, f"{file} takes an empty {silent}"


def test_every_explained_variable_is_read_by_somebody() -> None:
    sources = [path for path in (REPOSITORY / "workers").rglob("*.rs") if "tests" not in path.parts]
    code = "".join(path.read_text() for path in sources)
    otel = (REPOSITORY / "deploy/otel/README.md").read_text()
    # An administrator's own, which the code makes from its parts.
    read_as = {name: name.replace("SNOWFLAKE_ADMIN_", "SNOWFLAKE_") for name in EXPLAINED}
    assert not [name for name in EXPLAINED if name.startswith("SNOWFLAKE_") and f'"{read_as[name]}"' not in code]
    assert not [name for name in EXPLAINED if name.startswith("OTEL_") and f"`{name}`" not in otel]
    known = ("SNOWFLAKE_", "OTEL_", "MILLRACE_", "AIRFLOW__", "OPENLINEAGE_")
    assert not [name for name in EXPLAINED - NEEDED if not name.startswith(known)]


def test_what_is_read_of_snowflake_is_explained() -> None:
    folder = REPOSITORY / "workers/warehouse/src/snowflake/settings"
    read = set(re.findall(r'"(SNOWFLAKE_[A-Z_]+)"', (folder / "read.rs").read_text()))
    # The same by another name.
    assert read - {"SNOWFLAKE_PRIVATE_KEY_FILE"} <= EXPLAINED


def test_env_sh_sets_what_is_needed_and_keeps_what_is_set(tmp_path: Path) -> None:
    written = _env_sh(tmp_path)
    assert set(written) == NEEDED
    assert len(set(written.values())) == len(NEEDED), "two secrets are the same"
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{20,}=?", value) for value in written.values())
    assert len(written["AIRFLOW__API_AUTH__JWT_SECRET"]) >= 64
    assert (tmp_path / ".env").stat().st_mode & 0o077 == 0
    assert _env_sh(tmp_path) == written, "a second run changed something"

    # As before an upgrade, and with what people had set.
    kept = [f"{name}={value}" for name, value in written.items() if name != "POSTGRES_PASSWORD"]
    (tmp_path / ".env").write_text("\n".join([*kept, "RABBITMQ_DQ_PASSWORD=", "SNOWFLAKE_PASSWORD=", "MINE=1"]))
    upgraded = _env_sh(tmp_path)
    assert upgraded["POSTGRES_PASSWORD"]
    assert upgraded["RABBITMQ_DQ_PASSWORD"] not in ("", written["RABBITMQ_DQ_PASSWORD"])
    assert (upgraded["SNOWFLAKE_PASSWORD"], upgraded["MINE"]) == ("", "1")
    assert upgraded["RABBITMQ_INGEST_PASSWORD"] == written["RABBITMQ_INGEST_PASSWORD"]


@every_service
def test_a_service_is_looked_after(file: str, name: str) -> None:
    service = SERVICES[file, name]
    assert service["restart"] == ("no" if name in ONE_SHOT else "unless-stopped")
    assert "driver" in service["logging"], "its log would fill the disk"
    if name in ONE_SHOT:
        assert service["healthcheck"] == {"disable": True}
    elif service["image"] == "millrace":
        assert "healthcheck" not in service, "the image has one"
        assert "\nHEALTHCHECK " in (DOCKER / "Dockerfile").read_text()
        assert int(service["stop_grace_period"].removesuffix("s")) > 60, "shutdown.drain_secs is 60"
    else:
        assert service["healthcheck"]["test"]
    assert (name not in STRANGERS) == ("env_file" in service)
    for needed, how in service.get("depends_on", {}).items():
        ends = needed in ONE_SHOT
        assert how["condition"] == ("service_completed_successfully" if ends else "service_healthy")


@every_service
def test_ports_are_open_to_this_machine_only(file: str, name: str) -> None:
    for port in SERVICES[file, name].get("ports", []):
        assert str(port).startswith("127.0.0.1:"), port


@every_service
def test_what_is_mounted_exists_and_volumes_are_declared(file: str, name: str) -> None:
    service, whole = SERVICES[file, name], _read(file)
    for mount in service.get("volumes", []):
        source, target, *mode = mount.split(":")
        if source.startswith("./"):
            assert (REPOSITORY / source).exists(), f"{source} is not there"
            assert mode == ["ro"], f"{source} could be changed from within"
        else:
            assert source in whole["volumes"]
        if service["image"] == "millrace-airflow":
            assert target.startswith("/opt/airflow/")
    for config in service.get("configs", []):
        assert config["source"] in whole["configs"]


@every_service
def test_no_service_sees_the_secret_of_another(file: str, name: str) -> None:
    service = SERVICES[file, name]
    if file != "compose.yaml" or name in STRANGERS:
        # compose.embedded.yaml has one process, and needs no secret of these.
        return
    environment = _environment(file, name)
    secrets = NEEDED | {each for each in EXPLAINED if re.search(r"PASSWORD|PASSPHRASE", each)}
    assert secrets <= set(environment), f"would come from .env: {sorted(secrets - set(environment))}"
    told = {each for value in environment.values() for each in re.findall(r"\$\{([A-Z_]+)", str(value))}
    own = {f"RABBITMQ_{name.upper()}_PASSWORD"}
    if service["image"] == "millrace-airflow":
        own = {each for each in NEEDED if each.startswith("AIRFLOW__")} | {
            "POSTGRES_PASSWORD",
            "RABBITMQ_AIRFLOW_PASSWORD",
        }
    assert told == own


@every_service
def test_airflow_knows_what_is_set(file: str, name: str) -> None:
    known = conf.configuration_description
    for variable in _environment(file, name) | _example_sets("AIRFLOW__"):
        if not variable.startswith("AIRFLOW__"):
            continue
        _, section, key = variable.split("__")
        if section != "MILLRACE":
            assert key.lower() in known[section.lower()]["options"], f"Airflow has no {variable}"


def test_airflow_finds_dags_and_package() -> None:
    service = SERVICES["compose.yaml", "airflow-triggerer"]
    mounts = dict(mount.split(":")[:2] for mount in service["volumes"])
    assert mounts["./deploy/airflow/dags"] == "/opt/airflow/dags", "Airflow's own place"
    path = re.search(r"^ENV PYTHONPATH=(\S+)$", (DOCKER / "airflow.Dockerfile").read_text(), re.MULTILINE)
    assert path
    assert mounts["./deploy/airflow/src"] == path[1]


def _check(folder: Path, settings: dict[str, str]) -> str:
    """What `millrace check` says to these settings, away from every broker."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("MILLRACE_", "SNOWFLAKE_", "OTEL_"))
    }
    elsewhere = {
        "MILLRACE_BUS__URL": f"sqlite:{folder}/bus.sqlite",
        "MILLRACE_WAREHOUSE__URL": f"duckdb:{folder}/warehouse.duckdb",
    }
    ended = subprocess.run(
        [str(binary()), "check"],
        cwd=folder,
        env=kept | {name: str(value) for name, value in settings.items()} | elsewhere,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return ended.stdout + ended.stderr


def test_millrace_knows_what_is_set(tmp_path: Path) -> None:
    everywhere = _image_sets() | _example_sets("MILLRACE_")
    for file, name in SERVICES:
        everywhere |= {key: value for key, value in _environment(file, name).items() if key.startswith("MILLRACE_")}
    said = _check(tmp_path, everywhere)
    assert "raw folder" in said, said
    assert "the settings can't be used" not in said, said
    assert "the settings can't be used" in _check(tmp_path, everywhere | {"MILLRACE_PATHS__RAWS": "/data/raw"})


def test_versions_agree() -> None:
    lock = (AIRFLOW / "requirements.lock").read_text()
    version = re.search(r"^apache-airflow==(\S+)", lock, re.MULTILINE)
    base = re.search(
        r"^FROM apache/airflow:(\S+)-python3\.\d+$", (DOCKER / "airflow.Dockerfile").read_text(), re.MULTILINE
    )
    assert version
    assert base
    assert base[1] == version[1]
    pins = re.findall(
        r"^\S+==\S+ \\\n(?:    --hash=\S+(?: \\)?\n)+", (DOCKER / "airflow.lock").read_text(), re.MULTILINE
    )
    assert {pin.split("==")[0] for pin in pins} == {"pika", "aio-pika", "aiormq", "pamqp"}
    assert all(pin in lock for pin in pins), "deploy/docker/airflow.lock differs from deploy/airflow/requirements.lock"

    text = (DOCKER / "Dockerfile").read_text()
    assert len(set(re.findall(r"^FROM (python:\S+)", text, re.MULTILINE))) == 1, (
        "dbt's environment needs its own Python"
    )
    toolchain = re.search(r"^FROM rust:1\.(\d+)", text, re.MULTILINE)
    least = re.search(r'^rust-version = "1\.(\d+)"', (REPOSITORY / "Cargo.toml").read_text(), re.MULTILINE)
    assert toolchain
    assert least
    assert int(toolchain[1]) >= int(least[1])


@pytest.mark.parametrize("name", ["Dockerfile", "airflow.Dockerfile"])
def test_what_an_image_copies_is_in_its_context(name: str) -> None:
    let_in = [line[1:] for line in (REPOSITORY / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert all((REPOSITORY / each).exists() for each in let_in)
    copies = re.findall(r"^COPY (?!--from)(.+) \S+$", (DOCKER / name).read_text(), re.MULTILINE)
    assert copies
    for source in set(" ".join(copies).split()) - {"."}:
        assert list(REPOSITORY.glob(source)), f"{source} is not there"
        assert any(f"{source}/".startswith(f"{each}/") for each in let_in), f"{source} is left out"


def _compose(folder: Path, files: tuple[str, ...], **variables: str) -> subprocess.CompletedProcess[str]:
    arguments = [argument for file in files for argument in ("--file", str(folder / file))]
    kept = {name: value for name, value in os.environ.items() if name not in EXPLAINED}
    return subprocess.run(
        ["docker", "compose", *arguments, "--profile", "*", "config", "--quiet"],  # noqa: S607
        cwd=folder,
        env=kept | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("files", COMBINATIONS, ids="+".join)
def test_compose_reads_the_files(files: tuple[str, ...], tmp_path: Path) -> None:
    try:
        here = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0  # noqa: S607
    except FileNotFoundError:
        here = False
    if not here:
        pytest.skip("Docker Compose is not installed, so only the parser of YAML has read the files")
    for file in files:
        shutil.copy(REPOSITORY / file, tmp_path)
    refused = _compose(tmp_path, files)
    if "compose.yaml" in files:
        assert "run deploy/docker/env.sh" in refused.stderr, "nothing said what to do without .env"
    _env_sh(tmp_path)
    read = _compose(tmp_path, files, SNOWFLAKE_ACCOUNT="myorg-plant")
    assert (read.returncode, read.stderr) == (0, "")
