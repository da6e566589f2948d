// plotly: the same, with the last MOST candles only.
const place = document.body.appendChild(document.createElement('div'));
const whole = await read();
const data = Object.fromEntries(Object.entries(whole).map(([name, values]) => [name, values.slice(-MOST)]));
const x = Array.from(data.time.keys());
const layout = { width: WIDTH, height: HEIGHT, showlegend: false, xaxis: { rangeslider: { visible: false }, anchor: 'y5' }, dragmode: 'pan' };
PANES.forEach((_, i) => { layout[`yaxis${i ? i + 1 : ''}`] = { domain: [1 - (i + 1) * 0.2, 0.98 - i * 0.2] }; });
const names = PANES.flatMap((list, i) => list.map((name) => [name, i]));
const traces = [
  { type: 'candlestick', x, open: data.open, high: data.high, low: data.low, close: data.close },
  ...names.map(([name, i]) => ({ type: 'scatter', mode: 'lines', x, y: data[name], yaxis: `y${i ? i + 1 : ''}`, line: { width: 1 } })),
];
await Plotly.newPlot(place, traces, layout, { scrollZoom: true });
const fill = () => Plotly.react(place, traces.map((trace) => ({ ...trace })), { ...layout, datarevision: Math.random() });
const move = (low, high) => Plotly.relayout(place, { 'xaxis.range': [low, high] });
const tick = () => Plotly.extendTraces(place, { y: names.map(([name]) => [data[name][data[name].length - 1]]), x: names.map(() => [x.length]) }, names.map((_, i) => i + 1));
const range = () => { const [low, high] = place.layout.xaxis.range; return { low, high }; };
const places = ['bb_upper', 'bb_middle', 'bb_lower'].map((name) => names.findIndex(([one]) => one === name) + 1);
const band = (turn) => Plotly.restyle(place, { y: ['bb_upper', 'bb_middle', 'bb_lower'].map((name) => data[turn % 2 ? name : `${name}_other`]) }, places);
const times = x;
