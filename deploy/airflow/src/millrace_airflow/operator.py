"""The operator: asks a stage, and waits without holding a slot."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook, BaseOperator
from airflow.sdk.configuration import conf
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from millrace_airflow import arguments, ask, report, trace
from millrace_airflow.address import DEFAULT_CONN_ID, Address
from millrace_airflow.messages import STAGES, Answer, Command, Stage, UnreadableError, cancel, reply_queue, timestamp
from millrace_airflow.trace import Trace
from millrace_airflow.trigger import AnswerTrigger

if TYPE_CHECKING:
    from airflow.sdk import Context


# What Airflow's scheduler takes to book a wait once the worker's process has told it.
_BOOKING_SECS = 2.0


class MillraceOperator(BaseOperator):
    """Asks one stage of the mill for something, and ends as that ends.

    A failure that another try can't mend (an unknown source, a failed check) fails the task for good; any other, a
    timeout included, is left to the task's retries. Warnings are shown and pass. A task that is killed, cleared, marked or
    out of time takes its command back.

    :param stage: `ingest`, `transform` or `dq`.
    :param sources: sources by the names of their contracts, as a list or as text with commas; none means all. Templated.
    :param files: `ingest` only: paths below the raw folder; none means all files of the sources. Templated.
    :param as_of: `ingest` only: how new the data is, the load with the greatest one is shown. ISO 8601 with a time zone,
        or a datetime. The run's logical date if absent, else the time from which the run could start. Templated.
    :param full_refresh: `transform` only: rebuild incremental models from nothing. Templated.
    :param as_dry_run: only tell what would be loaded or built, or how the data is judged: nothing is changed or recorded, and
        nothing follows by itself. The task fails where the command would. Templated.
    :param load_id: the LOAD_ID; `dag_id::run_id` if absent, so that all tasks of a run, its retries and clears work on one
        load. Give one to go on with a load that something else began. Templated.
    :param answer_timeout: how long to wait for the answer. Not `execution_timeout`, which does not count while the task
        waits.
    :param rabbitmq_conn_id: the connection to RabbitMQ.
    :param trace_url: where to look at a trace, with `{trace_id}` in it; the setting `trace_url` of section `[millrace]` of
        Airflow's configuration if absent.
    :param follows: the `task_id` of a task of this DAG before this one, of the stage before. The mill goes on by itself when a
        stage is done, so a task that follows waits for that and asks for nothing a second time. It asks where there is nothing to
        wait for: when it is retried or cleared by itself, or with `full_refresh` or `as_dry_run`.
    :param here_secs: how long the answer is waited for in the worker's slot, before the wait moves to the triggerer. A move costs
        some seconds and two starts of a process, more than most answers take. 0 moves at once.
    :param settle_secs: the triggerer passes the answer on no earlier than so long after its wait has begun. Airflow 3.3 fails a
        task whose answer comes while its scheduler books the wait, up to a heartbeat of the worker after it began. That
        heartbeat (`[workers] min_heartbeat_interval`) and two seconds if absent.
    """

    template_fields: Sequence[str] = ("sources", "files", "as_of", "full_refresh", "as_dry_run", "load_id")
    ui_color = "#d8e6f0"

    def __init__(
        self,
        *,
        stage: Stage,
        sources: Sequence[str] | str | None = None,
        files: Sequence[str] | str | None = None,
        as_of: datetime | str | None = None,
        full_refresh: bool | str = False,
        as_dry_run: bool | str = False,
        load_id: str | None = None,
        answer_timeout: timedelta = timedelta(hours=1),
        rabbitmq_conn_id: str = DEFAULT_CONN_ID,
        trace_url: str | None = None,
        follows: str | None = None,
        here_secs: float = 3.0,
        settle_secs: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if stage not in STAGES:
            raise ValueError(f"unknown stage {stage!r}: it is one of {', '.join(STAGES)}")
        if stage != "ingest" and (files is not None or as_of is not None):
            raise ValueError(f"files and as_of belong to stage ingest only; leave them away at {stage}")
        if stage != "transform" and full_refresh is not False:
            raise ValueError(f"full_refresh belongs to stage transform only; leave it away at {stage}")
        self.stage: Stage = stage
        self.sources = sources
        self.files = files
        self.as_of = as_of
        self.full_refresh = full_refresh
        self.as_dry_run = as_dry_run
        self.load_id = load_id
        self.answer_timeout = answer_timeout
        self.rabbitmq_conn_id = rabbitmq_conn_id
        self.trace_url = trace_url
        self.follows = follows
        self.here_secs = here_secs
        self.settle_secs = settle_secs
        # What `on_kill` deletes: the queue of the answer first.
        self._claimed: list[str] = []
        # What `on_kill` takes back: load, command, and the trace of this attempt.
        self._asked: tuple[str, str, Trace] | None = None

    def execute(self, context: Context) -> Any:
        """Asks, or follows what was asked, and defers if the answer takes its time."""
        command = self._command(context)
        if (leader := self._leader(context)) and (done := self._follow(command.load_id, leader)):
            return done
        command_id = str(command.id)
        queue = self._claim(command.load_id, command_id, reply_queue(command_id), command.trace)
        queues = {queue: self.stage} | {reply_queue(command_id, stage): stage for stage in self._followers()}
        try:
            ask.ask(self._address(), command, queues, self.answer_timeout.total_seconds())
        except ask.RefusedError as error:
            raise AirflowFailException(str(error)) from error
        except ask.UnavailableError as error:
            raise AirflowException(str(error)) from error
        dry = " (dry run)" if command.kind == "dry_run" else ""
        self.log.info("asked for %s%s of LOAD_ID %s (command %s)", self.stage, dry, command.load_id, command.id)
        self.log.info("trace: %s", trace.link(self._trace_url(), command.trace.id))
        return self._wait(command.load_id, command_id, queue)

    def execute_complete(self, context: Context, event: dict[str, str]) -> dict[str, Any]:
        """Goes on with the answer, which Airflow has stored by now."""
        # A wait that ended before this package was updated tells less of itself.
        load_id = event.get("load_id") or self.load_id or arguments.default_load_id(context)
        since = Trace(event["trace_parent"]) if event.get("trace_parent") else trace.current()
        self._claim(load_id, event["command_id"], event["queue"], since)
        if "answer" in event:
            return self._end(event["answer"])
        self._take_back("no answer came in the time that its task in Airflow gives it")
        raise AirflowException(event["problem"])

    def on_kill(self) -> None:
        """The attempt is over: what it asked for is taken back, and nobody will look for its answer."""
        self._take_back("its task was killed in Airflow")

    def _take_back(self, reason: str) -> None:
        if self._asked is None:
            return
        load_id, command_id, since = self._asked
        ask.take_back(self._address(), cancel(self.stage, load_id, command_id, since, reason))
        ask.forget(self._address(), self._claimed)

    def _leader(self, context: Context) -> str | None:
        """The command whose consequences this task waits for, if it is to follow one."""
        if (
            self.follows is None
            or arguments.flag(self.as_dry_run)
            or (self.stage == "transform" and arguments.flag(self.full_refresh))
        ):
            return None
        done = context["ti"].xcom_pull(task_ids=self.follows, map_indexes=-1)
        return done.get("command_id") if isinstance(done, dict) else None

    def _follow(self, load_id: str, command_id: str) -> dict[str, Any] | None:
        """Waits for what the stage says of what followed from a command; `None` where that was heard or given up before."""
        queue = self._claim(load_id, command_id, reply_queue(command_id, self.stage), trace.current())
        try:
            answer = ask.glance(self._address(), queue, self.stage, command_id, 0)
        except ask.MissingError:
            return None
        self.log.info("%s of LOAD_ID %s has begun by itself (command %s)", self.stage, load_id, command_id)
        return self._end(answer) if answer else self._wait(load_id, command_id, queue)

    def _wait(self, load_id: str, command_id: str, queue: str) -> dict[str, Any]:
        """The end, if it comes soon; else the wait goes on in the triggerer."""
        deadline = time.time() + self.answer_timeout.total_seconds()
        here_secs = min(self.here_secs, self.answer_timeout.total_seconds())
        # Where the queue is gone, the trigger tells it.
        with contextlib.suppress(ask.MissingError):
            if here_secs > 0 and (answer := ask.glance(self._address(), queue, self.stage, command_id, here_secs)):
                return self._end(answer)
        self.defer(
            trigger=AnswerTrigger(
                conn_id=self.rabbitmq_conn_id,
                queue=queue,
                stage=self.stage,
                load_id=load_id,
                command_id=command_id,
                deadline=deadline,
                settle_secs=self._settle_secs(),
                followed_in=self._claimed[1:],
                trace_parent=self._asked[2].parent if self._asked else trace.current().parent,
            ),
            method_name="execute_complete",
        )
        raise AssertionError("a task that defers does not go on")

    def _end(self, body: str) -> dict[str, Any]:
        """Tells what the answer says, and ends as it says."""
        try:
            answer = Answer.read(body)
        except UnreadableError as error:
            raise AirflowFailException(str(error)) from error
        # Nobody takes back what has ended.
        self._asked = None
        # Nobody will follow a task that failed.
        ask.forget(self._address(), self._claimed if answer.failed else self._claimed[:1])
        report.tell(answer, self.log)
        self.log.info("trace: %s", trace.link(self._trace_url(), trace.trace_id(answer.traceparent)))
        report.raise_failure(answer)
        self.log.info("%s of LOAD_ID %s is done", self.stage, answer.data.load_id)
        return report.summary(answer)

    def _claim(self, load_id: str, command_id: str, queue: str, since: Trace) -> str:
        """From now on the command is this attempt's to take back; `queue`, and those of the tasks that follow, to delete."""
        self._asked = (load_id, command_id, since)
        self._claimed = [queue, *(reply_queue(command_id, stage) for stage in self._followers())]
        return queue

    def _followers(self) -> list[Stage]:
        """The stages of the tasks that follow this one, and of those that follow them.

        Nothing follows a dry run, nor one of many.
        """
        dag = None if arguments.flag(self.as_dry_run) or self._maps(self.task_id) else self.get_dag()
        tasks = dag.tasks if dag else []
        found = {self.task_id: self.stage}
        # Those that follow the last found, until there are none: what follows itself is found already.
        while more := {
            task.task_id: task.stage
            for task in tasks
            if isinstance(task, MillraceOperator) and task.follows in found and task.task_id not in found
        }:
            found |= more
        return list(found.values())[1:]

    def _command(self, context: Context) -> Command:
        """The command, or the end of the task where its arguments make none."""
        try:
            self._check_mapping()
            return Command(
                stage=self.stage,
                id=arguments.attempt(context),
                load_id=self.load_id or arguments.default_load_id(context),
                trace=trace.current(),
                data=self._data(context),
                kind="dry_run" if arguments.flag(self.as_dry_run) else "work",
            )
        except ValueError as error:
            raise AirflowFailException(f"task {self.task_id}: {error}") from error

    def _check_mapping(self) -> None:
        """Refuses loads of one LOAD_ID that would replace each other, and to follow one of many."""
        if self.stage == "ingest" and self.load_id is None and self.files and self._maps(self.task_id):
            raise ValueError(
                "it is mapped over files, and of two loads with one LOAD_ID the newer replaces the other: give all files to"
                " one task, or a load_id to each"
            )
        if self.follows and self._maps(self.follows):
            raise ValueError(f"it follows {self.follows}, which is mapped: leave follows away, and give it a load_id")

    def _maps(self, task_id: str) -> bool:
        dag = self.get_dag()
        return dag is not None and task_id in dag.task_dict and dag.get_task(task_id).is_mapped

    def _data(self, context: Context) -> dict[str, Any]:
        data: dict[str, Any] = {"sources": arguments.texts(self.sources)}
        if self.stage == "ingest":
            data["files"] = arguments.texts(self.files)
            data["as_of"] = timestamp(arguments.time(self.as_of) or arguments.default_as_of(context))
        if self.stage == "transform":
            data["full_refresh"] = arguments.flag(self.full_refresh)
        return data

    def _address(self) -> Address:
        return Address.of(BaseHook.get_connection(self.rabbitmq_conn_id))

    def _settle_secs(self) -> float:
        if self.settle_secs is not None:
            return self.settle_secs
        return float(conf.getfloat("workers", "min_heartbeat_interval", fallback=5.0)) + _BOOKING_SECS

    def _trace_url(self) -> str | None:
        return self.trace_url or conf.get("millrace", "trace_url", fallback=None)
