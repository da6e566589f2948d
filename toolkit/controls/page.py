"""What a page needs besides its parts: its looks, and a place where errors show."""

from pathlib import Path

import anywidget
import traitlets

from toolkit.controls.state import Dashboard

_HERE = Path(__file__).parent


class Theme(anywidget.AnyWidget):
    """The look of everything inside a box of class `tk-page`: dark, and light where that has the class
    `tk-light`, too. Shows nothing itself.
    """

    _esm = "export default { render({ el }) { el.style.display = 'none'; } };"
    _css = (_HERE / "theme.css").read_text(encoding="utf-8")


class Toast(anywidget.AnyWidget):
    """Shows what went wrong, over the page, until it is closed or something else happens."""

    _esm = (_HERE / "toast.js").read_text(encoding="utf-8")

    message = traitlets.Dict().tag(sync=True)

    def __init__(self, state: Dashboard) -> None:
        super().__init__(message=dict(state.error))
        state.observe(lambda change: self.set_trait("message", dict(change.new)), "error")


class Status(anywidget.AnyWidget):
    """Says what is being waited for when that takes over half a second, with a button that ends the waiting,
    and in JupyterLab that the kernel has gone.
    """

    _esm = (_HERE / "status.js").read_text(encoding="utf-8")

    loading = traitlets.Unicode().tag(sync=True)
    cancellable = traitlets.Bool(False).tag(sync=True)

    def __init__(self, state: Dashboard) -> None:
        super().__init__(loading=state.loading)
        state.observe(lambda change: self._show(state, change.new), "loading")
        self.on_msg(state.reported("It could not be cancelled", lambda *_: state.cancel()))

    def _show(self, state: Dashboard, loading: str) -> None:
        with self.hold_sync():
            self.loading, self.cancellable = loading, state.is_reading
