"""A card for one indicator: a switch, a control for each parameter made from its bounds, and what its rules
say.
"""

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets
import traitlets

from toolkit.candles.contract import PRICE_COLUMNS
from toolkit.controls.state import Dashboard
from toolkit.indicators import Indicator, Parameter, ParameterError

SLIDER_STEPS = 200  # more steps than that can't be told apart on a slider of a card's width
LARGER = ("1h", "4h", "1d", "1w")


class CardHead(anywidget.AnyWidget):
    """Name and switch of a card, and what can be done with it; see `card_head.js`."""

    _esm = Path(__file__).with_name("card_head.js").read_text(encoding="utf-8")

    label = traitlets.Unicode().tag(sync=True)
    summary = traitlets.Unicode().tag(sync=True)
    value = traitlets.Bool().tag(sync=True)
    timeframe = traitlets.Unicode().tag(sync=True)
    timeframes: Any = traitlets.List().tag(sync=True)
    further = traitlets.Bool().tag(sync=True)


class IndicatorControls(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets comes without types
    """Switches an indicator on and off and sets its parameters, at once; puts it on larger candles, moves it
    up and down, and adds another one like it.

    A value that the indicator refuses (a fast period that is not below the slow one) is explained on the
    card; the chart keeps the last values that were right.
    """

    def __init__(self, state: Dashboard, label: str) -> None:
        self._state = state
        self._following = False
        self._seen: object = None
        configuration = state.configuration
        entry = configuration.entry(label)
        self._indicator = type(entry.indicator)
        self._name = label if entry.further else self._indicator.name
        failed = f"{self._name} could not be changed"
        self._switch = CardHead(
            label=self._name,
            summary="" if self._name == self._indicator.name else f"One more {self._indicator.name}",
            value=entry.enabled,
            timeframe=entry.timeframe or "",
            timeframes=list(LARGER) if on_larger_candles(entry.indicator) else [],
            further=entry.further,
        )
        self._switch.observe(state.reported(failed, self._switched), "value")
        self._switch.on_msg(state.reported(failed, self._receive))
        parameters = self._indicator.parameters()
        self._inputs = {
            key: control_for(parameter, entry.indicator.params[key]) for key, parameter in parameters.items()
        }
        for control in self._inputs.values():
            control.observe(state.reported(failed, self._set), "value")
        self._message = ipywidgets.HTML()
        self._message.add_class("tk-refused")
        self._rules = ipywidgets.HTML()
        self._rules.add_class("tk-rules")
        self._body = ipywidgets.VBox([*self._inputs.values(), self._message, self._rules])
        self._body.add_class("tk-card-body")
        super().__init__([self._switch, self._body])
        self.add_class("tk-card")
        self._stop = configuration.observe(lambda _: self._follow())
        self._tell("")
        self._follow()

    @property
    def inputs(self) -> dict[str, Any]:
        """The control of each parameter, by its name; a copy."""
        return dict(self._inputs)

    @property
    def switch(self) -> Any:
        """The switch."""
        return self._switch

    @property
    def message(self) -> str:
        """Why the last change was refused, as HTML; empty where it was not."""
        return str(self._message.value)

    def _receive(self, _: object, message: Mapping[str, Any], __: object) -> None:
        configuration = self._state.configuration
        try:
            if message.get("type") == "timeframe":
                configuration.set_indicator_timeframe(self._name, message.get("timeframe"))
            elif message.get("action") == "duplicate":
                configuration.duplicate(self._name)
            elif message.get("action") == "remove":
                configuration.remove(self._name)
            elif message.get("action") in ("up", "down"):
                order = configuration.get_enabled_indicators()
                place = order.index(self._name) + (1 if message["action"] == "down" else -1)
                if 0 <= place < len(order):
                    configuration.move(self._name, place)
        finally:
            self._switch.send({"type": "done"})  # what was refused is shown as it was

    def _switched(self, change: Any) -> None:
        if not self._following:
            self._state.configuration.set_indicator_enabled(self._name, bool(change["new"]))

    def _set(self, _: Any) -> None:
        if self._following:
            return
        try:
            # all of them: a value that was refused may be right beside a new one
            values = {key: control.value for key, control in self._inputs.items()}
            self._state.configuration.set_indicator_params(self._name, values)
        except ParameterError as error:
            self._tell(str(error))
        else:
            self._tell("")

    def _follow(self) -> None:
        """Show what the configuration says, whoever changed it; a change of another indicator is none
        here.
        """
        configuration = self._state.configuration
        if self._name not in configuration:  # it was removed
            self._stop()
            return
        entry = configuration.entry(self._name)
        if entry == self._seen:
            return
        self._seen, params = entry, entry.indicator.params
        if set(params) != set(self._inputs):  # the class was written anew: another card comes
            return
        self._following = True
        self._switch.value = entry.enabled
        self._switch.timeframe = entry.timeframe or ""
        for key, value in params.items():
            self._inputs[key].value = value
        self._following = False
        self._tell("")
        (self.remove_class if entry.enabled else self.add_class)("tk-off")
        self._rules.value = "".join(
            rule_line(rule.signal_type, entry.indicator.rule_text(rule)) for rule in entry.indicator.rules
        )

    def _tell(self, text: str) -> None:
        self._message.value = f"<div>{escape(text)}</div>" if text else ""
        self._message.layout.display = None if text else "none"


def on_larger_candles(indicator: Indicator) -> bool:
    """Whether it can be put on larger candles: these have prices and volume only, and what is drawn ahead of
    its candle has no place among shorter ones.
    """
    return not set(indicator.columns) - set(PRICE_COLUMNS) and not any(
        indicator.candles_ahead(output) for output in indicator.outputs
    )


def rule_line(signal_type: str, text: str) -> str:
    """A rule as HTML: its signal type, coloured, and its text."""
    kind = escape(signal_type.replace("_", " "))
    return f'<div><b class="tk-kind {kind_class(signal_type)}">{kind}</b> {escape(text)}</div>'


def kind_class(signal_type: str) -> str:
    """The CSS class that colours a signal type."""
    return {"BUY": "tk-buy", "SELL": "tk-sell"}.get(signal_type, "tk-other")


def control_for(parameter: Parameter, value: int | float | str) -> Any:
    """A widget with `value` and `description` for a parameter: a number within its bounds, or a list of its
    choices.
    """
    words = parameter.name.replace("_", " ")
    hint = f"{words}: {parameter.allowed} {parameter.description}".strip()
    if parameter.kind == "choice":
        return ipywidgets.Dropdown(
            options=list(parameter.choices), value=value, description=words, tooltip=hint
        )
    return NumberControl(parameter, value, words, hint)


class NumberControl(ipywidgets.HBox):  # type: ignore[misc]  # ipywidgets comes without types
    """A slider with a field beside it. Both keep to the parameter's bounds; where these are so wide that a
    slider would jump from value to value, it ends at ten times the default and the field takes the rest."""

    value = traitlets.Any()

    def __init__(self, parameter: Parameter, value: int | float | str, words: str, hint: str) -> None:
        low, high, step = (
            float(parameter.minimum or 0),
            float(parameter.maximum or 0),
            float(parameter.step or 1),
        )
        reach = high
        if (high - low) / step > SLIDER_STEPS:
            reach = min(high, max(low + SLIDER_STEPS / 2 * step, 10 * float(parameter.default)))
        integer = parameter.kind == "integer"
        number = int if integer else float
        bounds = {"min": number(low), "step": number(step), "value": number(value)}
        slider, text = (
            (ipywidgets.IntSlider, ipywidgets.BoundedIntText)
            if integer
            else (ipywidgets.FloatSlider, ipywidgets.BoundedFloatText)
        )
        self._reach = number(reach)
        self._slider = slider(
            **{**bounds, "value": min(number(value), self._reach)},
            max=self._reach,
            readout=False,
            description=words,
            tooltip=hint,
        )
        self._text = text(**bounds, max=number(high), tooltip=hint)
        self._text.add_class("tk-field")
        self._following = False
        super().__init__([self._slider, self._text], value=number(value))
        self.add_class("tk-number-control")
        for part in (self._slider, self._text):
            part.observe(self._moved, "value")
        self.observe(self._follow, "value")

    @property
    def slider(self) -> Any:
        """The slider."""
        return self._slider

    @property
    def field(self) -> Any:
        """The field beside it."""
        return self._text

    def _moved(self, change: Any) -> None:
        if not self._following:
            # the browser counts steps in binary: 0.1 + 19 * 0.1 comes as 2.0000000000000004
            self.value = round(change["new"], 10)

    def _follow(self, change: Any) -> None:
        self._following = True
        self._text.value = change["new"]
        self._slider.value = min(change["new"], self._reach)
        self._following = False
