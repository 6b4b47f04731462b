// The server's API, by paths that are relative to the page, so that it works behind a proxy
// under any path.

const timeout = 5000; // ms

// get returns what the server has at a path. It throws an Error with a sentence to show;
// its status is that of the answer, 0 if there was none.
export async function get(path) {
  let answer;
  try {
    answer = await fetch(path, { cache: 'no-store', signal: AbortSignal.timeout(timeout) });
  } catch {
    throw fault('The server does not answer.', 0);
  }
  let body;
  try {
    body = await answer.json();
  } catch {
    throw fault(`The server's answer to ${path} is not whole.`, answer.ok ? 0 : answer.status);
  }
  if (!answer.ok) throw fault(`The server refuses: ${body.error ?? answer.status}.`, answer.status);
  return body;
}

function fault(text, status) {
  return Object.assign(new Error(text), { status });
}

// snapshot returns all there is, without the spikes; the trends of the last minute only if wanted.
export const snapshot = (trends) => get(`api/v1/rings?brief=${trends ? 'spikes' : '1'}`);

// of returns the path of what was measured by a subscriber, or by the ring's publisher if sub is ''.
export function of(ring, sub, what) {
  const who = sub === '' ? 'publisher' : `subscribers/${encodeURIComponent(sub)}`;
  return `api/v1/rings/${encodeURIComponent(ring)}/${who}/${what}`;
}
