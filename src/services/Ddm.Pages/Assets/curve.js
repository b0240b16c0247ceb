// Small curves of our own: a line or two, axes with a few round numbers.
import { figure, s } from '/pages/dom.js';

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [340, 150, 44, 8, 8, 22];

function ticks(from, to, count) {
  const rough = (to - from) / count || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(times => times * power).find(step => step >= rough);
  const list = [];
  for (let value = Math.ceil(from / step) * step; value <= to + step * 1e-6; value += step) list.push(Math.abs(value) < step * 1e-6 ? 0 : value);
  return list;
}

const short = value => Math.abs(value) >= 10000 ? `${figure(value / 1000)}k` : figure(value);

/**
 * A curve as SVG.
 * lines: [{ name, points: [[x, y], ...], kind: 'loss' | 'second', dots }]; label: what it shows, for who cannot see it.
 */
export function curve(label, lines, { xs, ys, x = 'step' } = {}) {
  const all = lines.flatMap(line => line.points).filter(([, y]) => Number.isFinite(y));
  if (all.length === 0) return null;
  let [x0, x1] = xs ?? [Math.min(...all.map(p => p[0])), Math.max(...all.map(p => p[0]))];
  if (x0 === x1) [x0, x1] = [x0 - 1, x1 + 1];

  // The first steps are so far off that they would flatten the rest: the axis leaves the highest twentieth out.
  const sorted = all.map(p => p[1]).sort((a, b) => a - b);
  let [y0, y1] = ys ?? [sorted[0], sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.95))]];
  if (y0 === y1) [y0, y1] = [y0 - 0.5 * Math.abs(y0 || 1), y1 + 0.5 * Math.abs(y1 || 1)];
  if (!ys) [y0, y1] = [Math.max(y0 >= 0 ? 0 : -Infinity, y0 - (y1 - y0) * 0.08), y1 + (y1 - y0) * 0.08];

  const px = value => LEFT + (value - x0) / (x1 - x0) * (WIDTH - LEFT - RIGHT);
  const py = value => HEIGHT - BOTTOM - (Math.min(y1, Math.max(y0, value)) - y0) / (y1 - y0) * (HEIGHT - TOP - BOTTOM);
  const at = ([a, b]) => `${px(a).toFixed(1)},${py(b).toFixed(1)}`;
  return s('svg', { class: 'curve', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': label },
    ticks(y0, y1, 4).map(value => [
      s('path', { class: 'axis', d: `M${LEFT} ${py(value).toFixed(1)}H${WIDTH - RIGHT}` }),
      s('text', { x: LEFT - 5, y: py(value) + 4, 'text-anchor': 'end' }, short(value))]),
    ticks(x0, x1, 4).map(value => s('text', { x: px(value), y: HEIGHT - 6, 'text-anchor': value === x1 ? 'end' : 'middle' }, short(value))),
    s('title', null, `${label} by ${x}`),
    lines.map(line => line.points.length === 0 ? null : line.points.length === 1 || (line.dots && line.points.length < 3)
      ? line.points.map(point => s('circle', { class: `dot ${line.kind}`, cx: px(point[0]), cy: py(point[1]), r: 3 }))
      : s('polyline', { class: line.kind, points: line.points.filter(p => Number.isFinite(p[1])).map(at).join(' ') })));
}
