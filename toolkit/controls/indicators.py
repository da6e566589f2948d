"""A card for one indicator: a switch, a control for each parameter made from its bounds, and what its rules
say.
"""

from html import escape
from typing import Any

import ipywidgets
import traitlets

from toolkit.controls.state import Dashboard
from toolkit.indicators import IndicatorRegistry, Parameter, ParameterError

SLIDER_STEPS = 200  # more steps than that can't be told apart on a slider of a card's width


class IndicatorControls(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets comes without types
    """Switches an indicator on and off and sets its parameters, at once.

    A value that the indicator refuses (a fast period that is not below the slow one) is explained on the
    card; the chart keeps the last values that were right.
    """

    def __init__(self, state: Dashboard, name: str) -> None:
        self._state = state
        self._name = IndicatorRegistry.get_class(name).name
        self._following = False
        self._seen: object = None
        configuration = state.configuration
        failed = f"{self._name} could not be changed"
        self._switch = ipywidgets.Checkbox(
            value=configuration.is_enabled(self._name),
            indent=False,
            description=self._name,
            tooltip="Show on the chart",
        )
        self._switch.add_class("tk-switch")
        self._switch.observe(state.reported(failed, self._switched), "value")
        parameters = IndicatorRegistry.get_class(self._name).parameters()
        values = configuration.get_indicator_params(self._name)
        self._inputs = {key: control_for(parameter, values[key]) for key, parameter in parameters.items()}
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
        configuration.observe(lambda _: self._follow())
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
        enabled = configuration.is_enabled(self._name)
        params = configuration.get_indicator_params(self._name)
        if (enabled, params) == self._seen:
            return
        self._seen = (enabled, params)
        self._following = True
        self._switch.value = enabled
        for key, value in params.items():
            self._inputs[key].value = value
        self._following = False
        self._tell("")
        (self.remove_class if enabled else self.add_class)("tk-off")
        indicator = IndicatorRegistry.get(self._name, params)
        self._rules.value = "".join(
            rule_line(rule.signal_type, indicator.rule_text(rule)) for rule in indicator.rules
        )

    def _tell(self, text: str) -> None:
        self._message.value = f"<div>{escape(text)}</div>" if text else ""
        self._message.layout.display = None if text else "none"


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
