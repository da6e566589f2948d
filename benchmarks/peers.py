"""Charts of others, for `browser.py`: lightweight-charts and plotly.js on a page of their own, with the same
candles and the same indicators in five panes. Their JavaScript comes out of Python packages (`make bench`).
"""

from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd
from playwright.sync_api import Browser, Page, Route

from toolkit import IndicatorPipeline

INDICATORS = ("MACD", "RSI", "ATR", "Stochastic")  # a pane each, below the candles with Bollinger Bands
CHARTS = Path(__file__).with_name("charts")
COLUMNS = ("time", "open", "high", "low", "close", "volume")


def table(klines: pd.DataFrame) -> dict[str, np.ndarray]:
    """Candles and indicators as columns, and Bollinger Bands of another period."""
    columns = {"time": klines.index.as_unit("ms").asi8.astype(float)}
    columns |= {name: klines[name].to_numpy() for name in COLUMNS[1:]}
    pipeline = IndicatorPipeline().add("Bollinger Bands")
    for name in INDICATORS:
        pipeline.add(name)
    frame = pipeline.calculate(klines)
    other = IndicatorPipeline().add("Bollinger Bands", {"period": 21}).calculate(klines)
    for name in ("bb_upper", "bb_middle", "bb_lower"):
        columns[f"{name}_other"] = other[name].to_numpy()
    for label in pipeline.indicators:
        for column in pipeline.columns(label).values():
            columns[column] = frame[column].to_numpy()
    return columns


PANES = [
    ["bb_upper", "bb_middle", "bb_lower"],
    ["macd", "macd_signal", "macd_histogram"],
    ["rsi"],
    ["atr"],
    ["stoch_k", "stoch_d"],
]


def open_peer(
    browser: Browser, name: str, columns: dict[str, np.ndarray], size: tuple[int, int], most: int
) -> Page | None:
    """A page with the peer's chart drawn, or None where its package is not installed.

    Args:
        most: candles that plotly holds; the other holds all.
    """
    package, script, body = {
        "lightweight-charts": (
            "lwcharts",
            "vendor/lightweight-charts.standalone.production.js",
            "lightweight.js",
        ),
        "plotly": ("plotly", "package_data/plotly.min.js", "plotly.js"),
    }[name]
    try:
        source = files(package).joinpath(script)
    except ModuleNotFoundError:
        print(f"{name} is left out: `make bench` installs {package}")
        return None
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.set_default_timeout(600_000)
    content = np.concatenate(list(columns.values())).tobytes()

    def answer(route: Route) -> None:
        if route.request.url.endswith("/data"):
            route.fulfill(body=content, content_type="application/octet-stream")
        else:
            route.fulfill(body="<!doctype html><body style='margin:0'>", content_type="text/html")

    page.route("http://peer.invalid/**", answer)
    page.goto("http://peer.invalid/")
    page.add_script_tag(path=str(source))
    constants = {
        "NAMES": list(columns),
        "PANES": PANES,
        "WIDTH": size[0],
        "HEIGHT": size[1],
        "MOST": most,
    }
    given = "".join(f"const {key} = {value!r};" for key, value in constants.items())
    scripts = "".join(
        (CHARTS / part).read_text(encoding="utf-8") for part in ("common.js", body, "offered.js")
    )
    page.evaluate(f"async () => {{ {given} {scripts} }}")
    return page
