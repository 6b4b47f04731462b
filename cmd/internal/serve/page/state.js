// What the user has chosen, kept in the hash of the address: it survives a reload and can be sent
// to somebody.

const defaults = { ring: '', sub: '', only: '', filter: '', window: 'second', sort: 'state', order: 'down', rsort: 'name', rorder: 'up' };

export const state = { ...defaults };

const listeners = [];

// onChange calls back after every change of the state, with the state as it was before.
export function onChange(call) {
  listeners.push(call);
}

function read() {
  const given = new URLSearchParams(location.hash.slice(1));
  for (const [name, value] of Object.entries(defaults)) state[name] = given.get(name) ?? value;
  if (!['second', 'minute', 'start'].includes(state.window)) state.window = defaults.window;
  if (state.ring === '') state.sub = '';
}

// hash returns the address's hash with some changes of the state.
export function hash(changes) {
  const to = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...state, ...changes })) {
    if (value !== defaults[name]) to.set(name, value);
  }
  return `#${to}`;
}

// choose changes the state. What opens another ring or subscriber can be undone by the
// browser's back button; the rest replaces the entry in its history.
export function choose(changes) {
  const before = { ...state };
  const to = hash(changes);
  if (to === hash({})) return;
  const far = ['ring', 'sub'].some((name) => name in changes && changes[name] !== state[name]);
  history[far ? 'pushState' : 'replaceState'](null, '', to);
  read();
  for (const call of listeners) call(before);
}

addEventListener('hashchange', back);
addEventListener('popstate', back);

function back() {
  const before = { ...state };
  read();
  if (Object.keys(state).some((name) => state[name] !== before[name])) {
    for (const call of listeners) call(before);
  }
}

read();
