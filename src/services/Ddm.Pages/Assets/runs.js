// All runs, looked at again every few seconds; and the form that submits one.
import { ask, get, post } from '/pages/api.js';
import { fill, h, table, when, whole } from '/pages/dom.js';
import { open, repeat, setLive } from '/pages/shell.js';

const LOOK_EVERY = 3000;
const PAGE = 50;
const session = await open('runs');

const list = h('div', null, h('p', { class: 'faint' }, 'Looking…'));
const more = h('button', { type: 'button', hidden: true, onclick: () => {
  pages++;
  look();
} }, 'More runs');
let pages = 1;

const word = text => text.charAt(0).toLowerCase() + text.slice(1);

function progress(run) {
  const target = run.roles.reduce((sum, role) => sum + role.target, 0);
  const done = run.roles.reduce((sum, role) => sum + Math.min(role.step, role.target), 0);
  return target === 0 ? '' : h('div', null, h('progress', { class: 'wide', max: target, value: done, 'aria-label': `${run.run}: steps` }), h('span', { class: 'small faint' }, `${whole(done)} of ${whole(target)} steps`));
}

const row = (run, now) => [
  h('a', { href: `/pages/run?name=${encodeURIComponent(run.run)}` }, run.run),
  h('span', { class: `badge ${word(run.status)}` }, word(run.status)),
  run.stage,
  progress(run),
  when(run.submittedAt, now),
  run.modelVersion && session.playground ? h('a', { href: `${session.playground}/pages/playground?model=${encodeURIComponent(run.run)}` }, 'draw') : run.modelVersion ? 'published' : '',
];

async function look() {
  try {
    const runs = [], damaged = [];
    let next = null;
    for (let i = 0; i < pages; i++) {
      const page = await get(`/runs?limit=${PAGE}${next ? `&after=${encodeURIComponent(next)}` : ''}`);
      runs.push(...page.runs);
      damaged.push(...page.damaged);
      next = page.next;
      if (!next) break;
    }

    more.hidden = !next;
    const now = runs[0] ? new Date(runs[0].now).getTime() : Date.now();
    runs.sort((a, b) => new Date(b.submittedAt) - new Date(a.submittedAt));
    fill(list,
      runs.length > 0 ? table('Runs', [['Run'], ['Status'], ['Stage'], ['Progress'], ['Submitted'], ['Model']], runs.map(run => row(run, now)))
        : h('p', { class: 'faint' }, 'There are no runs yet. Submit one below.'),
      damaged.map(run => h('p', { class: 'message bad' }, `${run.run} cannot be read: ${run.reason}`)));
    setLive(true);
  } catch (error) {
    setLive(false, error.message);
  }
}

function submitForm() {
  const spec = h('textarea', { id: 'spec', rows: 14, spellcheck: 'false', required: true, 'aria-describedby': 'answer' });
  const root = h('input', { id: 'root', placeholder: 'the first folder that is open' });
  const answer = h('div', { id: 'answer', role: 'status' });
  const button = h('button', { class: 'main' }, 'Submit');
  const file = h('input', { type: 'file', id: 'file', accept: '.yaml,.yml,.json', onchange: async () => {
    if (file.files[0]) spec.value = await file.files[0].text();
  } });
  const say = (kind, ...what) => fill(answer, h('p', { class: `message ${kind}` }, ...what));
  return h('form', { class: 'fields', onsubmit: async event => {
    event.preventDefault();
    button.disabled = true;
    try {
      const response = await post('/runs', { spec: spec.value, root: root.value.trim() || null });
      const run = await response.json();
      const link = h('a', { href: `/pages/run?name=${encodeURIComponent(run.run)}` }, run.run);
      say('good', response.status === 201 ? 'Submitted: ' : 'This run is there already, with the same spec: ', link);
      look();
    } catch (error) {
      say('bad', error.message, (error.body?.differences ?? []).map(line => `\n${line}`));
    } finally {
      button.disabled = false;
    }
  } },
  h('div', { class: 'wide row' }, h('button', { type: 'button', onclick: async () => {
    spec.value = await (await ask('/pages/quickstart.yaml')).text();
    spec.focus();
  } }, 'Take the quickstart'), h('label', null, 'or a file', file)),
  h('label', { class: 'wide' }, 'Spec (YAML)', spec),
  h('label', { class: 'wide' }, "Folder of the server that the spec's paths start at", root),
  h('div', { class: 'wide' }, answer),
  h('div', null, button));
}

document.getElementById('main').replaceChildren(
  h('div', { class: 'head' }, h('h1', { class: 'grow' }, 'Runs'), h('span', { class: 'small faint is-live' }, 'live')),
  h('section', { class: 'card', 'aria-label': 'Runs' }, list, more),
  h('details', { class: 'card' }, h('summary', { id: 'submit' }, 'Submit a run'), submitForm()));
repeat(LOOK_EVERY, look);
