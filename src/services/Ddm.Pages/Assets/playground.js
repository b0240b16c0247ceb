// Draws: a form over POST /v1/images/generations, previews from its stream, and how the experts were weighed at every step.
import { ask, events, get } from '/pages/api.js';
import { colour, facts, figure, fill, h, s, table } from '/pages/dom.js';
import { open } from '/pages/shell.js';

const PREVIEWS = 3;
const MOST_KEPT = 24;
await open('playground');
const wanted = new URLSearchParams(location.search).get('model');
const models = (await get('/v1/models')).data;
const main = document.getElementById('main');
if (models.length === 0) {
  main.replaceChildren(h('h1', null, 'Playground'), h('p', { class: 'message' }, 'No model is served yet. A run publishes one at its end; reload this page then.'));
  throw new Error('no model');
}

// ---- the form

const option = (value, text = value) => h('option', { value }, text);
const number = (id, attributes) => h('input', { id, type: 'number', ...attributes });
const fields = {
  model: h('select', { id: 'model' }, models.map(model => option(model.id, `${model.id} (${model.experts} experts, ${model.size})`))),
  prompt: h('input', { id: 'prompt', maxlength: 4000, autocomplete: 'off' }),
  klass: h('select', { id: 'class' }),
  negative: h('input', { id: 'negative', maxlength: 4000, autocomplete: 'off' }),
  n: number('n', { min: 1, max: 10, value: 4, required: true }),
  seed: number('seed', { min: 0, max: Number.MAX_SAFE_INTEGER, step: 1, value: 1, required: true }),
  steps: number('steps', { min: 1, max: 1000, required: true }),
  guidance: number('guidance', { min: 0, max: 100, step: 'any', required: true }),
  strategy: h('select', { id: 'strategy' }, ['', 'ancestral', 'top-1', 'top-2', 'top-k', 'full', 'sample', 'nucleus', 'threshold'].map(name => option(name))),
  value: number('value', { step: 'any' }),
};
const VALUES = { 'top-k': ['top_k', 'Experts', { min: 1, step: 1, value: 2 }], nucleus: ['p', 'Mass', { min: 0.01, max: 1, step: 'any', value: 0.9 }], threshold: ['threshold', 'Level', { min: 0, max: 0.99, step: 'any', value: 0.1 }] };
const labels = {};
const labelled = (key, text, kind) => labels[key] = h('label', { class: kind }, h('span', null, text), fields[key]);
const draw = h('button', { class: 'main', id: 'draw' }, 'Draw');
const stop = h('button', { type: 'button', id: 'stop', disabled: true, onclick: () => controller?.abort() }, 'Cancel');
const curl = h('pre', { class: 'curl', tabindex: 0, 'aria-label': 'The same as a command' });
const copied = h('span', { class: 'small faint', role: 'status' });
const form = h('form', { class: 'card fields', 'aria-label': 'What to draw', onsubmit: event => {
  event.preventDefault();
  run();
}, oninput: () => showCurl() },
labelled('model', 'Model', 'wide'), labelled('prompt', 'Prompt', 'wide'), labelled('klass', 'Class', 'wide'), labelled('negative', 'Negative prompt', 'wide'),
labelled('seed', 'Seed'), h('button', { type: 'button', onclick: () => {
  fields.seed.value = Math.floor(Math.random() * 2 ** 31);
  showCurl();
} }, 'Another seed'),
labelled('n', 'Pictures'), labelled('steps', 'Steps'), labelled('guidance', 'Guidance'), labelled('strategy', 'Experts chosen by', 'wide'), labelled('value', ''),
h('div', { class: 'wide row' }, draw, stop),
h('details', { class: 'wide' }, h('summary', null, 'The same with curl'), curl, h('div', { class: 'row' }, h('button', { type: 'button', onclick: copy }, 'Copy'), copied)));

const chosen = () => models.find(model => model.id === fields.model.value);

function takeModel() {
  const model = chosen();
  labels.prompt.hidden = model.condition !== 'caption';
  labels.negative.hidden = model.condition !== 'caption';
  labels.klass.hidden = model.condition !== 'class';
  labels.guidance.hidden = model.condition === 'none';
  fields.prompt.required = model.condition === 'caption';
  fields.klass.replaceChildren(...model.classes.map((name, k) => option(k, name)), option(-1, 'no class'));
  fields.steps.value = model.defaults.num_inference_steps;
  fields.guidance.value = model.defaults.guidance_scale;
  fields.strategy.options[0].textContent = `the model's own (${model.defaults.strategy})`;
  takeStrategy();
}

function takeStrategy() {
  const [, text, attributes] = VALUES[fields.strategy.value] ?? [];
  labels.value.hidden = !text;
  labels.value.firstChild.textContent = text ?? '';
  fields.value.required = Boolean(text);
  for (const name of ['min', 'max', 'step']) fields.value.removeAttribute(name);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name === 'value') fields.value.value = value;
    else fields.value.setAttribute(name, value);
  }
  if (fields.strategy.value === 'top-k') fields.value.max = chosen().experts;
  showCurl();
}

fields.model.addEventListener('change', takeModel);
fields.strategy.addEventListener('change', takeStrategy);

function request() {
  const model = chosen();
  const body = { model: model.id, n: Number(fields.n.value), seed: Number(fields.seed.value), num_inference_steps: Number(fields.steps.value) };
  if (model.condition === 'caption') body.prompt = fields.prompt.value;
  if (model.condition === 'class') body.class_label = Number(fields.klass.value);
  if (model.condition !== 'none') body.guidance_scale = Number(fields.guidance.value);
  if (model.condition === 'caption' && fields.negative.value.trim() && body.guidance_scale !== 1) body.negative_prompt = fields.negative.value;
  if (fields.strategy.value) {
    body.routing = { strategy: fields.strategy.value };
    const [name] = VALUES[fields.strategy.value] ?? [];
    if (name) body.routing[name] = Number(fields.value.value);
  }
  return body;
}

// For a shell: an apostrophe ends the quotes, stands for itself, and begins them anew. The key stays in a variable.
function showCurl() {
  const json = JSON.stringify(request()).replaceAll("'", "'\\''");
  curl.textContent = `curl -H "Authorization: Bearer $DDM_API_KEY" -H "Content-Type: application/json" -d '${json}' ${location.origin}/v1/images/generations`;
}

async function copy() {
  try {
    await navigator.clipboard.writeText(curl.textContent);
    copied.textContent = 'copied';
  } catch {
    getSelection().selectAllChildren(curl);
    copied.textContent = 'selected: copy it with Ctrl+C';
  }
}

// ---- what comes of it

const status = h('p', { class: 'small faint', role: 'status', id: 'status' }, 'Nothing is drawn yet.');
const fault = h('p', { class: 'message bad', role: 'alert', hidden: true });
const pictures = h('div', { class: 'pictures', id: 'pictures' });
const detail = h('div');
const kept = h('div', { class: 'pictures' });
let controller = null;

const expertName = k => `expert ${k}`;
const rounded = weights => weights.map(weight => Math.round(weight * 1000) / 1000);

/** Bars of a picture: a column a step, t = 1 on the left, parts by weight. */
function bars(weights) {
  const [steps, unit] = [weights.length, 100];
  return s('svg', { class: 'bars', viewBox: `0 0 ${steps} ${unit}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': `Weights of the experts at ${steps} steps` },
    weights.map((step, x) => {
      let y = unit;
      return step.map((weight, k) => weight <= 0 ? null : s('rect', { x, width: 1.02, y: y -= weight * unit, height: weight * unit, fill: colour(k) },
        s('title', null, `step ${x + 1}: ${expertName(k)} ${figure(weight)}`)));
    }));
}

function showPicture(card, told) {
  const kind = `data:image/${told.output_format};base64,`;
  if (!card.image) card.frame.replaceChildren(card.image = h('img'));
  card.image.src = kind + told.b64_json;
  card.image.alt = `Picture of seed ${told.seed}`;
  card.image.classList.toggle('partial', told.type.endsWith('partial_image'));
}

function showEnd(card, told, index) {
  const used = [...new Set(told.weights.flatMap(step => step.flatMap((weight, k) => weight > 0 ? [k] : [])))].sort((a, b) => a - b);
  fill(card.below,
    bars(told.weights),
    h('p', { class: 'legend' }, used.map(k => h('span', null, s('svg', { class: 'swatch', viewBox: '0 0 1 1', 'aria-hidden': 'true' }, s('rect', { width: 1, height: 1, fill: colour(k) })), expertName(k)))),
    told.degraded && h('p', { class: 'message bad small' }, `Degraded: experts that were asked for are missing; those that are there held ${figure(100 * told.live_mass)} percent.`),
    h('details', null, h('summary', { class: 'small' }, `Weights in numbers (picture ${index + 1})`),
      table(`Weights of picture ${index + 1}`, [['Step', 'number'], ...told.weights[0].map((_, k) => [expertName(k), 'number'])], told.weights.map((step, i) => [i + 1, ...rounded(step)]))));
}

async function run() {
  const body = { ...request(), stream: true, partial_images: Math.min(PREVIEWS, Math.max(0, Number(fields.steps.value) - 1)) };
  const began = performance.now();
  controller = new AbortController();
  fault.hidden = true;
  draw.disabled = true;
  stop.disabled = false;
  status.textContent = 'Drawing…';
  fill(detail);
  const cards = Array.from({ length: body.n }, (_, i) => {
    const card = { frame: h('div', { class: 'empty' }), below: h('div') };
    card.element = h('figure', null, card.frame, h('figcaption', null, `seed ${body.seed + i}`), card.below);
    return card;
  });
  pictures.replaceChildren(...cards.map(card => card.element));
  try {
    const response = await ask('/v1/images/generations', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body), signal: controller.signal });
    const servedBy = response.headers.get('X-Ddm-Served-By');
    let ended = 0;
    for await (const { event, data } of events(response)) {
      if (event === 'error') throw new Error(data.error.message);
      showPicture(cards[data.image_index], data);
      if (event !== 'image_generation.completed') continue;
      showEnd(cards[data.image_index], data, data.image_index);
      keep(data);
      if (++ended === 1) {
        fill(detail, facts([['served by', servedBy], ...hosts(data), ['model', data.model], ['version', h('code', { title: data.model_sha256 }, data.model_sha256.slice(0, 12))], ['steps', data.weights.length]]));
      }
    }
    if (ended < body.n) throw new Error('The stream ended early: the gateway stopped, or the connection broke off. Draw again.');
    status.textContent = `Drawn in ${figure((performance.now() - began) / 1000)} s.`;
  } catch (error) {
    const stopped = controller.signal.aborted;
    status.textContent = stopped ? 'Cancelled.' : 'Not drawn.';
    if (!stopped) {
      fault.textContent = error.message;
      fault.hidden = false;
    }
  } finally {
    draw.disabled = false;
    stop.disabled = true;
    controller = null;
  }
}

// Who answered for the experts that live on hosts.
const hosts = told => Object.entries(told.hosts).map(([k, names]) => [expertName(k), `answered by ${names.join(', ')}`]);

function keep(told) {
  kept.prepend(h('img', { src: `data:image/${told.output_format};base64,${told.b64_json}`, alt: `Earlier picture of ${told.model}, seed ${told.seed}`, title: `${told.model}, seed ${told.seed}` }));
  while (kept.children.length > MOST_KEPT) kept.lastChild.remove();
}

main.replaceChildren(
  h('div', { class: 'head' }, h('h1', null, 'Playground')),
  h('div', { class: 'play' }, form, h('div', { class: 'card', 'aria-label': 'Pictures', role: 'region' }, status, fault, pictures, detail)),
  h('details', { class: 'card' }, h('summary', null, 'Earlier pictures of this visit'), kept));
if (wanted && models.some(model => model.id === wanted)) fields.model.value = wanted;
takeModel();
