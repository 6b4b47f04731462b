// Everything of the ring or the subscriber that was opened.

import * as api from './api.js';
import * as format from './format.js';
import { Curves } from './curves.js';
import { el, setAttribute, setText, show } from './dom.js';
import { Facts, publisherFacts, ringFacts, subscriberFacts } from './facts.js';
import { known, ofRing, ofSubscriber } from './health.js';
import { Heat } from './heat.js';
import { Spikes } from './spikes.js';
import { choose, state } from './state.js';
import { Windows } from './windows.js';

export class Detail {
  constructor(root) {
    this.root = root;
    this.title = el('h2', { id: 'detail-title', tabindex: -1 });
    this.health = el('span', { id: 'health' });
    const close = el('button', { type: 'button', class: 'close' }, 'Close');
    close.addEventListener('click', () => choose({ ring: '', sub: '' }));
    this.event = el('p', { class: 'event', role: 'status', hidden: '' });
    this.none = el('p', { class: 'none', hidden: '' });
    this.windows = new Windows();
    this.curves = new Curves();
    this.heat = new Heat();
    this.spikes = new Spikes();
    this.facts = new Facts();
    this.measured = el('div', {}, el('div', { class: 'wide' }, this.windows.root), this.curves.root, this.heat.root);
    this.rest = el('div', {}, this.none, this.measured, this.spikes.root, this.facts.root);
    root.append(el('div', { class: 'bar' }, this.title, this.health, close), this.event, this.rest);
    this.turn = 0;
    this.forget();
  }

  forget() {
    this.turn++;
    this.who = null; // {ring, sub, measured, log, ended}: whose latencies are shown, null if there are none
    this.shown = ''; // which spikes are
    this.seen = null; // when it was there last, and which file and owner it had
    this.curves.clear();
    this.heat.clear();
    this.spikes.clear();
  }

  // opened is called when the user has opened something else than before.
  opened(before) {
    const focused = state.ring !== '' && before.ring === '' && matchMedia('(max-width: 900px)').matches;
    if (focused) {
      this.root.scrollIntoView();
      this.title.focus({ preventScroll: true });
    } else {
      this.root.scrollTop = 0;
    }
  }

  update(snapshot) {
    show(this.root, state.ring !== '');
    const name = state.sub ? `${state.ring}/${state.sub}` : state.ring;
    if (name !== this.name) {
      this.name = name;
      this.forget();
    }
    if (!name) return;
    setText(this.title, name);
    const ring = snapshot.rings.find((r) => r.name === state.ring);
    const sub = state.sub && ring ? (ring.subscribers ?? []).find((s) => s.name === state.sub) : null;
    const there = state.sub ? sub : ring?.absent ? null : ring;
    show(this.rest, Boolean(there) && (sub ? known.subscriber(sub) : known.ring(ring)));
    show(this.health, Boolean(there));
    if (!there) {
      this.vanished(ring);
      return;
    }
    this.happened(ring, sub, snapshot);
    const health = sub ? ofSubscriber(sub) : ofRing(ring);
    setText(this.health, health.text);
    setAttribute(this.health, 'class', health.mark);
    const of = sub ?? ring.late; // what has the windows and spikes
    const reason = sub ? unmeasured(ring, sub) : late(ring);
    setText(this.none, reason);
    show(this.none, reason !== '');
    show(this.measured, reason === '');
    const ended = sub ? sub.state === 'dead' || sub.state === 'closed' : ring.publisher === 'dead' || ring.publisher === 'closed';
    this.who = { ring: ring.name, sub: sub ? sub.name : '', measured: reason === '', log: of?.spikes, ended };
    if (reason === '') {
      this.windows.update(of, sub ? 'Latency, from publish to read' : "The publisher's lateness, against its own pace");
      this.curves.name(sub ? 'Latency by percentile' : 'Lateness by percentile');
      this.heat.name(sub ? 'Latency over time' : 'Lateness over time');
    }
    this.spikes.announce(of?.spikes, Boolean(sub), sub ? ring.stamps !== 'none' : Boolean(ring.late));
    this.facts.update(sub ? subscriberFacts(sub) : [...ringFacts(ring), ...publisherFacts(ring)]);
  }

  vanished(ring) {
    this.who = null;
    const what = state.sub && ring && !ring.absent ? `The ring ${state.ring} has no subscriber ${state.sub}` : `There is no ring ${state.ring}`;
    this.tell(this.seen ? `${what} any more. It was last seen at ${this.seen.at}.` : `${what} in this directory.`);
    if (this.seen) this.seen.gone = true;
  }

  // happened tells of what makes the figures begin anew.
  happened(ring, sub, snapshot) {
    const at = format.clock(Date.parse(snapshot.time));
    const now = { at, replaced: ring.replaced, opened: (sub ?? ring).opened };
    const was = this.seen;
    if (!was) this.tell('');
    else if (now.replaced > was.replaced) this.tell(`The ring was replaced by a new file at ${at}. What you see is of the new one.`);
    else if (was.gone) this.tell(`It came back at ${at}.`);
    else if (now.opened !== was.opened) this.tell(sub ? `It was opened anew at ${at}. Its figures began anew with that.` : `Another publisher went on with the ring at ${at}.`);
    this.seen = now;
    const error = (sub ?? ring).error ?? '';
    if (error) this.tell(error);
  }

  tell(text) {
    setText(this.event, text);
    show(this.event, text !== '');
  }

  // ask gets the curves, the heat map and the spikes that are to be shown, and shows them.
  async ask() {
    const { who } = this;
    if (!who) return;
    const turn = ++this.turn;
    const wanted = who.log ? `${who.log.spikes} ${who.log.messages}` : '';
    const ofWho = (what) => api.get(api.of(who.ring, who.sub, what));
    const news = who.log && who.log.threshold_ns > 0 && (wanted !== this.shown || this.spikes.open);
    let answers;
    try {
      answers = await Promise.all([who.measured ? ofWho('curves') : null, who.measured ? ofWho('heat') : null, news ? ofWho('spikes') : null]);
    } catch (e) {
      if (e.status === 404) return; // it left meanwhile; the next snapshot tells
      throw e;
    }
    if (turn !== this.turn) return; // something else was opened meanwhile
    const [curves, heat, spikes] = answers;
    if (curves) this.curves.update(curves);
    if (spikes) {
      this.spikes.update(spikes, who.ended);
      this.shown = wanted;
    }
    if (heat) this.heat.update(heat, this.spikes.list);
  }
}

function unmeasured(ring, sub) {
  if (sub.start.count > 0) return '';
  if (ring.stamps === 'none') return `Nothing is measured: the messages of ${ring.name} carry no stamps, which is for its publisher to change (Config.Stamps).`;
  if (sub.delivered > 0) return 'Nothing is measured: it has read messages without measuring them (Options.NoHistogram), or cannot read the clock of the ring.';
  return 'Nothing is measured yet: it has read no message since its owner opened it.';
}

function late(ring) {
  if (!ring.late) return 'How late the publisher is against its own pace is not recorded. It does so when it is told what counts as late: Config.Spikes, or replay --spikes 100us.';
  if (ring.late.start.count === 0) return 'The publisher has not told of its pace yet.';
  return '';
}
