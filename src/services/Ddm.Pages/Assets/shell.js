// What every page has: the bar, the way out, light or dark, and the word that what is shown is not live.
import { ask, get, signIn } from '/pages/api.js';
import { h } from '/pages/dom.js';

const THEMES = ['auto', 'light', 'dark'];
const ROOT = document.documentElement;

function applyTheme(theme) {
  if (theme === 'auto') delete ROOT.dataset.theme;
  else ROOT.dataset.theme = theme;
}

function themeButton() {
  let theme = localStorage.getItem('ddm-theme') ?? 'auto';
  const button = h('button', { class: 'quiet', type: 'button', onclick: () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    localStorage.setItem('ddm-theme', theme);
    show();
  } });
  const show = () => {
    applyTheme(theme);
    button.textContent = `Theme: ${theme}`;
  };
  show();
  return button;
}

async function signOut() {
  await ask('/pages/session', { method: 'DELETE' });
  signIn();
}

/** Builds the bar, and gives the session; whoever is not signed in is led to the form first. */
export async function open(current) {
  const session = await get('/pages/session');
  if (session.required && !session.signedIn) {
    signIn();
    return new Promise(() => {}); // the page is being left
  }

  const links = [
    session.home === 'runs' ? ['Runs', '/pages/runs', 'runs'] : session.runs && ['Runs', session.runs + '/pages/runs'],
    session.home === 'playground' ? ['Playground', '/pages/playground', 'playground'] : session.playground && ['Playground', session.playground + '/pages/playground'],
    session.home === 'playground' && ['Model', '/pages/model', 'model'],
  ].filter(Boolean);
  document.body.prepend(
    h('a', { class: 'skip', href: '#main' }, 'Skip to the content'),
    h('header', { class: 'bar' },
      h('a', { class: 'name', href: '/' }, 'DdmAspire'),
      h('nav', { 'aria-label': 'Pages' }, links.map(([title, href, name]) => h('a', { href, 'aria-current': name === current ? 'page' : null }, title))),
      themeButton(),
      session.required && h('button', { class: 'quiet', type: 'button', onclick: signOut }, 'Sign out')),
    stale);
  return session;
}

const stale = h('div', { class: 'stale', role: 'status', hidden: true });
const broken = new Map();
let since = null;

/** Says whether what is shown is what is. Source: which of a page's ways to the server speaks; all of them must be whole. */
export function setLive(live, why = 'the server does not answer', source = 'server') {
  if (live) broken.delete(source);
  else broken.set(source, why);
  const isLive = broken.size === 0;
  since = isLive ? null : since ?? new Date();
  stale.hidden = isLive;
  document.body.classList.toggle('is-not-live', !isLive);
  if (!isLive) stale.textContent = `Not live since ${since.toLocaleTimeString()}: ${[...broken.values()][0]}. What you see may be old; trying again.`;
}

/** Calls again and again while the page is seen; slowly where an answer takes long. */
export function repeat(milliseconds, action) {
  let timer = null;
  const turn = async () => {
    const began = performance.now();
    try {
      if (!document.hidden) await action();
    } finally {
      timer = setTimeout(turn, Math.max(milliseconds, 5 * (performance.now() - began)));
    }
  };
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) {
      clearTimeout(timer);
      turn();
    }
  });
  turn();
}

/** Asks before something is done that cannot be undone. */
export function confirm(text, action) {
  return new Promise(resolve => {
    const dialog = h('dialog', { 'aria-label': action, onclose: () => {
      dialog.remove();
      resolve(dialog.returnValue === 'yes');
    } }, h('form', { method: 'dialog' }, h('p', null, text), h('div', { class: 'row' },
      h('button', { value: 'yes', class: 'danger' }, action), h('button', { value: 'no', autofocus: true }, 'Leave it'))));
    document.body.append(dialog);
    dialog.showModal();
  });
}
