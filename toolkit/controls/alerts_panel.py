"""Alerts on a page: added from the rules there are, listed, and what fired."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anywidget
import pandas as pd
import traitlets

from toolkit.alerts import Alert, Alerts, Fired
from toolkit.alerts.alerts import Watch, shown
from toolkit.controls.state import Dashboard
from toolkit.feeds import Event
from toolkit.indicators import IndicatorRegistry
from toolkit.rules import crosses_above, crosses_below

_LISTED = 60  # of those that fired
_LEVELS = {"crosses above": crosses_above, "crosses below": crosses_below}


class AlertsPanel(anywidget.AnyWidget):
    """Alerts of a dashboard: a form with every rule of every indicator, the alerts there are, what fired.

        alerts = AlertsPanel(state)
        bar = LiveBar(state, watch=alerts.take)

    A new alert is on the symbol and timeframe that are shown, with the indicator's parameters as they are
    set on the page. It is judged at the close of each candle of the feed that `take` is given the events of;
    for other series `Alerts.run` watches. In a replay nothing that fired later than its time is listed.
    """

    _esm = (Path(__file__).parent / "alerts_panel.js").read_text(encoding="utf-8")
    _css = (Path(__file__).parent / "alerts_panel.css").read_text(encoding="utf-8")

    content = traitlets.Dict().tag(sync=True)

    def __init__(self, state: Dashboard, alerts: Alerts | None = None) -> None:
        super().__init__()
        self.add_class("tk-scroll")
        self._state = state
        self._alerts = Alerts() if alerts is None else alerts
        self._watch: Watch | None = None
        self._series: tuple[str, str, str] | None = None
        self._number = 0
        self.on_msg(self._receive)
        self._alerts.observe(self._show)
        state.observe(lambda _: self._show(), ["symbol", "timeframe", "moment"])
        self._show()

    @property
    def alerts(self) -> Alerts:
        """What keeps them, for use from Python."""
        return self._alerts

    def take(self, event: Event) -> None:
        """Judge the alerts on the series that the dashboard follows, at one event of its feed."""
        with self._state.reporting("The alerts could not be judged"):
            series = (event.symbol, event.timeframe, event.origin)
            goes_on = event.follows and (self._series, self._number + 1) == (series, event.number)
            watch = self._watch
            if watch is None or not goes_on or watch.version != self._alerts.version:
                watch = self._watch = self._begin(event)
            self._series, self._number = series, event.number
            watch.update(event)

    def _begin(self, event: Event) -> Watch:
        """Alerts as they stand after the candles before this one."""
        if self._state.following is not None:
            self._state.following.settle()
        klines = self._state.klines
        known = pd.DataFrame() if klines is None else klines[klines.index < event.candle["open_time"]]
        return self._alerts.begin(event.symbol, event.timeframe, known, replay=event.origin == "replay")

    def _receive(self, _: object, message: Mapping[str, Any], __: object) -> None:
        action = message.get("action")
        with self._state.reporting("The alert could not be changed"):
            if action == "add":
                self._alerts.add(self._made(message))
            elif action == "remove":
                self._alerts.remove(str(message["id"]))
            elif action == "clear":
                self._alerts.clear_fired()
            self.send({"type": "done", "action": action})

    def _made(self, message: Mapping[str, Any]) -> Alert:
        state, rule = self._state, str(message["rule"])
        to = tuple(target for target in str(message.get("to", "")).split() if target)
        if rule in _LEVELS:
            condition = _LEVELS[rule]("close", float(message["level"]))
            return Alert(state.symbol, state.timeframe, condition, to=to)
        name = str(message["indicator"])
        params = state.configuration.get_indicator_params(name)
        default = IndicatorRegistry.get(name).params
        changed = {key: value for key, value in params.items() if value != default[key]}
        return Alert(state.symbol, state.timeframe, rule, indicator=name, params=changed, to=to)

    def _show(self) -> None:
        with self._state.reporting("The alerts could not be read"):
            rules = {}
            for name in IndicatorRegistry.names():
                kinds = dict.fromkeys(rule.signal_type for rule in IndicatorRegistry.get_class(name).rules)
                if kinds:
                    rules[name] = list(kinds)
            fired, moment = self._alerts.fired, self._state.moment
            if moment is not None:
                fired = [one for one in fired if pd.Timestamp(one.known_at) <= moment]
            self.content = {
                "series": f"{self._state.symbol} {self._state.timeframe}",
                "rules": rules,
                "levels": list(_LEVELS),
                "alerts": [
                    *(_listed(name, alert) for name, alert in self._alerts.alerts.items()),
                    *(_unusable(name, why) for name, why in self._alerts.unusable.items()),
                ],
                "fired": [_told(one) for one in fired[:_LISTED]],
            }


def _listed(name: str, alert: Alert) -> dict[str, Any]:
    who = ["this page", *map(shown, alert.to)]
    return {
        "id": name,
        "series": f"{alert.symbol} {alert.timeframe}",
        "text": alert.text,
        "to": ", ".join(who),
    }


def _unusable(name: str, why: str) -> dict[str, Any]:
    return {"id": name, "series": "Not watched", "text": why, "to": "nobody"}


def _told(fired: Fired) -> dict[str, Any]:
    marks = [
        word for word, so in (("REPLAY", fired.origin == "replay"), ("SYNTHETIC", fired.synthetic)) if so
    ]
    return {
        "time": fired.known_at[:16].replace("T", " "),
        "series": f"{fired.symbol} {fired.timeframe}",
        "text": fired.rule,
        "close": fired.close,
        "marks": [*marks, *(["MISSED"] if fired.missed else [])],
        "told": [f"{target}: {result}" for target, result in fired.told.items()],
        "failed": any(result.startswith("failed") for result in fired.told.values()),
    }
