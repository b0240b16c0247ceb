// The host's API, asked with the session's cookie. Errors come in two forms, problem details and OpenAI's.
const SIGN_IN = '/pages/sign-in';

/** An answer that is no success. */
export class ApiError extends Error {
  constructor(status, message, body) {
    super(message);
    this.status = status;
    this.body = body;
  }
}

/** Asks; sends whoever is not signed in to do so first. */
export async function ask(path, options = {}) {
  const response = await fetch(path, { credentials: 'same-origin', cache: 'no-store', ...options });
  if (response.ok) return response;
  const text = await response.text();
  let body = null;
  try { body = JSON.parse(text); } catch { /* no JSON: a proxy's page, say */ }
  if (response.status === 401 && !path.startsWith('/pages/session')) {
    signIn();
  }
  throw new ApiError(response.status, body?.detail ?? body?.error?.message ?? body?.title ?? `The server answered ${response.status}.`, body);
}

/** Asks for JSON. */
export const get = async (path, options) => (await ask(path, options)).json();

/** Sends JSON. */
export const post = (path, body, options = {}) => ask(path, {
  method: 'POST', headers: body === undefined ? {} : { 'Content-Type': 'application/json' }, body: body === undefined ? undefined : JSON.stringify(body), ...options,
});

/** Leads to the form, and back here afterwards. */
export function signIn() {
  location.replace(`${SIGN_IN}?to=${encodeURIComponent(location.pathname + location.search)}`);
}

/** Server-sent events of an answer, as { event, data }. */
export async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    rest += value;
    for (let end; (end = rest.indexOf('\n\n')) >= 0; rest = rest.slice(end + 2)) {
      const message = { event: 'message', data: '' };
      for (const line of rest.slice(0, end).split('\n')) {
        if (line.startsWith('event: ')) message.event = line.slice(7);
        else if (line.startsWith('data: ')) message.data += line.slice(6);
      }
      if (message.data) yield { event: message.event, data: JSON.parse(message.data) };
    }
  }
}
