// lightweight-charts: candles and Bollinger Bands, and a pane for every other indicator.
const { createChart, CandlestickSeries, HistogramSeries, LineSeries } = LightweightCharts;
const place = document.body.appendChild(document.createElement('div'));
const chart = createChart(place, { width: WIDTH, height: HEIGHT, layout: { background: { color: '#0f131c' }, textColor: '#aaa' } });
const data = await read();
const times = Array.from(data.time, (t) => t / 1000);
const line = (name) => times.map((time, i) => (data[name][i] === data[name][i] ? { time, value: data[name][i] } : { time }));
const bars = () => times.map((time, i) => ({ time, open: data.open[i], high: data.high[i], low: data.low[i], close: data.close[i] }));
const candles = chart.addSeries(CandlestickSeries, {}, 0);
const volume = chart.addSeries(HistogramSeries, { priceScaleId: '' }, 0);
const lines = new Map(PANES.flatMap((names, pane) => names.map((name) => [name, chart.addSeries(LineSeries, { lineWidth: 1 }, pane)])));
const fill = () => {
  candles.setData(bars());
  volume.setData(line('volume'));
  for (const [name, series] of lines) series.setData(line(name));
};
fill();
const scale = chart.timeScale();
const move = (low, high) => scale.setVisibleLogicalRange({ from: low, to: high });
let now = times.length;
const tick = () => {
  const time = times[times.length - 1] + 900 * (1 + Math.floor(now++ / 20));
  const last = times.length - 1;
  candles.update({ time, open: data.open[last], high: data.high[last], low: data.low[last], close: data.close[last] * (1 + 1e-4 * Math.random()) });
  volume.update({ time, value: data.volume[last] });
  for (const [name, series] of lines) series.update({ time, value: data[name][last] });
};
const range = () => { const { from, to } = scale.getVisibleLogicalRange(); return { low: from, high: to }; };
const band = (turn) => { for (const name of ['bb_upper', 'bb_middle', 'bb_lower']) lines.get(name).setData(line(turn % 2 ? name : `${name}_other`)); };
