from toolkit.kernels.compiling import compiled, shared
from toolkit.kernels.constants import NOISE, TILE, VANISHED, Array
from toolkit.kernels.deviations import (
    rolling_mean_deviation,
    rolling_mean_deviation_memory,
    rolling_mean_std,
    rolling_mean_std_memory,
)
from toolkit.kernels.logarithms import LOG_CHANGE_MEMORY, log_change
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
    RUNNING_SUM_MEMORY,
    TRUE_RANGE_MEMORY,
    change,
    running_sum,
    true_range,
)
from toolkit.kernels.ranges import (
    AVERAGE_TRUE_RANGE_MEMORY,
    DIRECTIONAL_MOVEMENT_MEMORY,
    average_true_range,
    directional_movement,
)
from toolkit.kernels.windows import (
    delay,
    delay_memory,
    rolling_extreme_memory,
    rolling_max,
    rolling_max_age,
    rolling_midpoint,
    rolling_midpoint_memory,
    rolling_min,
    rolling_min_age,
)

__all__ = [
    "AVERAGE_TRUE_RANGE_MEMORY",
    "CHANGE_MEMORY",
    "DIRECTIONAL_MOVEMENT_MEMORY",
    "EMA_MEMORY",
    "LOG_CHANGE_MEMORY",
    "NOISE",
    "RUNNING_SUM_MEMORY",
    "TILE",
    "TRUE_RANGE_MEMORY",
    "VANISHED",
    "Array",
    "average_true_range",
    "change",
    "compiled",
    "delay",
    "delay_memory",
    "directional_movement",
    "ema",
    "log_change",
    "rolling_extreme_memory",
    "rolling_max",
    "rolling_max_age",
    "rolling_mean",
    "rolling_mean_deviation",
    "rolling_mean_deviation_memory",
    "rolling_mean_memory",
    "rolling_mean_std",
    "rolling_mean_std_memory",
    "rolling_midpoint",
    "rolling_midpoint_memory",
    "rolling_min",
    "rolling_min_age",
    "running_sum",
    "shared",
    "true_range",
    "weighted_mean",
    "weighted_mean_memory",
]
