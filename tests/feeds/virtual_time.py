"""An event loop whose clock jumps to the next timer as soon as nothing else is left to do.

Sockets are real, and so are threads; only waiting takes no time. What is sent over the loopback is there at
once; data on its way from another process would not be waited for.
"""

import asyncio
import selectors


class _Selector(selectors.DefaultSelector):
    loop: "VirtualLoop"

    def select(self, timeout=None):
        if timeout is not None and timeout <= 0:
            return super().select(0)
        while True:
            found = super().select(0.01 if self.loop.in_threads else 0)
            if found:
                return found
            if not self.loop.in_threads:
                if timeout is None:
                    return super().select(0.05)
                self.loop.now += timeout
                return []


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self):
        self.now = 1_000.0
        self.in_threads = 0
        selector = _Selector()
        selector.loop = self
        super().__init__(selector)

    def time(self):
        return self.now

    def run_in_executor(self, executor, function, *arguments):
        future = super().run_in_executor(executor, function, *arguments)
        self.in_threads += 1
        future.add_done_callback(self._back)
        return future

    def _back(self, future):
        self.in_threads -= 1


def run(work, seconds=10 * 86_400):
    """The result of a coroutine; `seconds` of the loop's own time at most."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:

        async def limited():
            async with asyncio.timeout(seconds):
                return await work

        return runner.run(limited())
