from toolkit.kernels.compiling import compiled, shared
from toolkit.kernels.constants import NOISE, TILE, VANISHED, Array
from toolkit.kernels.deviations import (
    rolling_mean_deviation,
    rolling_mean_deviation_memory,
    rolling_mean_std,
    rolling_mean_std_memory,
)
from toolkit.kernels.means import (
    EMA_MEMORY,
    ema,
    rolling_mean,
    rolling_mean_memory,
    weighted_mean,
    weighted_mean_memory,
)
from toolkit.kernels.moves import (
    CHANGE_MEMORY,
    GAIN_SHARE_MEMORY,
    RUNNING_SUM_MEMORY,
    TRUE_RANGE_MEMORY,
    change,
    gain_share,
    running_sum,
    true_range,
)
from toolkit.kernels.windows import (
    delay,
    delay_memory,
    rolling_extreme_memory,
    rolling_max,
    rolling_max_age,
    rolling_min,
    rolling_min_age,
)

__all__ = [
    "CHANGE_MEMORY",
    "EMA_MEMORY",
    "GAIN_SHARE_MEMORY",
    "NOISE",
    "RUNNING_SUM_MEMORY",
    "TILE",
    "TRUE_RANGE_MEMORY",
    "VANISHED",
    "Array",
    "change",
    "compiled",
    "delay",
    "delay_memory",
    "ema",
    "gain_share",
    "rolling_extreme_memory",
    "rolling_max",
    "rolling_max_age",
    "rolling_mean",
    "rolling_mean_deviation",
    "rolling_mean_deviation_memory",
    "rolling_mean_memory",
    "rolling_mean_std",
    "rolling_mean_std_memory",
    "rolling_min",
    "rolling_min_age",
    "running_sum",
    "shared",
    "true_range",
    "weighted_mean",
    "weighted_mean_memory",
]
