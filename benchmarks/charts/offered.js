// What is measured of another chart: the same names as in ours.js.
window.measured = {
  pan(turn) {
    const sign = turn % 8 < 4 ? -1 : 1;
    return frames(() => {
      const { low, high } = range();
      return move(low + (high - low) * 0.01 * sign, high + (high - low) * 0.01 * sign);
    });
  },
  band: (turn) => timed(() => band(turn)),
  all: () => timed(fill),
  tick: () => tick(),
  async show(candles) {
    const last = times.length - 1;
    await move(last - Math.min(candles || last, last), last);
    await painted();
  },
  length: times.length,
};
