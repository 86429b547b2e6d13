"""Keeps dbt warm: parses the project once, then builds on request, or tells what it would build, one request at a time.

    python millrace_dbt.py PROJECT_DIR

JSON lines: requests on stdin, events on stdout, dbt's own words on stderr. The end of stdin ends the process, at once if a
build is running: nobody would hear its result, and it would go on to hold the warehouse. Protocol and reasons are in
README.md beside this file. Where to build is in the environment, see profiles.yml of the project.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

import patience

PROTOCOL = 1

# No files beside the SQL that was run: results travel over stdout, and dbt.log would only grow.
FLAGS = ["--quiet", "--no-use-colors", "--no-write-json", "--no-version-check", "--log-level-file", "none"]

# What `dbt build` builds; `dbt list` knows more, and `dbt compile` analyses too.
BUILT = ["model", "test", "unit_test", "snapshot", "seed", "saved_query", "exposure", "function"]

Json = dict[str, Any]


def take_stdout() -> TextIO:
    """Keeps file descriptor 1 for the protocol and sends what anybody else prints to stderr."""
    events = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    return events


class Events:
    """Writes one JSON line per event; dbt's threads finish nodes at the same time, hence the lock."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._lock = threading.Lock()

    def send(self, event: str, **fields: Any) -> None:
        line = json.dumps({"event": event, **fields}, default=str)
        with self._lock:
            self._out.write(line + "\n")
            self._out.flush()


class Requests:
    """Lines of stdin, read by a thread of their own so that its end is noticed in the middle of a build."""

    def __init__(self) -> None:
        self._lines: queue.Queue[str | None] = queue.Queue()
        self.busy = False
        threading.Thread(target=self._read, name="stdin", daemon=True).start()

    def _read(self) -> None:
        for line in sys.stdin:
            self._lines.put(line)
        if self.busy:
            os._exit(3)  # open transactions roll back when the file is next opened
        self._lines.put(None)

    def __iter__(self) -> Iterator[str]:
        while (line := self._lines.get()) is not None:
            if line.strip():
                self.busy = True
                yield line
                self.busy = False


def utc(timestamp: str | None) -> str | None:
    """dbt's timestamps carry no zone and are UTC."""
    return f"{timestamp}Z" if timestamp and "+" not in timestamp and not timestamp.endswith("Z") else timestamp


@contextmanager
def warehouse_released() -> Iterator[None]:
    """dbt-duckdb keeps the file open, and so locked, after a run. Let go of it, whatever happened. On Snowflake dbt itself
    logs out after each run, so that no session grows old in here."""
    try:
        yield
    finally:
        adapter = sys.modules.get("dbt.adapters.duckdb.connections")
        if adapter is not None:
            manager = adapter.DuckDBConnectionManager
            with manager._LOCK:
                if manager._ENV is not None:
                    manager._ENV.close()
                    manager._ENV = None


class Dbt:
    """The parsed project. `invoke` runs one dbt command on it without parsing again."""

    def __init__(self, project_dir: str) -> None:
        from dbt.cli.main import dbtRunner

        self._runner = dbtRunner
        self._where = ["--project-dir", project_dir, "--profiles-dir", project_dir]
        self.manifest = None
        # True once every model has a table: then nobody has to look again.
        self._all_built = False
        parsed = self.invoke(["parse"])
        if parsed.exception or not parsed.result:
            raise parsed.exception or RuntimeError("dbt could not parse the project")
        self.manifest = parsed.result

    def invoke(self, command: list[str], callback: Any = None, manifest: Any = None) -> Any:
        callbacks = [callback] if callback else []
        runner = self._runner(manifest=manifest or self.manifest, callbacks=callbacks)
        return runner.invoke([*FLAGS, *command, *self._where])

    def build(self, request: Json, callback: Any) -> Any:
        select = [*request["select"], *self._unbuilt_ancestors(request["select"])]
        done = self.invoke(["build", "--select", *select, *self._options(request)], callback)
        self._all_built = self._all_built and done.success
        return done

    def _options(self, request: Json) -> list[str]:
        options = ["--full-refresh"] if request.get("full_refresh") else []
        return [*options, "--vars", json.dumps(request["vars"])] if request.get("vars") else options

    def plan(self, request: Json, tell: Callable[[Json], None]) -> bool:
        """Tells the nodes that `build` would build, and compiles them as it would, which asks the warehouse what the models ask
        it. Says whether there are any."""
        select = ["--select", *request["select"], *self._unbuilt_ancestors(request["select"])]
        kinds = [word for kind in BUILT for word in ("--resource-type", kind)]
        keys = ["--output", "json", "--output-keys", "unique_id", "name", "resource_type"]
        listed = self.invoke(["list", *keys, *kinds, *select])
        if listed.exception:
            raise listed.exception
        for line in listed.result or []:
            tell(json.loads(line))
        if not listed.result:
            return False
        # A build must never find what was compiled for this: hence the copy of the project, and a target that is thrown away.
        # In one thread: the first model that does not compile ends the command, and dbt does not wait for its other threads.
        # Named by this process, for whoever has to kill it.
        prefix = f"dry-run-{os.getpid()}-"
        with tempfile.TemporaryDirectory(prefix=prefix, dir=os.environ.get("DBT_TARGET_PATH")) as target:
            where = ["--single-threaded", "compile", "--target-path", target]
            command = [*where, "--exclude", "resource_type:analysis", *select, *self._options(request)]
            compiled = self.invoke(command, manifest=self.manifest.deepcopy())
        if compiled.exception:
            raise compiled.exception
        return True

    def _unbuilt_ancestors(self, select: list[str]) -> list[str]:
        """Models which the selection reads but which the warehouse does not have yet, see macros/missing_models.sql."""
        if self._all_built:
            return []
        missing = self._missing_models()
        self._all_built = not missing
        if not missing:
            return []
        listed = self.invoke(["list", "--output", "json", "--output-keys", "unique_id", "--select", *select])
        todo = [json.loads(line)["unique_id"] for line in listed.result or []]
        ancestors: set[str] = set()
        while todo:
            parents = self.manifest.parent_map.get(todo.pop(), [])
            todo += set(parents) - ancestors
            ancestors.update(parents)
        return [self.manifest.nodes[unique_id].name for unique_id in missing if unique_id in ancestors]

    def _missing_models(self) -> list[str]:
        printed: list[str] = []

        def listen(event: Any) -> None:
            if event.info.msg.startswith("missing_models: "):
                printed.append(event.info.msg.removeprefix("missing_models: "))

        done = self.invoke(["run-operation", "missing_models"], listen)
        if done.exception:
            raise done.exception
        if not printed:  # a connection that fails is told as the operation's result, not raised
            results = getattr(done.result, "results", None)
            raise RuntimeError(results[0].message if results else "dbt could not list the models of the warehouse")
        return json.loads(printed[0])


class Build:
    """One build as it is heard from dbt's events."""

    def __init__(self, request_id: str, events: Events, manifest: Any = None) -> None:
        self._id = request_id
        self._events = events
        self._manifest = manifest
        self._told: set[str] = set()
        self.invocation_id: str | None = None

    def listen(self, event: Any) -> None:
        self.invocation_id = event.info.invocation_id
        if event.info.name != "NodeFinished":
            return
        node, result = event.data.node_info, event.data.run_result
        self._told.add(node.unique_id)
        self._events.send(
            "node",
            id=self._id,
            unique_id=node.unique_id,
            name=node.node_name,
            resource_type=node.resource_type,
            materialization=node.materialized if node.resource_type != "test" else None,
            relation=node.node_relation.relation_name or None,
            **self._tested(node.unique_id),
            status=result.status,
            started_at=utc(node.node_started_at or None),
            finished_at=utc(node.node_finished_at or None),
            message=result.message or None,
            failures=result.num_failures if result.status in ("pass", "warn", "fail") else None,
        )

    def _tested(self, unique_id: str) -> Json:
        """What a test looks at, as a relation, and how much it matters: dbt tells neither with the result."""
        test = self._manifest.nodes.get(unique_id) if self._manifest else None
        if test is None or test.resource_type != "test":
            return {}
        parents = test.depends_on.nodes
        tested = getattr(test, "attached_node", None) or (parents[0] if len(parents) == 1 else None)
        node = self._manifest.nodes.get(tested) or self._manifest.sources.get(tested)
        return {"tested": node.relation_name if node else None, "severity": str(test.config.severity).lower()}

    def tell_selected(self, node: Json) -> None:
        """A node that a build would build."""
        unheard = dict.fromkeys(("materialization", "relation", "started_at", "finished_at", "message", "failures"))
        told = {key: node[key] for key in ("unique_id", "name", "resource_type")}
        self._events.send("node", id=self._id, status="selected", **told, **unheard)

    def tell_the_rest(self, results: list[Any]) -> None:
        """Nodes that never ran, because something they read failed, finish without an event."""
        for result in results:
            node = result.node
            if node.unique_id in self._told:
                continue
            self._events.send(
                "node",
                id=self._id,
                unique_id=node.unique_id,
                name=node.name,
                resource_type=str(node.resource_type),
                materialization=node.config.materialized if node.resource_type != "test" else None,
                relation=node.relation_name,
                **self._tested(node.unique_id),
                status=str(result.status),
                started_at=None,
                finished_at=None,
                message=result.message or None,
                failures=None,
            )


def answer(dbt: Dbt, request: Json, events: Events) -> None:
    """Answers one request: its nodes, then `done`. Whatever goes wrong in between is told in `done`."""
    heard = Build(str(request.get("id", "")), events, dbt.manifest)
    started = time.monotonic()
    rc, error = 2, None
    try:
        if request.get("op") not in ("build", "plan") or not request.get("select"):
            raise ValueError('a request needs "op": "build" or "plan", and a "select" that is not empty')
        with warehouse_released():
            rc = plan(dbt, request, heard) if request["op"] == "plan" else build(dbt, request, heard)
    except Exception as exception:
        error = str(exception).strip() or type(exception).__name__
    events.send(
        "done",
        id=request.get("id"),
        rc=rc,
        invocation_id=heard.invocation_id,
        elapsed_secs=round(time.monotonic() - started, 4),
        error=error,
    )


def build(dbt: Dbt, request: Json, heard: Build) -> int:
    done = dbt.build(request, heard.listen)
    results = list(getattr(done.result, "results", None) or [])
    heard.tell_the_rest(results)
    if done.exception:
        raise done.exception
    if not results:
        raise nothing(request)
    return 0 if done.success else 1


def plan(dbt: Dbt, request: Json, heard: Build) -> int:
    if not dbt.plan(request, heard.tell_selected):
        raise nothing(request)
    return 0


def nothing(request: Json) -> ValueError:
    return ValueError(f"nothing to build: no model or test matches {' '.join(request['select'])}")


def main() -> int:
    events = Events(take_stdout())
    requests = Requests()
    try:
        patience.limit()
        with warehouse_released():
            dbt = Dbt(os.path.abspath(sys.argv[1]))
        from dbt.version import get_installed_version

        sources = sorted(f"{s.source_name}.{s.name}" for s in dbt.manifest.sources.values())
        version = get_installed_version().to_version_string(skip_matcher=True)
    except BaseException as exception:
        events.send("fatal", message=str(exception).strip() or type(exception).__name__)
        return 2
    events.send("ready", protocol=PROTOCOL, dbt_version=version, nodes=len(dbt.manifest.nodes), sources=sources)
    for line in requests:
        try:
            request = json.loads(line)
            if not isinstance(request, dict):
                raise ValueError(f"{type(request).__name__} instead of object")
        except ValueError as exception:
            error = f"not a JSON object: {exception}"
            events.send("done", id=None, rc=2, invocation_id=None, elapsed_secs=0, error=error)
            continue
        answer(dbt, request, events)
    return 0


if __name__ == "__main__":
    sys.exit(main())
