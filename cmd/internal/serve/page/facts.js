// Names and values: what there is to know of a ring or a subscriber besides its latencies.

import * as format from './format.js';
import { el, setAttribute, setText } from './dom.js';
import { lost } from './health.js';

export class Facts {
  constructor() {
    this.list = el('dl');
    this.root = el('section', { 'aria-labelledby': 'facts-title' }, el('h3', { id: 'facts-title' }, 'Counters'), this.list);
    this.values = new Map();
  }

  // update shows facts: [name, text, class of its meaning].
  update(facts) {
    if (facts.map(([name]) => name).join() !== [...this.values.keys()].join()) {
      this.values = new Map(facts.map(([name]) => [name, el('dd')]));
      this.list.replaceChildren(...[...this.values].map(([name, dd]) => el('div', {}, el('dt', {}, name), dd)));
    }
    for (const [name, text, mark] of facts) {
      setText(this.values.get(name), text);
      setAttribute(this.values.get(name), 'class', mark);
    }
  }
}

const none = (n) => (n > 0 ? undefined : 'faint');

export function subscriberFacts(s) {
  return [
    ['Process', s.pid > 0 ? String(s.pid) : '–'],
    ['Opened', format.when(s.opened)],
    ['Waits by', s.wait || 'unknown'],
    ['Gate', gate(s)],
    ['Delivered', format.count(s.delivered)],
    ['Payload', format.bytes(s.bytes)],
    ['Next message', format.count(s.cursor)],
    ['Lag', `${format.count(s.lag)}${s.lag_ns > 0 ? `, ${format.ns(s.lag_ns)}` : ''}`, none(s.lag)],
    ['Moved', `${format.ns(s.since_moved_ns)} ago`],
    ['Lost', `${format.count(s.lost)}${s.lost_rate > 0 ? `, now ${format.rate(s.lost_rate)}` : ''}`, lost(s)],
    ['Overruns', format.count(s.overruns), s.overruns > 0 ? 'warn' : 'faint'],
    ['Sleeps', format.count(s.sleeps), none(s.sleeps)],
    ['Below 0', format.count(s.latencies_below_0), none(s.latencies_below_0)],
    ['Above 10 s', format.count(s.latencies_above_10s), none(s.latencies_above_10s)],
  ];
}

function gate(s) {
  if (!s.gate) return 'none';
  if (s.gate !== 'holding') return s.gate;
  const how = [s.hold_ns > 0 ? `for ${format.ns(s.hold_ns)}` : 'for ever', s.drop_dead ? 'while it lives' : ''];
  return `may hold ${how.filter(Boolean).join(', ')}`;
}

export function ringFacts(r) {
  return [
    ['Process', r.pid > 0 ? String(r.pid) : '–'],
    ['Opened', format.when(r.opened)],
    ['Publishers', `${format.count(r.epoch)} until now`],
    ['Heartbeat', `${format.ns(r.since_heartbeat_ns)} ago`],
    ['Rate', format.rate(r.rate), none(r.rate)],
    ['Messages', `${format.count(r.oldest_seq)} to ${format.count(r.last_seq)}`],
    ['Mark', r.mark_seq > 0 ? format.count(r.mark_seq) : 'none', none(r.mark_seq)],
    ['Held by gates', `${format.count(r.refused)}${r.refused_rate > 0 ? `, now ${format.rate(r.refused_rate)}` : ''}`, r.refused_rate > 0 ? 'bad' : none(r.refused)],
    ['Capacity', format.bytes(r.capacity)],
    ['Largest message', format.bytes(r.max_message)],
    ['Stamps', r.stamps],
    ['Waker', r.waker ? 'yes' : 'none', r.waker ? undefined : 'faint'],
    ['Schema', r.schema || '–'],
    ['Source', r.source || '–'],
    ['Replaced', r.replaced > 0 ? `${format.count(r.replaced)} times` : 'never', none(r.replaced)],
  ];
}

export function publisherFacts(r) {
  if (!r.late) return [];
  return [['Late', format.plural(r.late.spikes.messages, 'time', 'times'), none(r.late.spikes.messages)]];
}
