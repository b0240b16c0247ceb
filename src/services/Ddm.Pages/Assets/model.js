// What is served: a model's card, its experts, and how well its router tells clusters apart at every noise level.
import { get } from '/pages/api.js';
import { curve } from '/pages/curve.js';
import { facts, figure, h, put, table, when, whole } from '/pages/dom.js';
import { open } from '/pages/shell.js';

const MOST_CLASSES = 40;
await open('model');
const main = document.getElementById('main');
const models = (await get('/v1/models')).data;
const wanted = new URLSearchParams(location.search).get('name') ?? models[0]?.id;
const network = shape => shape ? `width ${shape.hidden}, depth ${shape.depth}, heads ${shape.heads}, patch ${shape.patch}` : 'no weights';
const where = role => !role.hosts ? 'here' : role.hosts.length > 0 ? role.hosts.join(', ') : h('span', { class: 'badge failed' }, 'no host has it');
const section = (heading, ...children) => h('section', { class: 'card', 'aria-label': heading }, h('h2', null, heading), ...children);

// Of each class the expert's share of all its training rows.
function classes(card) {
  const names = card.classes.slice(0, MOST_CLASSES);
  if (names.length === 0 || !card.experts.every(expert => expert.class_rows)) return null;
  const all = names.map((_, c) => card.experts.reduce((sum, expert) => sum + expert.class_rows[c], 0));
  return section('Where the classes went',
    h('p', { class: 'small faint' }, "Each expert's percent of a class's training images."),
    table('Classes by expert', [['Class'], ...card.experts.map((_, k) => [`expert ${k}`, 'number'])],
      names.map((name, c) => [name, ...card.experts.map(expert => all[c] === 0 ? '' : Math.round(100 * expert.class_rows[c] / all[c]))])),
    card.classes.length > MOST_CLASSES && h('p', { class: 'small faint' }, `and ${card.classes.length - MOST_CLASSES} more classes`));
}

function router(measured) {
  if (!measured) return h('p', { class: 'faint' }, "No measurement of this version's router is in the store: its run is gone, or the model was imported.");
  const middle = bin => (bin.from + bin.to) / 2;
  return [
    curve('Accuracy of the router', [
      { name: 'accuracy', kind: 'loss', points: measured.bins.map(bin => [middle(bin), bin.accuracy]) },
      { name: 'always the largest cluster', kind: 'second', points: [[0, measured.largest_share], [1, measured.largest_share]] },
    ], { xs: [0, 1], ys: [0, 1], x: 'noise level t' }),
    h('p', { class: 'legend' }, h('span', null, h('span', { class: 'key' }), 'accuracy'), h('span', null, h('span', { class: 'key second' }), 'always the largest cluster')),
    h('p', { class: 'small faint' }, `Share of ${whole(measured.rows)} held-out images whose likeliest cluster is their own, from picture (t = 0) to noise (t = 1).`),
    h('details', null, h('summary', { class: 'small' }, 'In numbers'), table('The router by noise level', [['t'], ['accuracy', 'number'], ['cross-entropy', 'number'], ['entropy', 'number'], ['calibration error', 'number']],
      measured.bins.map(bin => [`${figure(bin.from)} to ${figure(bin.to)}`, figure(bin.accuracy), figure(bin.cross_entropy), figure(bin.entropy), figure(bin.calibration_error)]))),
  ];
}

function show(card) {
  const choose = h('select', { id: 'name', 'aria-label': 'Model', onchange: () => { location.search = `?name=${encodeURIComponent(choose.value)}`; } },
    models.map(model => h('option', { value: model.id, selected: model.id === card.id }, model.id)));
  put(main,
    h('div', { class: 'head' }, h('h1', { class: 'grow' }, card.id), models.length > 1 && h('div', null, choose), h('a', { class: 'button', href: `/pages/playground?model=${encodeURIComponent(card.id)}` }, 'Draw with it')),
    card.notices.length > 0 && h('p', { class: 'message bad' }, card.notices.join('\n')),
    section('Card', facts([
      ['version', card.version],
      ['manifest', card.sha256 && h('code', null, card.sha256)],
      [card.partial ? 'looked at' : 'published', when(card.published_at)],
      ['pictures', `${card.image_size} x ${card.image_size}, ${card.channels === 1 ? 'grey' : 'colour'}${card.latent ? `, drawn as latents of ${card.latent.channels} x ${card.latent.size} x ${card.latent.size}` : ''}`],
      ['classes', card.classes.length > 1 && `${card.classes.length}: ${card.classes.slice(0, MOST_CLASSES).join(', ')}`],
      ['experts chosen by', `${card.routing.strategy}: ${card.routing.reason}`],
      ['drawn with', `${card.sampling.steps} steps of ${card.sampling.solver}, guidance ${figure(card.sampling.guidance)}, shift ${figure(card.sampling.shift)}`],
    ])),
    section('Experts', table('Experts', [['Role'], ['Steps', 'number'], ['Training images', 'number'], ['Network'], ['Where'], ['Weights']],
      [...card.experts, card.router].filter(Boolean).map(role => [
        role.role, `${whole(role.step)} of ${whole(role.target_steps)}`, role.rows === null ? '' : whole(role.rows), network(role.network), where(role), role.sha256 ? h('code', { title: role.sha256 }, role.sha256.slice(0, 12)) : 'none']))),
    section('Router by noise level', h('div', { class: 'plot' }, router(card.router_measured))),
    classes(card));
  document.title = `${card.id} · DdmAspire`;
}

if (!wanted) {
  main.replaceChildren(h('h1', null, 'Model'), h('p', { class: 'message' }, 'No model is served yet. A run publishes one at its end; reload this page then.'));
} else {
  try {
    show(await get(`/v1/models/${encodeURIComponent(wanted)}/card`));
  } catch (error) {
    main.replaceChildren(h('h1', null, 'Model'), h('p', { class: 'message bad' }, error.message));
  }
}
