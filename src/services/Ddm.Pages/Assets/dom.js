// Elements from data. Text goes in as text, never as markup, and styles are classes alone: the pages' policy allows no others.
const SVG = 'http://www.w3.org/2000/svg';

function build(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'value' && 'value' in element) element.value = value;
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat(Infinity).filter(child => child !== null && child !== undefined && child !== false));
  return element;
}

/** An element of HTML. */
export const h = (tag, attributes, ...children) => build(document.createElement(tag), attributes, children);

/** An element of SVG. */
export const s = (tag, attributes, ...children) => build(document.createElementNS(SVG, tag), attributes, children);

/** Puts children into an element in the place of what it had. */
export function put(element, ...children) {
  element.replaceChildren();
  return build(element, null, children);
}

/** Puts children in an element's place, unless they are the same already. What has the focus keeps it, and what was scrolled stays so. */
export function fill(element, ...children) {
  const next = h('div', null, ...children);
  if (next.innerHTML === element.innerHTML) return element;
  const focus = element.contains(document.activeElement) ? document.activeElement.getAttribute('href') ?? document.activeElement.id : null;
  const scrolled = [...element.querySelectorAll('.scroll')].map(part => part.scrollLeft);
  element.replaceChildren(...next.childNodes);
  element.querySelectorAll('.scroll').forEach((part, i) => { part.scrollLeft = scrolled[i] ?? 0; });
  if (focus) [...element.querySelectorAll('a[href], [id]')].find(part => part.getAttribute('href') === focus || part.id === focus)?.focus();
  return element;
}

/** A table with a head. Columns: [title, class]; rows: arrays of cells, the first of which names the row. */
export function table(caption, columns, rows) {
  return h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption }, h('table', null,
    h('thead', null, h('tr', null, columns.map(([title, kind]) => h('th', { scope: 'col', class: kind }, title)))),
    h('tbody', null, rows.map(cells => h('tr', null, cells.map((cell, i) => h(i === 0 ? 'th' : 'td', { class: columns[i][1], scope: i === 0 ? 'row' : null }, cell ?? '')))))));
}

/** Facts as a list of terms. */
export const facts = pairs => h('dl', { class: 'facts' }, pairs.filter(([, value]) => value !== null && value !== undefined && value !== '')
  .map(([name, value]) => [h('dt', null, name), h('dd', null, value)]));

/** A figure with few digits. */
export const figure = value => value === null || value === undefined ? '' : String(Number(Number(value).toPrecision(4)));

/** A whole number with thin gaps. */
export const whole = value => Number(value).toLocaleString('en');

/** "3 min ago". */
export function ago(time, now = Date.now()) {
  const seconds = Math.max(0, (now - new Date(time)) / 1000);
  return seconds < 5 ? 'just now' : seconds < 100 ? `${Math.round(seconds)} s ago` : seconds < 6000 ? `${Math.round(seconds / 60)} min ago`
    : seconds < 172800 ? `${Math.round(seconds / 3600)} h ago` : `${Math.round(seconds / 86400)} days ago`;
}

/** A time of day; with its date where that is another. */
export function clock(time) {
  const [at, today] = [new Date(time), new Date()];
  const date = at.toDateString() === today.toDateString() ? '' : `${at.toLocaleDateString()} `;
  return h('time', { datetime: time, title: at.toLocaleString() }, date + at.toLocaleTimeString());
}

/** A time that tells its age, and its date to who points at it. */
export const when = (time, now) => h('time', { datetime: time, title: new Date(time).toLocaleString() }, ago(time, now));

/** A colour of an expert: far from that of its neighbours, in both schemes. */
export const colour = k => `hsl(${Math.round((k * 137.508 + 210) % 360)} 62% ${k % 2 ? 46 : 58}%)`;
