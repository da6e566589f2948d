// What is measured of our chart, in its page. Every function gives milliseconds; `painted` ends with the frame shown.
const chart = document.querySelector('.tk-surface').chart;
const view = [...chart.views][0];
const painted = () => new Promise((done) => requestAnimationFrame(() => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => done(performance.now());
  port2.postMessage(0);
}));
const handle = (selector) => document.querySelector(selector + ' .noUi-handle');
const press = (element, key) => element.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
async function settled() {
  do await new Promise((done) => setTimeout(done, 60));
  while (!chart.inspect().complete || chart.pending);
}
async function until(start, changed) {
  for (let frame = 0; frame < 300; frame++) {
    const now = await painted();
    if (changed()) return now - start;
  }
  throw new Error('nothing changed');
}
// Ten frames one after the other, as a hand makes them: milliseconds that each took, and of these our script.
async function frames(move) {
  const found = [];
  let before = await painted();
  for (let frame = 0; frame < 12; frame++) {
    chart.spent = 0;
    move();
    const now = await painted();
    if (frame > 1) found.push([now - before, chart.spent]);
    before = now;
  }
  return found;
}
window.measured = {
  async floor() {
    await settled();
    const label = document.querySelector('.floor-label');
    const before = label.textContent;
    const start = performance.now();
    press(handle('.floor-slider'), 'ArrowRight');
    return until(start, () => label.textContent !== before);
  },
  async slider(turn) {
    await settled();
    const column = chart.feed.columns.get('Bollinger Bands.bb_upper');
    const { version } = column;
    let frames = Infinity; // painted when the new values came
    const came = (message) => {
      if (message.type === 'patch') frames = chart.frames;
    };
    chart.model.on('msg:custom', came);
    const start = performance.now();
    press(handle('.bands'), turn % 2 ? 'ArrowLeft' : 'ArrowRight');
    const time = await until(start, () => column.version > version && chart.frames > frames);
    chart.model.off('msg:custom', came);
    return time;
  },
  empty: () => frames(() => {}),
  pan(turn) {
    const sign = turn % 8 < 4 ? -1 : 1;
    return frames(() => {
      const { low, high } = chart.range;
      chart.show(low + (high - low) * 0.01 * sign, high + (high - low) * 0.01 * sign);
    });
  },
  wheel(turn) {
    const box = view.surface.getBoundingClientRect();
    const deltaY = turn % 2 ? -15 : 15;
    const where = { clientX: box.left + 400, clientY: box.top + 200, bubbles: true, cancelable: true };
    return frames(() => view.surface.dispatchEvent(new WheelEvent('wheel', { deltaY, ...where })));
  },
  crosshair(turn) {
    const start = performance.now();
    for (let i = 0; i < 20; i++) view.point({ x: 100 + ((turn * 20 + i) % 500), y: 150 });
    return (performance.now() - start) / 20;
  },
  async symbol(turn) {
    await settled();
    const select = document.querySelector('.tk-symbol select');
    const { epoch } = chart.feed;
    const { frames } = chart;
    const start = performance.now();
    select.value = turn % 2 ? 'BTCUSDT' : 'ETHUSDT';
    select.dispatchEvent(new Event('change', { bubbles: true }));
    return until(start, () => chart.feed.epoch > epoch && chart.frames > frames && chart.range && chart.window);
  },
  // While updates come: how long each took from its arrival until it was painted.
  watch() {
    window.waits = [];
    let came = null;
    chart.model.on('msg:custom', (message) => {
      if (message.type !== 'tick' || came !== null) return;
      came = performance.now();
      painted().then((now) => {
        waits.push([now - came]);
        came = null;
      });
    });
  },
  async show(candles) {
    candles ? chart.showLatest(candles) : chart.showAll();
    await settled();
    await settled();
  },
};
