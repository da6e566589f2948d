"""What is watched: a signal type of an indicator, or any condition, on one series of candles."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import numpy as np
import pandas as pd

from toolkit import rules
from toolkit.candles import PRICE_COLUMNS, find_symbol, find_timeframe
from toolkit.indicators import Indicator, IndicatorRegistry
from toolkit.rules import Condition, Rule

__all__ = ["Alert", "AlertError", "Hit", "Judge"]


class AlertError(ValueError):
    """An alert cannot be as it was asked for; the message says what is allowed."""


@dataclass(frozen=True, slots=True)
class Alert:
    """A rule on a series of candles, and who is told besides the page.

        Alert("BTCUSDT", "1h", "OVERSOLD", indicator="RSI", params={"period": 21})
        Alert("ETHUSDT", "1d", crosses_above("close", 4_000.0), to=("desktop",))
        Alert("BTCUSDT", "15m", crosses_above("macd", 0.0), indicator="MACD", to=("https://example.org/hook",))

    Args:
        symbol, timeframe: the series.
        rule: a signal type of the indicator, or a condition of `toolkit.rules` on its outputs, its
            parameters and the columns of a candle.
        indicator: its name; not needed for a condition on the candle alone.
        params: its parameters where they are not the default.
        to: `"desktop"` and addresses of webhooks.

    Raises:
        AlertError: the indicator has no such rule, the condition reads what is not there, or `to` names
            something else.
        UnknownIndicatorError, ParameterError, CandleError: there is no such indicator, parameter or series.
    """

    symbol: str
    timeframe: str
    rule: str | Condition
    indicator: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    to: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "symbol", find_symbol(self.symbol))
        put(self, "timeframe", find_timeframe(self.timeframe))
        put(self, "to", (self.to,) if isinstance(self.to, str) else tuple(self.to))
        made = self.made()
        if made is not None:
            put(self, "indicator", made.name)
            put(self, "params", {name: made.params[name] for name in self.params})
        for target in self.to:
            if target != "desktop" and urlsplit(str(target)).scheme not in ("http", "https"):
                raise AlertError(
                    f"Alert: to={target!r} is not allowed: 'desktop' is, and the http(s) address of a webhook"
                )
        if isinstance(self.rule, Condition):
            known = [*PRICE_COLUMNS, *(output.name for output in made.outputs)] if made else [*PRICE_COLUMNS]
            values = [*known, *(made.params if made else ())]
            for name, allowed in ((self.rule.left, known), (self.rule.right, values)):
                if isinstance(name, str) and name not in allowed:
                    raise AlertError(f"Alert: rule reads {name!r}; there are: {', '.join(allowed)}")
            return
        kinds = [] if made is None else list(dict.fromkeys(rule.signal_type for rule in made.rules))
        if self.rule not in kinds:
            where = "an alert on a signal type needs indicator=" if made is None else f"{made.name} has"
            raise AlertError(f"Alert: rule={self.rule!r} is not allowed: {where} {', '.join(kinds)}".rstrip())

    def made(self) -> Indicator | None:
        """Its indicator, with its parameters."""
        if self.indicator is None:
            if self.params:
                raise AlertError(f"Alert: params={dict(self.params)!r} need an indicator")
            return None
        return IndicatorRegistry.get(self.indicator, self.params)

    @property
    def id(self) -> str:
        """A short name made of what is watched: the same rule on the same series has the same one."""
        what = {name: value for name, value in self.to_dict().items() if name != "to"}
        return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:12]

    @property
    def text(self) -> str:
        """In words, without the series: `RSI OVERSOLD: rsi falls to oversold (30)`."""
        made = self.made()
        if isinstance(self.rule, Condition):
            words = self.rule.text({} if made is None else made.params)
            return words if made is None else f"{made.name}: {words}"
        assert made is not None
        said = [made.rule_text(rule) for rule in made.rules if rule.signal_type == self.rule]
        return f"{made.name} {self.rule}: {' or '.join(said)}"

    def told(self, *to: str) -> Alert:
        """The same rule with others who are told."""
        return replace(self, to=to)

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        rule = asdict(self.rule) if isinstance(self.rule, Condition) else self.rule
        return {
            "symbol": self.symbol,
            "timeframe": self.timeframe,
            "rule": rule,
            "indicator": self.indicator,
            "params": dict(self.params),
            "to": list(self.to),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Alert:
        """The alert that `to_dict` gave `values` for. Raises as the class does, and `TypeError`."""
        rule = values["rule"]
        named = {**values, "rule": Condition(**rule) if isinstance(rule, Mapping) else rule}
        return cls(**{**named, "to": tuple(values["to"])})


class Hit(NamedTuple):
    """The rule held at this candle for the first time."""

    open_time: pd.Timestamp
    value: float
    close: float


class Judge:
    """One alert along one series: what it remembers between candles, in constant memory."""

    def __init__(self, alert: Alert) -> None:
        self.alert = alert
        made = alert.made()
        self._params: Mapping[str, Any] = {} if made is None else made.params
        self._run = None if made is None else made.stream(timeframe=alert.timeframe)
        self._memory = np.zeros(rules.RULE_MEMORY)
        self._names = set(PRICE_COLUMNS)

    def history(self, klines: pd.DataFrame) -> list[Hit]:
        """Every hit in the candles before those that come."""
        if not len(klines):
            return []
        columns = {name: klines[name].to_numpy(np.float64) for name in PRICE_COLUMNS}
        if self._run is not None:
            made = self._run.feed(klines)
            columns |= {str(name): made[name].to_numpy() for name in made}
        rows, values = self._hits(columns)
        close = columns["close"]
        return [
            Hit(klines.index[row], value, float(close[row])) for row, value in zip(rows, values, strict=True)
        ]

    def update(self, candle: Mapping[str, Any]) -> Hit | None:
        """Whether the rule holds for the first time at this closed candle."""
        columns = {name: np.array([candle[name]], np.float64) for name in PRICE_COLUMNS}
        if self._run is not None:
            columns |= {name: np.array([value]) for name, value in self._run.update(candle).items()}
        _, values = self._hits(columns)
        return Hit(candle["open_time"], values[-1], float(candle["close"])) if values else None

    def _hits(self, columns: Mapping[str, Any]) -> tuple[list[int], list[float]]:
        """Rows and values, of the candles just fed."""
        rule = self.alert.rule
        if isinstance(rule, Condition):
            [bound] = rules.bind([Rule("ALERT", rule)], columns, self._params, self._memory)
            rows = rules.find(bound)[0].tolist()
            return rows, [float(columns[rule.left][row]) for row in rows]
        assert self._run is not None
        found = self._run.new_signals.of_type(rule)
        before = self._run.seen - len(columns["close"])
        # two rules of one type may hold at one candle: that is one hit
        hits = dict(zip((found.position - before).tolist(), found.value.tolist(), strict=True))
        return list(hits), list(hits.values())
