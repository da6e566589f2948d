"""How far something is that takes a while."""

import time

import ipywidgets

SHOWN_AFTER = 0.5  # seconds; what is quicker shows nothing


class Progress(ipywidgets.HBox):  # type: ignore[misc]  # ipywidgets comes without types
    """A bar that is called with how many are done, how many there are and what comes next.

        bar = Progress()
        display(bar)
        screen(pipeline, progress=bar)

    It appears when half a second has passed, and is gone when all is done.
    """

    def __init__(self) -> None:
        self._bar = ipywidgets.IntProgress(value=0, min=0, max=1)
        self._text = ipywidgets.Label()
        self._began: float | None = None
        super().__init__([self._bar, self._text])
        self.layout.display = "none"

    def __call__(self, done: int, total: int, text: str = "") -> None:
        """Show that `done` of `total` are done and that `text` is next."""
        if self._began is None or done == 0:
            self._began = time.monotonic()
        self._bar.max = max(total, 1)
        self._bar.value = done
        self._text.value = f"{done} of {total}" + (f", {text}…" if text else "")
        shown = done < total and time.monotonic() - self._began > SHOWN_AFTER
        self.layout.display = None if shown else "none"

    def __repr__(self) -> str:
        return "<Progress>"
