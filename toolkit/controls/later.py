"""Doing something a little later, once, however often it was asked for meanwhile."""

import asyncio
from collections.abc import Callable


class Later:
    """Calls `action` `delay` seconds after the last `ask`. Where no event loop runs (a script, a test) it
    calls at once.
    """

    def __init__(self, action: Callable[[], None], delay: float) -> None:
        self._action = action
        self._delay = delay
        self._handle: asyncio.TimerHandle | None = None

    def ask(self) -> None:
        """Ask for the action."""
        self.cancel()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._action()
            return
        self._handle = loop.call_later(self._delay, self.now)

    @property
    def pending(self) -> bool:
        """Whether it was asked for and is still to come."""
        return self._handle is not None

    def now(self) -> None:
        """Do it now instead of later."""
        self.cancel()
        self._action()

    def cancel(self) -> None:
        """Forget what was asked for."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
