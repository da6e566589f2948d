// What pages with the charts of others share: frames, times, and the data as columns.
const painted = () => new Promise((done) => requestAnimationFrame(() => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => done(performance.now());
  port2.postMessage(0);
}));
async function frames(move) {
  const found = [];
  let before = await painted();
  for (let frame = 0; frame < 12; frame++) {
    await move();
    const now = await painted();
    if (frame > 1) found.push([now - before]);
    before = now;
  }
  return found;
}
const timed = async (action) => {
  const start = performance.now();
  await action();
  await painted();
  return (await painted()) - start;
};
async function read() {
  const numbers = new Float64Array(await (await fetch('/data')).arrayBuffer());
  const length = numbers.length / NAMES.length;
  return Object.fromEntries(NAMES.map((name, i) => [name, numbers.subarray(i * length, (i + 1) * length)]));
}
