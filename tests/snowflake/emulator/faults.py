"""Breaking on command. A fault is armed over HTTP, strikes what it matches, and is used up after `times`.

| do | what happens |
|---|---|
| status | the HTTP status `status`, and nothing else |
| drop | the connection ends before anything is done |
| drop_after | all is done, then the connection ends without an answer |
| error | an answer without success, with `code` and `message`; nothing is done |
| expired | code 390112: the token is worth nothing any more, the session and its transaction stay |
| gone | code 390111: the session is gone, its transaction rolled back |
| long | all is done, but the next `polls` answers say that the query is still running |
| delay | `millis` of sleep, then all goes on |
"""

import asyncio
from dataclasses import dataclass, fields

from starlette.responses import JSONResponse, Response

from . import errors

PLACES = {"login", "query", "token", "upload", "chunk", "poll", "close"}
DOINGS = {"status", "drop", "drop_after", "error", "expired", "gone", "long", "delay"}


@dataclass
class Fault:
    at: str
    do: str
    contains: str = ""
    skip: int = 0
    times: int = 1
    status: int = 503
    code: str = "000603"
    message: str = "SQL execution internal error"
    polls: int = 1
    millis: int = 0

    def __post_init__(self) -> None:
        if self.at not in PLACES:
            raise ValueError(f"at is one of {sorted(PLACES)}, not {self.at!r}")
        if self.do not in DOINGS:
            raise ValueError(f"do is one of {sorted(DOINGS)}, not {self.do!r}")


class Faults:
    def __init__(self, journal):
        self.armed: list[Fault] = []
        self.journal = journal

    def arm(self, given: dict) -> None:
        known = {one.name for one in fields(Fault)}
        if unknown := set(given) - known:
            raise ValueError(f"a fault has no {sorted(unknown)}; it has {sorted(known)}")
        self.armed.append(Fault(**given))

    def clear(self) -> None:
        self.armed.clear()

    def take(self, at: str, text: str = "") -> Fault | None:
        """The fault that strikes now: the first one armed that matches and does not skip."""
        for fault in list(self.armed):
            if fault.at != at or fault.contains not in text:
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            fault.times -= 1
            if fault.times <= 0:
                self.armed.remove(fault)
            self.journal.count("faults")
            return fault
        return None


async def strike(fault: Fault | None, request, work, spoil=None) -> Response:
    """Does `work`, unless the fault keeps it from being done. `spoil` takes `expired` or `gone` to the session."""
    if fault is None or fault.do == "long":
        return await work()
    match fault.do:
        case "status":
            return Response(f"fault: {fault.status}", status_code=fault.status)
        case "drop":
            return await hang_up(request)
        case "drop_after":
            await work()
            return await hang_up(request)
        case "error":
            return JSONResponse(errors.ServiceError(fault.code, fault.message).body())
        case "delay":
            await asyncio.sleep(fault.millis / 1000)
            return await work()
        case _:
            if spoil:
                await spoil(fault.do)
            error = errors.expired() if fault.do == "expired" else errors.gone()
            return JSONResponse(error.body())


async def hang_up(request) -> Response:
    request.scope["emulator.transport"].abort()
    # The server must have seen that nobody is there, so that it does not try to answer.
    await asyncio.sleep(0.01)
    return Response(status_code=500)
