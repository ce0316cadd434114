"""The fake on a real socket, in a thread of this process or alone in its own, and the hand that scripts it."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import uvicorn

from infrastructure.clock import SECOND
from tests.wire.fake import webhooks
from tests.wire.fake.app import application
from tests.wire.fake.behaviour import Behaviour
from tests.wire.fake.desk import BLINK, KEYS
from tests.wire.fake.state import Job, State, Submission
from tests.wire.fake.wires import Address, Wire, cut_all
from tests.wire.loops import DEADLINE, all_begun, in_thread, listener

T = TypeVar("T")


class Fake:
    """A fake provider as a test sees it: it writes scripts and reads what came, all through the folder."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.state = State(folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.state.close()

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def key(self, provider: str) -> str:
        """The key that is accepted."""
        return str(self.state.setting(f"key:{provider}", KEYS[provider]))

    def revoke(self, provider: str, key: str) -> None:
        """Accept another key from now on."""
        self.state.set(f"key:{provider}", key)

    def next(self, provider: str, behaviour: Behaviour, *, times: int | None = 1) -> None:
        """Script the next submissions that no earlier script is for; None: all that come.

        A name such as "wavespeed.balance" scripts requests that make nothing: polls, predictions, uploads, secret,
        price, billings, balance; "stability.balance", "stability.results", "huggingface.queue".
        """
        self.state.script(provider, behaviour, times)

    def heal(self, provider: str = "") -> None:
        """Forget all scripts that wait, or those of one name; jobs keep theirs."""
        self.state.unscript(provider)

    def change(self, job: str, behaviour: Behaviour) -> Job:
        """Give a job another script, and its bill if the script names one; `polls` counts from its beginning.

        A webhook about an end that comes this way is sent with the next poll, or by `deliver`.
        """
        bill = behaviour.bill
        return self.state.update(
            job, lambda one: replace(one, behaviour=behaviour, price=one.price if bill is None else bill)
        )

    def offer(self, provider: str, models: list[dict[str, Any]]) -> None:
        """List these models as all that the provider offers, in its API's own shape."""
        self.state.set(f"models:{provider}", models)

    def price(self, path: str, dollars: str) -> None:
        """Quote this for each request of a model path, and bill it."""
        self.state.set(f"price:{path}", dollars)

    def rebill(self, job: str, dollars: str | None) -> Job:
        """Bill a job at another price; None: not at all."""
        return self.state.update(job, lambda one: replace(one, price=dollars))

    def set_balance(self, provider: str, amount: str) -> None:
        self.state.set(f"balance:{provider}", amount)

    def submissions(self, provider: str = "") -> list[Submission]:
        """All requests for work, oldest first."""
        return self.state.submissions(provider)

    def jobs(self, provider: str = "") -> list[Job]:
        """All jobs made, oldest first."""
        return self.state.jobs(provider)

    def job(self, id: str) -> Job:
        job = self.state.job(id)
        assert job is not None, f"there is no job {id}"
        return job

    def fetches(self, name: str) -> int:
        """How often an output, named as in `job.outputs`, has been asked for."""
        served = self.state.served(name)
        return served.fetched if served else 0

    def release(self) -> None:
        """Let go every reply that is held back now."""
        self.state.set("released", self.state.setting("released", 0) + 1)

    def advance(self, seconds: int) -> None:
        self.state.set("clock", self.state.setting("clock", 0) + seconds * SECOND)

    def deliver(self, job: str, kind: str = "signed", url: str = "") -> int:
        """Send a webhook about the job now; the status it was answered with."""
        return webhooks.deliver(self.job(job), kind, self.state, url)

    def message(self, job: str, kind: str = "signed") -> tuple[dict[str, str], bytes]:
        """Headers and body of a webhook, for a test that hands them over itself."""
        return webhooks.message(self.job(job), kind, self.state)

    def wait_for(self, what: Callable[[], T], deadline: float = DEADLINE) -> T:
        """Block until `what` is true of the folder, and return it; call it in a thread from async tests."""
        end = time.monotonic() + deadline
        while not (found := what()):
            assert time.monotonic() < end, "what the test waits for never happened"
            time.sleep(BLINK)
        return found


@contextmanager
def serving(folder: Path) -> Iterator[Fake]:
    """Serve the folder on 127.0.0.1 from a thread of this process; requests still in flight at the end are dropped."""
    with (
        listener() as bound,
        Fake(folder, f"http://127.0.0.1:{bound.getsockname()[1]}") as fake,
        in_thread(lambda: listening(folder, bound)),
    ):
        yield fake


@asynccontextmanager
async def listening(folder: Path, bound: socket.socket) -> AsyncIterator[None]:
    with closing(State(folder)) as state:
        server = uvicorn.Server(configured(state))
        server.config.load()
        server.lifespan = server.config.lifespan_class(server.config)
        await server.startup(sockets=[bound])
        try:
            yield
        finally:
            await hang_up(server, bound.getsockname())


async def hang_up(server: uvicorn.Server, where: Address) -> None:
    """Stop without the tenth of a second that the server's own way of stopping waits."""
    for socket_server in server.servers:
        socket_server.close()
    await all_begun()
    cut_all(where)
    await asyncio.sleep(0)


def configured(state: State, **options: Any) -> uvicorn.Config:
    return uvicorn.Config(
        application(state), http=Wire, lifespan="off", log_config=None, log_level="critical", ws="none", **options
    )
