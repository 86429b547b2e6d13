"""Internal stages, which lie in what the emulator has for S3."""

import os
import re
import secrets
import shutil
import uuid
from dataclasses import dataclass
from email.utils import formatdate

from sqlglot import exp

from . import errors, fake, sql

BUCKET = "sfc-emulated-customer-stage"
REGION = "us-east-1"
_ACCOUNT = "ab12-s-emul0001/stages"
_DEFAULT_PARALLEL = 4
_THRESHOLD = 209_715_200


@dataclass
class Credentials:
    key_id: str
    secret: str
    token: str
    prefix: str
    """What they let their owner write."""


@dataclass
class StagedFile:
    path: str
    size: int
    md5: str
    modified: float


class Stages:
    def __init__(self, settings):
        self.folder = os.path.join(settings.folder, "objects")
        os.makedirs(self.folder, exist_ok=True)
        self.ids: dict[tuple[str, str, str], str] = {}
        self.credentials: dict[str, Credentials] = {}
        self.files: dict[str, StagedFile] = {}
        """By key: what lies in the bucket."""

    def locate(self, text: str, session) -> tuple[tuple[str, str, str], str]:
        """The stage and the path in it that `@db.schema.stage/path` names."""
        text = text.strip()
        if text.startswith("'") and text.endswith("'"):
            text = text[1:-1]
        found = re.fullmatch(r'@((?:"[^"]+"|[\w$]+)(?:\.(?:"[^"]+"|[\w$]+)){0,2})(?:/(.*))?', text, re.DOTALL)
        if not found:
            raise errors.unsupported(f"stage such as {text!r}: it has internal stages with a name")
        parts = [part[1:-1] if part.startswith('"') else part.upper() for part in re.findall(r'"[^"]+"|[\w$]+', found[1])]
        connection = session.connection
        parts = [connection.database, connection.schema][: 3 - len(parts)] + parts
        if len(parts) < 3 or tuple(parts) not in self.ids:
            raise errors.missing("Stage", ".".join(str(part) for part in parts))
        return tuple(parts), (found[2] or "").lstrip("/")

    def prefix(self, stage: tuple[str, str, str]) -> str:
        return f"{_ACCOUNT}/{self.ids[stage]}/"

    def below(self, stage: tuple[str, str, str], path: str) -> dict[str, StagedFile]:
        """The files whose path in the stage begins with `path`, by that path."""
        prefix = self.prefix(stage)
        begin = prefix + path
        return {key[len(prefix) :]: self.files[key] for key in sorted(self.files) if key.startswith(begin)}

    def place(self, key: str) -> str:
        """Where the object with this key lies; never outside the folder."""
        path = os.path.normpath(os.path.join(self.folder, key))
        if not path.startswith(self.folder + os.sep):
            raise errors.ServiceError("000001", f"{key!r} is no key")
        return path

    def drop(self, key: str) -> None:
        os.remove(self.files.pop(key).path)


def define(state, session, expression: exp.Expr) -> fake.Result:
    """CREATE STAGE and DROP STAGE."""
    stages = state.stages
    table = expression.find(exp.Table)
    name = sql.full_name(table, session)
    if isinstance(expression, exp.Drop):
        if name in stages.ids:
            _forget(state, name)
        elif not expression.args.get("exists"):
            raise errors.missing("Stage", ".".join(name))
        return fake.status(f"{name[2]} successfully dropped.")
    if not state.warehouse.has_schema(name[0], name[1]):
        raise errors.missing("Schema", f"{name[0]}.{name[1]}")
    if name in stages.ids:
        if expression.args.get("exists"):
            return fake.status(f"{name[2]} already exists, statement succeeded.")
        if not expression.args.get("replace"):
            raise errors.compilation("002002", f"Object '{'.'.join(name)}' already exists.", "42710")
        _forget(state, name)
    stages.ids[name] = str(uuid.uuid4())
    state.warehouse.record_stage(name, sql.comment_of(expression))
    return fake.status(f"Stage area {name[2]} successfully created.")


def _forget(state, name: tuple[str, str, str]) -> None:
    prefix = state.stages.prefix(name)
    for key in [key for key in state.stages.files if key.startswith(prefix)]:
        del state.stages.files[key]
    shutil.rmtree(state.stages.place(prefix), ignore_errors=True)
    del state.stages.ids[name]
    state.warehouse.forget_stage(name)


def put(state, session, expression: exp.Put) -> dict:
    """Where the client is to upload to, and with what credentials: as of a stage on S3 that encrypts by itself."""
    stages = state.stages
    stage, path = stages.locate(expression.args["target"].name, session)
    path = path if not path or path.endswith("/") else path + "/"
    source = expression.this.name.removeprefix("file://")
    options = {}
    for one in (expression.args.get("properties") or exp.Properties(expressions=[])).expressions:
        options[one.name.upper()] = one.args["value"].name.upper() or one.args["value"].sql().upper()
    prefix = stages.prefix(stage) + path
    made = Credentials(
        key_id=f"ASIA{secrets.token_hex(8).upper()}",
        secret=secrets.token_urlsafe(30),
        token=secrets.token_urlsafe(120),
        prefix=prefix,
    )
    stages.credentials[made.token] = made
    info = {
        "locationType": "S3",
        "location": f"{BUCKET}/{prefix}",
        "path": prefix,
        "region": REGION,
        "storageAccount": None,
        "isClientSideEncrypted": False,
        "creds": {
            "AWS_KEY_ID": made.key_id,
            "AWS_SECRET_KEY": made.secret,
            "AWS_TOKEN": made.token,
            "AWS_ID": made.key_id,
            "AWS_KEY": made.secret,
        },
        "presignedUrl": None,
        "endPoint": state.settings.host,
        "useS3RegionalUrl": False,
    }
    return {
        "uploadInfo": info,
        "stageInfo": info,
        "src_locations": [source],
        "parallel": int(options.get("PARALLEL", _DEFAULT_PARALLEL)),
        "threshold": _THRESHOLD,
        "autoCompress": options.get("AUTO_COMPRESS", "TRUE") == "TRUE",
        "overwrite": options.get("OVERWRITE", "FALSE") == "TRUE",
        "sourceCompression": options.get("SOURCE_COMPRESSION", "AUTO_DETECT").lower(),
        "clientShowEncryptionParameter": True,
        "encryptionMaterial": None,
        "command": "UPLOAD",
        "kind": None,
        "operation": "Node",
    }


def list_files(state, session, expression: exp.ListStage) -> fake.Result:
    stage, path = state.stages.locate(expression.this.name, session)
    files = state.stages.below(stage, path)
    if pattern := expression.args.get("pattern"):
        files = {name: file for name, file in files.items() if re.fullmatch(pattern.name, f"{stage[2].lower()}/{name}")}
    return fake.rows(
        {
            "name": [f"{stage[2].lower()}/{name}" for name in files],
            "size": [file.size for file in files.values()],
            "md5": [file.md5 for file in files.values()],
            "last_modified": [formatdate(file.modified, usegmt=True) for file in files.values()],
        }
    )


def remove(state, session, expression: exp.Command) -> fake.Result:
    stage, path = state.stages.locate(expression.expression.name, session)
    names = list(state.stages.below(stage, path))
    for name in names:
        state.stages.drop(state.stages.prefix(stage) + name)
    return fake.rows({"name": [f"{stage[2].lower()}/{name}" for name in names], "result": ["removed"] * len(names)})
