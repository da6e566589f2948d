"""The chart: bqplot figures, scales and marks on one time axis, and a controller in the browser that decides
what they hold.

`Chart` is the widget. Python keeps whole columns (`wire`), describes panes and marks (`panes`) and answers
the controller's requests for rows; the controller (`js/`, joined by `bundle`) owns pan, zoom and level of
detail.
"""

from toolkit.chart.chart import Chart

__all__ = ["Chart"]
