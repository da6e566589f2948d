"""What a page needs besides its parts: its looks, and a place where errors show."""

from pathlib import Path

import anywidget
import traitlets

from toolkit.controls.state import Dashboard

_HERE = Path(__file__).parent


class Theme(anywidget.AnyWidget):
    """The dark look of everything inside a box of class `tk-page`. Shows nothing itself."""

    _esm = "export default { render({ el }) { el.style.display = 'none'; } };"
    _css = (_HERE / "theme.css").read_text(encoding="utf-8")


class Toast(anywidget.AnyWidget):
    """Shows what went wrong, over the page, until it is closed or something else happens."""

    _esm = (_HERE / "toast.js").read_text(encoding="utf-8")

    message = traitlets.Dict().tag(sync=True)

    def __init__(self, state: Dashboard) -> None:
        super().__init__(message=dict(state.error))
        state.observe(lambda change: self.set_trait("message", dict(change.new)), "error")
