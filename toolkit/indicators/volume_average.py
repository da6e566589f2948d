"""Average volume."""

from typing import Annotated

from toolkit.indicators.base import Indicator, Line
from toolkit.indicators.parameters import Bounds, Period
from toolkit.kernels import Array, compiled, rolling_mean, rolling_mean_memory
from toolkit.rules import Rule, above


class VolumeAverage(Indicator):
    """Simple moving average of the volume over `period` candles.

    A spike is a volume above `spike_ratio` times the average, in which it is counted itself. Where nothing
    was traded in `period` candles the average is 0, and there is no spike. Units: volume.
    """

    name = "Volume Average"
    family = "volume"
    period: Period = 20
    spike_ratio: Annotated[float, Bounds(1.1, 20, 0.1, "times the average")] = 2.0

    inputs = ("volume",)
    outputs = (Line("volume_sma", unit="volume"),)
    internals = ("spike_volume",)
    internals_optional = True
    rules = (Rule("VOLUME_SPIKE", above("volume", "spike_volume")),)

    @property
    def warmup(self) -> int:
        return self.period - 1

    @property
    def state_size(self) -> int:
        return rolling_mean_memory(self.period)

    @staticmethod
    @compiled
    def kernel(
        state: Array, volume: Array, period: int, spike_ratio: float, volume_sma: Array, spike_volume: Array
    ) -> None:
        rolling_mean(state, volume, period, volume_sma)
        for i in range(len(spike_volume)):
            spike_volume[i] = spike_ratio * volume_sma[i]
