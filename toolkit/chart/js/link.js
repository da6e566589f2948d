// The way into bqplot's models and views. Everything here is local to the browser: nothing is sent to the kernel.

export function setLocal(model, state) {
  model.set_state(state);
}

// Lets the canvas draw a mark instead of its view: the view keeps listening, but asks for a repaint where it would have
// touched its SVG. Returns false where the view is not what we know, and leaves it to draw itself.
export function adopt(view, repaint) {
  const update = ["update_line_xy", "update_position"].find((name) => typeof view[name] === "function");
  if (!update || typeof view.draw !== "function" || !view.d3el) return false;
  view.draw = repaint;
  view[update] = repaint;
  view.d3el.selectAll("*").remove();
  return true;
}

// Marks, figures and scales named in a spec, once their models are here.
export async function resolve(manager, spec) {
  const get = (id) => manager.get_model(id);
  const panes = await Promise.all(
    spec.panes.map(async (pane) => ({
      ...pane,
      figure: await get(pane.figure),
      scales: { price: await get(pane.scales.price), volume: pane.scales.volume && (await get(pane.scales.volume)) },
      marks: await Promise.all(pane.marks.map(async (mark) => ({ ...mark, model: await get(mark.id), width: 1, shape: null, seen: new Set(), own: [] }))),
    })),
  );
  return { panes, x: await get(spec.x) };
}

// Adopts the views that a mark has got since it was last looked at. `mark.own` are the views that draw themselves.
export async function adoptViews(mark, repaint, canvas) {
  for (const [id, promise] of Object.entries(mark.model.views ?? {})) {
    if (mark.seen.has(id)) continue;
    mark.seen.add(id);
    const view = await promise;
    if (!canvas || !adopt(view, repaint)) mark.own.push(view);
  }
  return mark.seen.size > 0;
}

// Gives a mark that bqplot draws the colours of the theme.
export function dress(mark, theme) {
  if (mark.dressed === theme) return;
  mark.dressed = theme;
  const names = ["colors", "fill_colors"].filter((name) => mark.model.get(name)?.length);
  setLocal(mark.model, Object.fromEntries(names.map((name) => [name, mark.model.get(name).map((color) => inkOf(theme, color))])));
}

// Gives a mark its data, in one draw.
export function setShape(mark, shape) {
  mark.shape = shape;
  mark.stale = true;
}

// Writes what is shown into the bqplot model: at once where bqplot draws, else when there is time.
export function flush(mark) {
  if (!mark.stale) return;
  mark.stale = false;
  setLocal(mark.model, trimmed(mark.shape, mark.place));
}

// In units of the axis, without undefined values at the end: bqplot puts a line's label where it ends.
function trimmed({ x, y: values }, place) {
  const to = place?.key ? (row) => row.map(place.to) : (row) => row;
  const y = Array.isArray(values) ? values.map(to) : to(values);
  const rows = Array.isArray(y) ? y : [y];
  let end = x.length;
  while (end && rows.some((row) => row[end - 1] !== row[end - 1])) end--;
  const cut = (values) => values.subarray(0, end);
  return { x: cut(x), y: Array.isArray(y) ? y.map(cut) : cut(y) };
}
