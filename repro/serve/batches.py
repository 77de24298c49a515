"""Answers requests that wait at the same time together: one pass through a model for 32 inputs is faster than 32."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from repro.errors import Busy


@dataclass(frozen=True)
class Limits:
    """What the service allows. batch: requests that are answered together. wait: ms that the first of them waits for
    others. waiting: requests that may wait. size: bytes of a request. seconds: to send a request, and to answer it."""

    batch: int = 32
    wait: float = 2.0
    waiting: int = 1000
    size: int = 10_000_000
    seconds: float = 30.0


class Batches:
    """A queue of requests, and one thread that answers them.

    answer: gets a list of at most `limits.batch` requests, and returns an answer for each: a value, or the exception
    that the request gets.
    """

    def __init__(self, answer: Callable[[list[Any]], Sequence[Any]], limits: Limits) -> None:
        self.answer, self.limits = answer, limits
        self.queue: asyncio.Queue[tuple[Any, asyncio.Future[Any]]] = asyncio.Queue()
        self.thread = ThreadPoolExecutor(1, "answers")
        self.loop: asyncio.Task[None] | None = None
        self.answered = 0

    def start(self) -> None:
        """Begin to answer. There must be a running event loop."""
        self.loop = asyncio.get_running_loop().create_task(self._answer_all())

    async def stop(self) -> None:
        """Stop after the present batch. Requests that wait get an error."""
        if self.loop:
            self.loop.cancel()
        while not self.queue.empty():
            _, future = self.queue.get_nowait()
            future.cancel()
        await asyncio.get_running_loop().run_in_executor(None, self.thread.shutdown)

    async def __call__(self, request: Any) -> Any:
        """The answer to one request. Raises Busy if too many wait, TimeoutError, and what the answer raises."""
        if self.queue.qsize() >= self.limits.waiting:
            raise Busy(f"{self.limits.waiting} requests wait", expected="that you try again later")
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.queue.put_nowait((request, future))
        async with asyncio.timeout(self.limits.seconds):
            return await future

    async def _answer_all(self) -> None:
        while True:
            batch = [one for one in await self._batch() if not one[1].done()]  # a client may have gone
            if not batch:
                continue
            running = asyncio.get_running_loop()
            answers = await running.run_in_executor(self.thread, self._answers, [request for request, _ in batch])
            self.answered += len(batch)
            for (_, future), found in zip(batch, answers, strict=True):
                if not future.done():
                    future.set_exception(found) if isinstance(found, BaseException) else future.set_result(found)

    async def _batch(self) -> list[tuple[Any, asyncio.Future[Any]]]:
        """The next requests: those that wait already, and those that come within `limits.wait`."""
        found = [await self.queue.get()]
        clock = asyncio.get_running_loop().time
        end = clock() + self.limits.wait / 1000
        while len(found) < self.limits.batch:
            if not self.queue.empty():
                found.append(self.queue.get_nowait())
            elif clock() < end:
                try:
                    found.append(await asyncio.wait_for(self.queue.get(), end - clock()))
                except TimeoutError:
                    break
            else:
                break
        return found

    def _answers(self, requests: list[Any]) -> Sequence[Any]:
        """An answer for each request. If all together fail, each is answered alone."""
        try:
            found = self.answer(requests)
            if len(found) == len(requests):
                return found
            raise RuntimeError(f"{len(found)} answers for {len(requests)} requests")
        except Exception as error:
            if len(requests) == 1:
                return [error]
            return [one for request in requests for one in self._answers([request])]
