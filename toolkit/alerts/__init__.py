"""Alerts: a rule on any symbol and timeframe, and who is told when it holds at the close of a candle.

`Alert` says what is watched, `Alerts` keeps them on disk, watches feeds and tells. Each candle is judged
once, however often the program is started anew.
"""

from toolkit.alerts.alert import Alert, AlertError
from toolkit.alerts.alerts import Alerts
from toolkit.alerts.book import Book, Fired
from toolkit.alerts.webhook import WebhookError, post

__all__ = ["Alert", "AlertError", "Alerts", "Book", "Fired", "WebhookError", "post"]
