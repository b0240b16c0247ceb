// One run: its stages, roles, pools, pictures and events. The stream tells what changes; what it leaves out is asked for now and then.
import { get, post, signIn } from '/pages/api.js';
import { curve } from '/pages/curve.js';
import { ago, clock, facts, figure, fill, h, table, when, whole } from '/pages/dom.js';
import { confirm, open, repeat, setLive } from '/pages/shell.js';

const STAGES = ['ingest', 'fitFeatures', 'extractFeatures', 'fitPartition', 'assignShards', 'freezeClusters', 'train', 'evaluate', 'publish'];
const TITLES = ['Ingest', 'Fit features', 'Extract features', 'Partition', 'Assign', 'Freeze clusters', 'Train', 'Evaluate', 'Publish'];
const POOLS_EVERY = 5000, TICK = 1000;
const MOST_EVENTS = 500;
const MOST_CURVES = 64; // of a run of a thousand roles the first are drawn
const OLD = 120000, TIMES_USUAL = 4; // a commit is old after the longer of two minutes and four of its usual gaps

const name = new URLSearchParams(location.search).get('name') ?? '';
const path = `/runs/${encodeURIComponent(name)}`;
const session = await open('run');
document.title = `${name} · DdmAspire`;

const part = () => h('div');
const [title, fault, stages, actions, roles, pools, sheets, grids, log] = [part(), part(), part(), part(), h('div', { class: 'roles' }), part(), part(), part(), h('ol', { class: 'log', tabindex: 0, 'aria-label': 'Events' })];
const done = h('p', { class: 'message bad', role: 'alert', hidden: true });
const live = h('span', { class: 'small faint' });
let run = null, skew = 0;
const curves = new Map(), commits = new Map();

const word = text => text.charAt(0).toLowerCase() + text.slice(1);
const now = () => Date.now() + skew; // the server's clock tells ages, not this machine's
const hasEnded = () => ['succeeded', 'failed', 'cancelled', 'removing'].includes(word(run.status));

const section = (heading, ...children) => h('section', { class: 'card', 'aria-label': heading }, h('h2', null, heading), ...children);
document.getElementById('main').replaceChildren(
  h('div', { class: 'head' }, title, h('span', { class: 'grow' }), live, actions), done, fault,
  section('Stages', stages), section('Roles', roles), section('Pools and workers', pools), section('Clusters', sheets), section('Pictures on the way', grids),
  section('Events', log, h('p', { class: 'small row' }, ['document', 'logs', 'metrics'].map(what => h('a', { href: `${path}/${what}` }, what)))));

// ---- what is shown

function showTitle() {
  const status = word(run.status);
  fill(title, h('h1', null, run.run), ' ', h('span', { class: `badge ${status}` }, status), ' ', h('span', { class: 'small faint' }, 'submitted ', when(run.submittedAt, now())));
  fill(fault, run.failure && h('p', { class: 'message bad' }, run.failure));
}

function showStages() {
  const at = word(run.stage) === 'done' ? STAGES.length : STAGES.indexOf(word(run.stage));
  fill(stages, h('ol', { class: 'stages' }, TITLES.map((text, i) => h('li', { class: i < at ? 'done' : null, 'aria-current': i === at ? 'step' : null }, i < at ? '✓ ' : '', text))));
}

function showActions() {
  const status = word(run.status);
  const act = (verb, kind, ask) => h('button', { type: 'button', id: `do-${verb}`, class: kind, onclick: async event => {
    const button = event.currentTarget;
    if (ask && !await confirm(ask, verb)) return;
    button.disabled = true;
    try {
      take(await (await post(`${path}/${verb}`)).json());
      done.hidden = true;
      actions.querySelector('button')?.focus(); // the one that was pressed is gone
      if (stream.readyState === EventSource.CLOSED) listen();
    } catch (error) {
      done.textContent = error.message;
      done.hidden = false;
      button.disabled = false;
    }
  } }, verb);
  fill(actions, h('div', { class: 'row' },
    status === 'succeeded' && session.playground && h('a', { class: 'button', href: `${session.playground}/pages/playground?model=${encodeURIComponent(name)}` }, 'draw with it'),
    status === 'running' && act('pause'),
    status === 'paused' && act('resume', 'main'),
    (status === 'failed' || status === 'cancelled') && act('retry', 'main'),
    (status === 'running' || status === 'paused' || status === 'failed') && act('cancel', 'danger', `Cancel run '${name}'? What was committed stays; a retry takes it up again.`)));
}

// Old: the commit before came after a gap of its own, and this one has taken several times as long.
function age(role) {
  if (!role.committedAt) return ['no commit yet', false];
  const passed = now() - new Date(role.committedAt);
  const isUnderWay = word(run.status) === 'running' && word(run.stage) === 'train' && role.step < role.target && !role.failure;
  return [`committed ${ago(role.committedAt, now())}`, isUnderWay && passed > Math.max(OLD, TIMES_USUAL * (commits.get(role.role)?.gap ?? 0))];
}

function showAges() {
  if (!run) return;
  for (const role of run.roles) {
    const card = cards.get(role.role);
    if (!card) continue;
    const [text, old] = age(role);
    fill(card.age, text, ' ', old && h('span', { class: 'badge old' }, 'old'));
    card.element.classList.toggle('is-stale', old);
  }
}

const cards = new Map();

function showRoles() {
  for (const role of run.roles) {
    let card = cards.get(role.role);
    if (!card) {
      card = { bar: h('progress', { 'aria-label': `${role.role}: steps` }), age: h('span', { class: 'small faint' }), facts: part(), curve: part() };
      card.element = h('article', { class: 'role', 'aria-label': role.role }, h('div', { class: 'head' }, h('h3', { class: 'grow' }, role.role), card.age), card.bar, card.curve, card.facts);
      cards.set(role.role, card);
      roles.append(card.element);
    }

    card.bar.max = Math.max(1, role.target);
    card.bar.value = Math.min(role.step, role.target);
    fill(card.facts, role.failure && h('p', { class: 'message bad' }, role.failure), facts([
      ['steps', `${whole(role.step)} of ${whole(role.target)}`],
      ['loss', role.loss === null || role.loss === undefined ? '' : `${figure(role.loss)}${role.heldOutLoss === null || role.heldOutLoss === undefined ? '' : `, held out ${figure(role.heldOutLoss)}`}`],
      ['rate', role.imagesPerSecond ? `${figure(role.imagesPerSecond)} images/s` : ''],
      ['worker', role.worker],
      ['pool', role.pool],
      ['attempts', role.attempts > 1 ? role.attempts : ''],
      ['weights', role.sha256 && h('code', { title: role.sha256 }, role.sha256.slice(0, 12))],
    ]));
  }
}

async function showCurves() {
  for (const role of run.roles.slice(0, MOST_CURVES)) {
    const known = commits.get(role.role);
    if (role.committedAt && known?.at !== role.committedAt) {
      commits.set(role.role, { at: role.committedAt, gap: known ? new Date(role.committedAt) - new Date(known.at) : 0 });
    }

    if (role.step === 0 || curves.get(role.role) === role.step) continue;
    curves.set(role.role, role.step);
    try {
      const told = await get(`${path}/curve?role=${encodeURIComponent(role.role)}`);
      const lines = [{ name: 'loss', kind: 'loss', points: told.loss }, { name: 'held out', kind: 'second', points: told.heldOut, dots: true }];
      fill(cards.get(role.role).curve, curve(`Loss of ${role.role}`, lines),
        h('p', { class: 'legend' }, h('span', null, h('span', { class: 'key' }), 'loss'), told.heldOut.length > 0 && h('span', null, h('span', { class: 'key second' }), 'held out')),
        told.damaged.map(text => h('p', { class: 'message bad small' }, text)));
    } catch {
      curves.delete(role.role); // asked for again at the next word of the run
    }
  }
}

function showPools(list) {
  const worker = found => [
    found.name, found.host,
    found.cordoned ? h('span', { class: 'badge paused' }, 'rests') : found.alive ? h('span', { class: 'badge running' }, 'alive') : h('span', { class: 'badge failed' }, 'silent'),
    found.slice ?? '', when(found.lastSeen, now()), found.cordoned ?? found.declined ?? ''];
  fill(pools, list.length === 0 ? h('p', { class: 'faint' }, 'No pool has a worker, and nothing waits in one.') : list.map(pool => h('div', null,
    h('h3', null, pool.name, ' ', pool.unmanned && h('span', { class: 'badge failed' }, 'nobody works here')),
    h('p', { class: 'small faint' }, [pool.training.length > 0 && `in training: ${pool.training.join(', ')}`, pool.waiting.length > 0 && `waiting: ${pool.waiting.join(', ')}`].filter(Boolean).join('; ') || 'nothing of this run is here now'),
    pool.workers.length > 0 && table(`Workers of ${pool.name}`, [['Worker'], ['Machine'], ['State'], ['At'], ['Heard of'], ['Why', 'text']], pool.workers.map(worker)))));
}

async function showPictures() {
  const told = await get(`${path}/pictures`);
  fill(sheets, h('div', { class: 'sheets' }, told.clusters.map(cluster => h('figure', null,
    cluster.sheet ? h('img', { src: cluster.sheet, alt: `Some images of cluster ${cluster.cluster}`, loading: 'lazy' }) : null,
    h('figcaption', null, `cluster ${cluster.cluster}: ${cluster.rows === null || cluster.rows === undefined ? 'not frozen yet' : `${whole(cluster.rows)} training images`}`)))));
  showGrids(told.grids);
}

let chosen = null; // null: the newest

function showGrids(list) {
  if (list.length === 0) {
    fill(grids, h('p', { class: 'faint' }, 'Drawn at every tenth of the way, once the router and an expert have committed.'));
    return;
  }

  const image = h('img', { alt: '' });
  const caption = h('figcaption');
  const slider = h('input', { type: 'range', id: 'way', min: 0, max: list.length - 1, step: 1, 'aria-label': 'How far the run had come', oninput: () => {
    chosen = Number(slider.value) === list.length - 1 ? null : list[Number(slider.value)].percent;
    show();
  } });
  const show = () => {
    const at = chosen === null ? list.length - 1 : Math.max(0, list.findIndex(grid => grid.percent === chosen));
    const grid = list[at];
    slider.value = at;
    slider.setAttribute('aria-valuetext', `${grid.percent} percent of the way`);
    const src = `${grid.url}?at=${encodeURIComponent(grid.at)}`;
    if (image.getAttribute('src') !== src) image.src = src;
    image.alt = `Pictures drawn with the same seeds at ${grid.percent} percent of the way`;
    caption.textContent = `${grid.percent} percent of the way, ${new Date(grid.at).toLocaleString()}: the same seeds each time, ${at + 1} of ${list.length}`;
  };
  show();
  grids.replaceChildren(h('figure', { class: 'grid-image' }, list.length > 1 && slider, image, caption));
}

function addEvent(event) {
  log.prepend(h('li', null, h('span', { class: 'faint' }, clock(event.at)), h('span', null, event.kind), h('span', { title: event.actor }, event.text)));
  while (log.children.length > MOST_EVENTS) log.lastChild.remove();
}

// ---- what is heard

function take(told) {
  if (run && new Date(told.now) < new Date(run.now)) return; // the stream's look was earlier than an action's answer
  const moved = run && (run.stage !== told.stage || run.status !== told.status);
  run = told;
  skew = new Date(told.now) - Date.now();
  showTitle();
  showStages();
  showActions();
  showRoles();
  showAges();
  showCurves();
  live.textContent = hasEnded() ? 'ended' : 'live';
  live.classList.toggle('is-live', !hasEnded());
  if (told.pools) showPools(told.pools);
  if (moved) lookAside().catch(() => {}); // the next look says why
}

// What the stream leaves out. Once more at a run's end.
let isAside = false;

async function lookAside() {
  const told = await get(path);
  showPools(told.pools ?? []);
  await showPictures();
  isAside = hasEnded();
}

let stream = null, last = null;

// Closed while nobody looks: a browser opens few connections to one host.
function listen() {
  stream?.close();
  stream = new EventSource(`${path}/events${last ? `?after=${encodeURIComponent(last)}` : ''}`);
  stream.addEventListener('status', message => {
    setLive(true, '', 'stream');
    take(JSON.parse(message.data));
  });
  stream.addEventListener('event', message => {
    last = message.lastEventId;
    addEvent(JSON.parse(message.data));
  });
  stream.addEventListener('end', () => stream.close());
  stream.addEventListener('open', () => setLive(true, '', 'stream'));
  stream.addEventListener('error', () => {
    if (run && hasEnded()) {
      stream.close();
      return;
    }

    setLive(false, 'the stream of events broke off', 'stream');
    if (stream.readyState === EventSource.CLOSED) get('/pages/session').then(now => now.required && !now.signedIn ? signIn() : setTimeout(listen, 3000), () => setTimeout(listen, 3000));
  });
}

document.addEventListener('visibilitychange', () => {
  if (document.hidden) stream?.close();
  else listen();
});

try {
  take(await get(path));
  listen();
  setInterval(showAges, TICK);
  repeat(POOLS_EVERY, async () => {
    try {
      if (!isAside || !hasEnded()) await lookAside();
      setLive(true);
    } catch (error) {
      setLive(false, error.message);
    }
  });
} catch (error) {
  document.getElementById('main').replaceChildren(h('p', { class: 'message bad' }, error.message), h('p', null, h('a', { href: '/pages/runs' }, 'All runs')));
}
