// A key is traded for a session: it is sent once, and kept nowhere here.
import { get, post } from '/pages/api.js';
import { h } from '/pages/dom.js';

// Only to places of this host: a link must not lead a session's owner elsewhere.
function target(home) {
  const to = new URLSearchParams(location.search).get('to') ?? '';
  return to.startsWith('/pages/') && !to.startsWith('/pages/sign-in') ? to : `/pages/${home}`;
}

const session = await get('/pages/session');
if (!session.required || session.signedIn) {
  location.replace(target(session.home));
}

const fault = h('p', { class: 'message bad', role: 'alert', hidden: true });
const key = h('input', { type: 'password', name: 'key', id: 'key', autocomplete: 'current-password', required: true, autofocus: true, spellcheck: 'false' });
const button = h('button', { class: 'main' }, 'Sign in');
const form = h('form', { class: 'card narrow', onsubmit: async event => {
  event.preventDefault();
  button.disabled = true;
  try {
    await post('/pages/session', { key: key.value });
    location.replace(target(session.home));
  } catch (error) {
    fault.textContent = error.message;
    fault.hidden = false;
    key.setAttribute('aria-invalid', 'true');
    button.disabled = false;
    key.select();
    key.focus();
  }
} },
h('h1', null, 'DdmAspire'),
h('label', null, 'API key', key),
fault,
button,
h('p', { class: 'small faint' }, 'The server said where its key is when it started; one that it made itself is in ', h('code', null, '~/.local/share/ddm/api-key'), '. The key is traded for a session of twelve hours and is not kept in the browser.'));
document.getElementById('main').replaceChildren(form);
key.focus();
