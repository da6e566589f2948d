"""The controller's JavaScript: small modules that are joined into the one ES module that a widget may
have.
"""

import re
from pathlib import Path

FOLDER = Path(__file__).with_name("js")
# In the order in which they need each other; only the last one exports to the outside.
MODULES = (
    *("colors", "columns", "times", "ticks", "shapes", "paint", "strip", "badge", "axes", "link", "feed"),
    *("gather", "fit", "legend", "icons", "crosshair", "stack", "drawings", "tools", "foot", "rail", "svg"),
    *("save", "gestures", "view", "chart", "controller"),
)


def script() -> str:
    """The source of the one module. Names are shared by all, so they must differ; a test holds that."""
    parts = []
    for name in MODULES:
        source = (FOLDER / f"{name}.js").read_text(encoding="utf-8")
        parts.append(re.sub(r"^export (?!default)", "", source, flags=re.MULTILINE))
    return "\n".join(parts)
