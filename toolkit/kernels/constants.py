"""What all kernels agree on."""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

NOISE = 2.0**-44  # differences this small beside the price are rounding, not market
VANISHED = 1e-250  # averages of movement below this have decayed to nothing
TILE = 2048  # candles that an indicator works on at a time: its columns stay in the second-level cache
SCRATCH = 256  # candles that a building block works on at a time: its scratch stays in the first-level cache
# candles at a time where little is done to each: the next are fetched from memory while these are worked on
PIECE = 128
