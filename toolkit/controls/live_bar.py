"""Play stored candles as if they happened now, or follow an exchange's, on a dashboard."""

import asyncio
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anywidget
import pandas as pd
import traitlets

from toolkit.candles import is_synthetic, length_of
from toolkit.controls.feeds import LiveFeed, exchange_feeds
from toolkit.controls.following import Following
from toolkit.controls.state import Dashboard
from toolkit.feeds import Event, Feed, Replay, ReplayError
from toolkit.feeds.replay import LEAD, replay_forming

_HERE = Path(__file__).parent


class LiveBar(anywidget.AnyWidget):
    """A bar that plays a replay, or follows an exchange where there is one.

        bar = LiveBar(state)
        bar.replay("2025-03-01")    # what its controls do can be done from Python
        bar.play(speed=5)

    In a replay the dashboard knows nothing that became known later than the replay's time: not its chart, its
    signals or the report of its candles, and not the candles of another symbol or timeframe chosen meanwhile.
    Candles that still form are simulated from a smaller timeframe where its candles add up to the stored
    ones; `note` says where not, and why.

    Args:
        state: the dashboard.
        live: makes the feed of a symbol and a timeframe, such as `Exchange().feed`; default: that of the
            exchange that the setting `live` names. Where there is none, only replays are offered.
        watch: called with every event of the feed that is followed (alerts, for example).
    """

    _esm = (_HERE / "live_bar.js").read_text(encoding="utf-8")
    _css = (_HERE / "live_bar.css").read_text(encoding="utf-8")

    status = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        state: Dashboard,
        *,
        live: LiveFeed | None = None,
        watch: Callable[[Event], None] = lambda _: None,
    ) -> None:
        super().__init__()
        self._state = state
        self._notice = ""
        self._live = live if live is not None else exchange_feeds(state, self._noticed)
        self._watch = watch
        self._feed: Feed | None = None
        self._stored: tuple[pd.DataFrame, tuple[str, ...]] | None = None
        self._task: asyncio.Task[None] | None = None
        self._speed = 2.0
        self._ended = self._heard = False
        self._closing: set[asyncio.Task[None]] = set()
        self.on_msg(self._receive)
        state.observe(lambda _: self._tell(), "klines")
        self._tell()

    def __repr__(self) -> str:
        return f"<LiveBar: {self._badge() or 'stored candles'}>"

    # ---- what it does

    @property
    def mode(self) -> str:
        """`"stored"`, `"replay"` or `"live"`."""
        return "stored" if self._feed is None else self._feed.origin

    @property
    def feed(self) -> Feed | None:
        """What is followed; None where the stored candles are shown."""
        return self._feed

    @property
    def note(self) -> str:
        """What must be known of the candles that come: in a replay which are seen while they form, else what
        the exchange's connection last noticed.
        """
        if isinstance(self._feed, Replay):
            return self._feed.forming_text
        return self._notice if self._feed is not None else ""

    @property
    def speed(self) -> float:
        """Candles a second; can be set at any time (`ReplayError` where it cannot be that)."""
        return self._feed.speed if isinstance(self._feed, Replay) else self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        if isinstance(self._feed, Replay):
            self._feed.speed = speed
        self._speed = Replay.check_speed(speed)
        self._tell()

    def replay(self, start: Any = None, *, speed: float | None = None) -> None:
        """Begin a replay, paused, at `start` (any time; default: behind the last candle in view, else the
        last 500 candles).

        Raises:
            ReplayError: there is no candle to play, or `speed` cannot be.
            CandleError: `start` is no time.
        """
        klines, notes = self._all()
        if start is None:
            start = klines.index[self._first_row(len(klines))]
        speed = self._speed if speed is None else speed
        self._begin(self._replay_of(klines, start, speed), klines, notes)

    def _replay_of(self, klines: pd.DataFrame, start: Any, speed: float) -> Replay:
        return replay_forming(klines, self._state.source, start=start, speed=speed, paused=True)

    def follow_live(self) -> None:
        """Follow the exchange. Raises `ReplayError` where there is none."""
        if self._live is None:
            raise ReplayError(
                "LiveBar: there is no live feed; set TOOLKIT_LIVE, or give LiveBar(state, live=...)"
            )
        klines, notes = self._all()
        self._begin(self._live(self._state.symbol, self._state.timeframe), klines, notes)

    def play(self, speed: float | None = None) -> None:
        """Play on; a replay is begun where the stored candles are shown."""
        if self._feed is None:
            self.replay()
        replay = self._replaying()
        if replay.position is None:
            raise ReplayError("replay: it is at its end; seek to an earlier candle")
        replay.play()
        if speed is not None:
            self.speed = speed
        self._read()
        self._tell()

    def pause(self) -> None:
        """Wait."""
        self._replaying().pause()
        self._settle()

    def step(self, candles: int = 1) -> None:
        """So many candles on, or back where it is negative, and wait."""
        replay = self._replaying()
        if candles < 0:
            self.seek(self._row() + candles)
            return
        replay.step(min(candles, max(1, replay.remaining)))
        self._read()
        self._tell()

    def seek(self, where: Any) -> None:
        """Go to a row of the stored candles, or to the first that opens at a time or later: it comes next."""
        if self._feed is None:
            self.replay(where if not isinstance(where, int) else self._all()[0].index[max(1, where)])
            return
        replay, following = self._replaying(), self._state.following
        klines, _ = self._all()
        if isinstance(where, int):
            where = klines.index[min(max(1, where), len(klines) - 1)]
        if following is not None:
            following.settle()
        replay.seek(max(pd.Timestamp(klines.index[1]), _moment(where)))
        if following is not None:
            following.move(replay.history())
        self._read()
        self._tell()

    def stop(self) -> None:
        """Back to the stored candles."""
        if self._stored is None:
            return
        klines, notes = self._stored
        self._end()
        self._state.moment = None
        self._state.show(klines, notes)
        self._tell()

    # ---- begin and end

    def _begin(self, feed: Feed, klines: pd.DataFrame, notes: tuple[str, ...]) -> None:
        self._end()
        state = self._state
        # before all else, and not by way of None: whoever shows other markets looks at this
        state.moment = feed.moment if isinstance(feed, Replay) else None
        self._feed, self._stored, self._ended, self._heard = feed, (klines, notes), False, False
        state.following = Following(state, feed, badge=self._badge, told=self._tell, watch=self._hear)
        state.take = self._take
        for display in state.displays:
            display.badge = self._badge()
        if isinstance(feed, Replay):
            state.show(feed.history(), notes)
        self._read()
        self._tell()

    def _noticed(self, notice: Any) -> None:
        shown = (self._state.symbol, self._state.timeframe)
        if notice.symbol in ("", shown[0]) and notice.timeframe in ("", shown[1]):
            self._notice = f"{notice.time:%H:%M} UTC: {notice.text}"
            self._tell()

    def _hear(self, event: Event) -> None:
        self._heard = True
        self._watch(event)

    def _end(self) -> None:
        feed, self._feed, self._stored = self._feed, None, None
        state = self._state
        if state.following is not None:
            state.following.close()
        state.following, state.take = None, state.show
        for display in state.displays:
            if feed is not None:
                display.badge = ""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
        if feed is not None and (loop := _loop()) is not None:
            closing = loop.create_task(feed.close())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    def _take(self, klines: pd.DataFrame, notes: tuple[str, ...]) -> None:
        """Another symbol or timeframe was loaded: no candle of it may be shown that the replay does not know
        yet.
        """
        if isinstance(self._feed, Replay):
            before = self._feed
            closes = pd.DatetimeIndex(klines.index) + length_of(klines.attrs["timeframe"])
            known = int(closes.searchsorted(before.moment, side="right"))
            if known < 1 or known >= len(klines):
                raise ReplayError(
                    f"replay: {self._state.symbol} {self._state.timeframe} has no candles to go on from at"
                    f" {before.moment:%Y-%m-%d %H:%M} UTC; there are candles from"
                    f" {klines.index[0]:%Y-%m-%d} to {klines.index[-1]:%Y-%m-%d}"
                )
            replay = self._replay_of(klines, klines.index[known], before.speed)
            if not before.paused:
                replay.play()
            self._begin(replay, klines, notes)
        elif self._live is not None:
            self._state.show(klines, notes)
            self._begin(self._live(self._state.symbol, self._state.timeframe), klines, notes)

    def _read(self) -> None:
        """Read the feed, in the background; where no event loop runs there is nobody who could."""
        loop = _loop()
        if loop is None or (self._task is not None and not self._task.done()):
            return
        self._ended = False
        self._task = loop.create_task(self._follow(self._feed))

    async def _follow(self, feed: Feed | None) -> None:
        following = self._state.following
        if feed is None or following is None:
            return
        with self._state.reporting("The feed ended"):
            await following.run()
        if self._feed is feed:
            self._ended = True
            if isinstance(feed, Replay):
                feed.pause()
            self._settle()

    # ---- what is known

    def _all(self) -> tuple[pd.DataFrame, tuple[str, ...]]:
        """The stored candles, whatever is shown of them."""
        if self._stored is not None:
            return self._stored
        if self._state.klines is None or len(self._state.klines) < 2:
            raise ReplayError("replay: there are no candles to play")
        return self._state.klines, self._state.notes

    def _replaying(self) -> Replay:
        if not isinstance(self._feed, Replay):
            raise ReplayError(f"replay: none is running; what is shown is {self.mode}")
        return self._feed

    def _row(self) -> int:
        """How many stored candles the replay knows."""
        replay = self._replaying()
        klines, _ = self._all()
        return len(klines) if replay.position is None else int(klines.index.searchsorted(replay.position))

    def _first_row(self, length: int) -> int:
        """Where a replay begins: behind the last candle in view, unless the newest one is."""
        for display in self._state.displays:
            seen = getattr(display, "visible", None)
            if seen is not None and seen[1] < length - 2:
                return max(1, int(seen[1]) + 1)
        return max(1, length - LEAD)

    def _badge(self) -> str:
        feed = self._feed
        if isinstance(feed, Replay):
            return f"REPLAY {feed.moment:%Y-%m-%d %H:%M} UTC"
        if feed is None:
            return ""
        return "LIVE" if self._heard else "CONNECTING…"  # nothing is live before something came

    def _settle(self) -> None:
        if self._state.following is not None:
            self._state.following.flush()
            self._state.following.publish()
        self._tell()

    def _tell(self) -> None:
        feed, klines = self._feed, self._state.klines
        status: dict[str, Any] = {
            "mode": self.mode,
            "live": self._live is not None,
            "speed": self.speed if math.isfinite(self.speed) else None,
            "ended": self._ended,
            "badge": self._badge(),
            "note": self.note,
            "synthetic": klines is not None and is_synthetic(klines),
        }
        if isinstance(feed, Replay):
            stored, _ = self._all()
            status |= {
                "playing": not feed.paused and not self._ended,
                "row": self._row(),
                "rows": len(stored),
            }
        elif klines is not None:
            status |= {"row": len(klines), "rows": len(klines)}
        self.status = status

    # ---- the browser

    def _receive(self, _: object, message: Mapping[str, Any], __: object) -> None:
        action = message.get("action")
        with self._state.reporting("The replay could not do that"):
            if action == "mode":
                {"stored": self.stop, "replay": self.replay, "live": self.follow_live}[str(message["mode"])]()
            elif action == "play":
                self.play()
            elif action == "pause":
                self.pause()
            elif action == "step":
                self.step(int(message["candles"]))
            elif action == "seek":
                self.seek(int(message["row"]))
            elif action == "view":
                klines, _notes = self._all()
                self.seek(self._first_row(len(klines)))
            elif action == "speed":
                self.speed = math.inf if message["speed"] is None else float(message["speed"])
        self._tell()
        self.send({"type": "done", "action": action})


def _moment(where: Any) -> pd.Timestamp:
    time = pd.Timestamp(where)
    return time.tz_localize("UTC") if time.tz is None else time


def _loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
