// Asks the server each second, and shows what it says.

import * as api from './api.js';
import * as format from './format.js';
import { setText, setAttribute, show } from './dom.js';
import { Detail } from './detail.js';
import * as lists from './lists.js';
import { choose, onChange, state } from './state.js';

const every = 1000; // ms
const old = 5000; // ms without a new look at the rings, after which it is said; three times what it took before, if that is more
const gap = 3000; // ms without one, after which trends have a gap
const rarest = 60e3; // ms between two looks at most; what takes longer is no look, but a pause of the page

const node = (id) => document.getElementById(id);
const detail = new Detail(node('detail'));

let last = null; // snapshot
let lastNew = 0; // performance.now() when one came that was newer than the one before
let between = 0; // ms between the last two of these
let paused = false;
let timer = 0;
let asking = false;

async function tick() {
  clearTimeout(timer);
  if (asking || paused || document.hidden) return;
  asking = true;
  const began = performance.now();
  try {
    const snapshot = await api.snapshot(!last || began - lastNew > gap);
    snapshot.rings ??= [];
    if (snapshot.time !== last?.time) {
      if (last) between = Math.min(began - lastNew, rarest);
      lastNew = began;
      lists.remember(snapshot);
    }
    last = snapshot;
    draw(false);
    const stale = began - lastNew > Math.max(old, 3 * between);
    say(stale ? `The server answers, but has not looked at the rings since ${format.clock(Date.parse(last.time))}.` : (last.error ?? ''), stale);
    await detail.ask();
  } catch (e) {
    if (e.status === undefined) throw e;
    gone(e);
  } finally {
    asking = false;
    timer = setTimeout(tick, Math.max(50, every - (performance.now() - began)));
  }
}

function draw(anew) {
  lists.reflect();
  document.body.classList.toggle('open', state.ring !== '');
  if (!last) return;
  lists.update(last, anew);
  detail.update(last);
  setText(node('dir'), last.dir ?? '');
  setText(node('status'), `${paused ? 'paused at' : 'live'} ${format.clock(Date.parse(last.time))}`);
  setAttribute(node('status'), 'title', `Looking at all rings took ${format.ns(last.took_ns)}.`);
}

function gone(e) {
  say(`${e.message} Trying again each second.${last ? ` What you see is of ${format.clock(Date.parse(last.time))}.` : ''}`, true);
}

// say shows what is wrong. What is old then looks old.
function say(text, stale) {
  setText(node('notice'), text);
  show(node('notice'), text !== '');
  document.body.classList.toggle('stale', Boolean(stale));
}

function pause() {
  paused = !paused;
  node('pause').setAttribute('aria-pressed', String(paused));
  node('pause').textContent = paused ? 'Go on' : 'Pause';
  draw(false);
  tick();
}

node('pause').addEventListener('click', pause);
document.addEventListener('visibilitychange', tick);

onChange((before) => {
  draw(true);
  if (state.ring !== before.ring || state.sub !== before.sub) {
    const closed = state.ring === '' && (document.activeElement === document.body || node('detail').contains(document.activeElement));
    if (closed) lists.focus(before);
    detail.opened(before);
    detail.ask().catch(gone);
  }
});

document.addEventListener('keydown', (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey) return;
  const typing = e.target.matches('input, select, textarea');
  if (e.key === 'Escape') {
    if (typing) e.target.blur();
    else if (state.ring) choose({ ring: '', sub: '' });
  } else if (e.key === '/' && !typing) {
    e.preventDefault();
    node('filter').focus();
  } else if (e.key === 'p' && !typing) {
    pause();
  }
});

draw(true);
tick();
