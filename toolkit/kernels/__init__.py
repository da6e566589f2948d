from toolkit.kernels.adaptive import adaptive_mean, adaptive_mean_memory
from toolkit.kernels.compiling import compiled, fma, shared
from toolkit.kernels.constants import NOISE, TILE, VANISHED, Array
from toolkit.kernels.convergence import CONVERGENCE_MEMORY, convergence
from toolkit.kernels.deviations import (
    rolling_mean_deviation,
    rolling_mean_deviation_memory,
    rolling_mean_std,
    rolling_mean_std_memory,
)
from toolkit.kernels.exponential import EMA_MEMORY, ema
from toolkit.kernels.extremes import (
    rolling_age_memory,
    rolling_channel,
    rolling_channel_memory,
    rolling_max_age,
    rolling_midpoint,
    rolling_min_age,
)
from toolkit.kernels.logarithms import LOG_CHANGE_MEMORY, log_change
from toolkit.kernels.means import (
    rolling_mean,
    rolling_mean_memory,
    settle,
    settled_mean,
)
from toolkit.kernels.moves import (
    CHANGE_MEMORY,
    GAIN_SHARE_MEMORY,
    RUNNING_SUM_MEMORY,
    TRUE_RANGE_MEMORY,
    change,
    gain_share,
    money_flow,
    running_sum,
    true_range,
)
from toolkit.kernels.ranges import (
    AVERAGE_TRUE_RANGE_MEMORY,
    DIRECTIONAL_MOVEMENT_MEMORY,
    average_true_range,
    directional_movement,
)
from toolkit.kernels.weighted import settled_weighted_mean, weighted_mean, weighted_mean_memory
from toolkit.kernels.windows import copy, delay, delay_memory, fill, percent_change

__all__ = [
    "AVERAGE_TRUE_RANGE_MEMORY",
    "CHANGE_MEMORY",
    "CONVERGENCE_MEMORY",
    "DIRECTIONAL_MOVEMENT_MEMORY",
    "EMA_MEMORY",
    "GAIN_SHARE_MEMORY",
    "LOG_CHANGE_MEMORY",
    "NOISE",
    "RUNNING_SUM_MEMORY",
    "TILE",
    "TRUE_RANGE_MEMORY",
    "VANISHED",
    "Array",
    "adaptive_mean",
    "adaptive_mean_memory",
    "average_true_range",
    "change",
    "compiled",
    "convergence",
    "copy",
    "delay",
    "delay_memory",
    "directional_movement",
    "ema",
    "fill",
    "fma",
    "gain_share",
    "log_change",
    "money_flow",
    "percent_change",
    "rolling_age_memory",
    "rolling_channel",
    "rolling_channel_memory",
    "rolling_max_age",
    "rolling_mean",
    "rolling_mean_deviation",
    "rolling_mean_deviation_memory",
    "rolling_mean_memory",
    "rolling_mean_std",
    "rolling_mean_std_memory",
    "rolling_midpoint",
    "rolling_min_age",
    "running_sum",
    "settle",
    "settled_mean",
    "settled_weighted_mean",
    "shared",
    "true_range",
    "weighted_mean",
    "weighted_mean_memory",
]
