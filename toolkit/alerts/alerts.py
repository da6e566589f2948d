"""Alerts at work: feeds are watched, and whoever is to be told is told."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pandas as pd

from toolkit.alerts import desktop, webhook
from toolkit.alerts.alert import Alert, AlertError, Hit, Judge
from toolkit.alerts.book import KEPT, Book, Fired, fired_of
from toolkit.candles import is_synthetic
from toolkit.feeds import Event, Feed

__all__ = ["Alerts", "Watch"]

log = logging.getLogger(__name__)


class Alerts:
    """Keeps alerts in the home folder, and judges each at every closed candle of a feed, once.

        alerts = Alerts()
        alerts.add(Alert("BTCUSDT", "1h", "OVERSOLD", indicator="RSI", to=("https://example.org/hook",)))
        alerts.call(print)
        async for fired in alerts.watch(feed):
            ...

    What was judged is written down before anybody is told, so that neither a restart nor a second program
    on the same folder tells it twice; where the program ends in between, it is listed and may not have been
    told. Of candles that closed while nobody watched, the alerts that would have fired are listed as
    `missed` when the watch begins again, and are not told: a message hours late would speak of a price that
    is gone. An alert that is new begins with the next candle.

    In a replay alerts are listed as such and given to callables, but no webhook and no desktop is told, and
    nothing is written down.

    Args:
        path: the file; default: `alerts/alerts.json` in the home folder.
        allow_private: let webhooks go to addresses that only this machine or its network can reach.
    """

    def __init__(self, path: Path | None = None, *, allow_private: bool = False) -> None:
        self._book = Book(path)
        self._allow_private = allow_private
        self._callables: list[Callable[[Fired], Any]] = []
        self._observers: list[Callable[[], None]] = []
        self._replayed: list[Fired] = []
        self._workers: ThreadPoolExecutor | None = None
        self._telling: set[Future[None]] = set()
        self.version = 0
        """Grows whenever an alert is added or removed here."""

    # -- what there is

    @property
    def alerts(self) -> dict[str, Alert]:
        """The alerts by id, in the order in which they were added."""
        return self._book.alerts()

    @property
    def unusable(self) -> dict[str, str]:
        """Alerts that cannot be watched, by id, and why: their indicator is not registered any more, for
        example. They are kept.
        """
        return self._book.unusable()

    @property
    def fired(self) -> list[Fired]:
        """What fired, the newest first: the last 500, and those of replays since this program began."""
        return [*reversed(self._replayed), *self._book.fired()]

    def add(self, alert: Alert) -> str:
        """Keep an alert; the same rule on the same series again only changes who is told. Returns its id.

        Raises:
            AlertError: somebody cannot be told (apprise is not installed), or the file cannot be changed.
        """
        if "desktop" in alert.to:
            desktop.check()
        name = self._book.add(alert)
        self.version += 1
        self._changed()
        return name

    def remove(self, name: str) -> None:
        """Forget an alert, by its id; what it fired stays listed. Raises `AlertError` where there is none."""
        self._book.remove(name)
        self.version += 1
        self._changed()

    def clear_fired(self) -> None:
        """Forget what fired."""
        self._replayed = []
        self._book.clear()
        self._changed()

    def call(self, callback: Callable[[Fired], Any]) -> Callable[[], None]:
        """Call `callback(fired)` for every alert that fires while it is watched, not for missed ones. Returns
        a function that ends this. What it raises goes to the log.
        """
        self._callables.append(callback)
        return lambda: self._callables.remove(callback)

    def observe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback()` whenever `alerts` or `fired` may have changed. Returns a function that ends
        this.
        """
        self._observers.append(callback)
        return lambda: self._observers.remove(callback)

    # -- watching

    def begin(self, symbol: str, timeframe: str, history: pd.DataFrame, *, replay: bool = False) -> Watch:
        """Watch a series that goes on after `history`, candle by candle with `Watch.update`."""
        return Watch(self, symbol, timeframe, history, replay=replay)

    async def watch(self, feed: Feed) -> AsyncIterator[Fired]:
        """What fires on a feed, missed ones first, until the feed ends.

        Raises:
            AlertError: the file cannot be read or changed.
            FeedError, SourceError: the feed's.
        """
        watch: Watch | None = None
        async for event in feed:
            if watch is None or not event.follows or watch.version != self.version:
                history = await asyncio.to_thread(feed.history)
                known = history[: event.candle["open_time"]]
                if event.closed and len(known) and known.index[-1] == event.candle["open_time"]:
                    known = known.iloc[:-1]
                watch = self.begin(feed.symbol, feed.timeframe, known, replay=feed.origin == "replay")
                for fired in watch.missed:
                    yield fired
            for fired in watch.update(event):
                yield fired

    async def run(self, feed: Callable[[str, str], Feed]) -> None:
        """Watch every series for which there is an alert, each on a feed of its own, until cancelled. Alerts
        that are added later on another series are taken up within seconds. A series whose feed fails is
        tried again a minute later; the log says so.
        """
        tasks: dict[tuple[str, str], asyncio.Task[None]] = {}
        try:
            while True:
                wanted = {(alert.symbol, alert.timeframe) for alert in self.alerts.values()}
                for series in tasks.keys() - wanted:
                    tasks.pop(series).cancel()
                for series in wanted - tasks.keys():
                    tasks[series] = asyncio.ensure_future(self._keep_watching(feed, *series))
                await asyncio.sleep(2.0)
        finally:
            for task in tasks.values():
                task.cancel()
            await asyncio.gather(*tasks.values(), return_exceptions=True)

    async def _keep_watching(self, make: Callable[[str, str], Feed], symbol: str, timeframe: str) -> None:
        while True:
            feed: Feed | None = None
            try:
                feed = make(symbol, timeframe)
                async for _ in self.watch(feed):
                    pass
            except Exception:
                log.exception("alerts on %s %s", symbol, timeframe)
            finally:
                if feed is not None:
                    await feed.close()
            await asyncio.sleep(60.0)

    # -- telling

    def tell(self, fired: Fired, alert: Alert) -> None:
        """Tell an alert that has just fired, in the background."""
        for callback in list(self._callables):
            try:
                callback(fired)
            except Exception:  # whatever it is: it must not end the feed
                log.exception("a callable for alerts failed")
        if fired.origin == "replay":
            self._replayed = [*self._replayed, fired][-KEPT:]
        elif alert.to:
            if self._workers is None:
                self._workers = ThreadPoolExecutor(4, thread_name_prefix="alerts")
            after = self._changed_from_elsewhere()
            for target in alert.to:
                work = self._workers.submit(self._tell_one, fired, target, after)
                self._telling.add(work)
                work.add_done_callback(self._telling.discard)
        self._changed()

    def close(self) -> None:
        """Wait until everybody was told; later alerts may still fire."""
        if self._workers is not None:
            self._workers.shutdown(wait=True)
            self._workers = None

    def _tell_one(self, fired: Fired, target: str, after: Callable[[], None]) -> None:
        try:
            if target == "desktop":
                desktop.show(f"{fired.symbol} {fired.timeframe}", fired.text)
            else:
                webhook.post(target, payload(fired), allow_private=self._allow_private)
            result = "told"
        except (AlertError, webhook.WebhookError) as error:
            result = f"failed: {error}"
        except Exception as error:  # apprise's own, for example
            log.exception("%s could not be told", shown(target))
            result = f"failed: {error}"
        try:
            self._book.told(fired, shown(target), result)
        except (AlertError, OSError):
            log.exception("what came of telling %s", shown(target))
        after()

    def _changed(self) -> None:
        for observer in list(self._observers):
            try:
                observer()
            except Exception:
                log.exception("an observer of alerts failed")

    def _changed_from_elsewhere(self) -> Callable[[], None]:
        """`_changed`, to be called in another thread: it runs where the event loop does."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return self._changed

        def later() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(self._changed)

        return later


class Watch:
    """The alerts on one series of candles, as they stand after its history."""

    def __init__(
        self, alerts: Alerts, symbol: str, timeframe: str, history: pd.DataFrame, *, replay: bool
    ) -> None:
        self._alerts = alerts
        self._replay = replay
        self._synthetic = is_synthetic(history)
        self._last = history.index[-1] if len(history) else None
        self.version = alerts.version
        self.missed: list[Fired] = []
        """Alerts that would have fired while nobody watched, the oldest first."""
        self._judges: dict[str, Judge] = {}
        for name, alert in alerts.alerts.items():
            if (alert.symbol, alert.timeframe) == (symbol, timeframe):
                judge = self._judges[name] = Judge(alert)
                hits = judge.history(history)
                if self._last is not None and not replay:
                    self.missed += self._write_down(name, hits, self._last, missed=True)
        self.missed.sort(key=lambda fired: fired.open_time)
        if self.missed:
            alerts._changed()

    def update(self, event: Event) -> list[Fired]:
        """What fires at this event's candle. One that still forms, or was judged before, fires nothing."""
        opened = event.candle["open_time"]
        if not event.closed or (self._last is not None and opened <= self._last):
            return []
        self._last = opened
        found = []
        for name, judge in self._judges.items():
            hit = judge.update(event.candle)
            hits = [] if hit is None else [hit]
            if self._replay:
                told = [
                    fired_of(judge.alert, one, synthetic=self._synthetic, origin="replay") for one in hits
                ]
            else:
                told = self._write_down(name, hits, opened, origin=event.origin)
            for fired in told:
                self._alerts.tell(fired, judge.alert)
            found += told
        return found

    def _write_down(
        self, name: str, hits: list[Hit], last: pd.Timestamp, *, origin: str = "live", missed: bool = False
    ) -> list[Fired]:
        return self._alerts._book.judged(
            name, hits, last, synthetic=self._synthetic, origin=origin, missed=missed
        )


def payload(fired: Fired) -> dict[str, Any]:
    """What a webhook gets. `text` and `content` are what chat services show; `id` is the same at every
    attempt.
    """
    return {
        "text": fired.text,
        "content": fired.text,
        "id": f"{fired.alert}-{fired.open_time}",
        "symbol": fired.symbol,
        "timeframe": fired.timeframe,
        "rule": fired.rule,
        "open_time": fired.open_time,
        "known_at": fired.known_at,
        "value": fired.value,
        "close": fired.close,
        "origin": fired.origin,
        "synthetic": fired.synthetic,
    }


def shown(target: str) -> str:
    """A target for people to read: of a webhook only the host, for its path is often a secret."""
    return target if target == "desktop" else f"webhook {urlsplit(target).hostname}"
