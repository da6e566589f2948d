"""Independent implementations that every indicator is held against, by display name.

TA-Lib where it has the indicator; else the textbook formula, written plainly with pandas and numpy.
"""

from references import momentum, trend, volatility, volume
from references.reference import Reference

REFERENCES: dict[str, Reference] = {
    **trend.REFERENCES,
    **momentum.REFERENCES,
    **volatility.REFERENCES,
    **volume.REFERENCES,
}
