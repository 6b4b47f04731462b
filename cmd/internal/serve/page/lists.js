// The two tables: rings and subscribers.

import * as format from './format.js';
import { el, setText, show } from './dom.js';
import { known, lost, ofRing, ofSubscriber, sums } from './health.js';
import { drawTrend, Trends } from './trend.js';
import { choose, hash, state } from './state.js';
import { Table } from './table.js';

const node = (id) => document.getElementById(id);

const ringColumns = [
  { id: 'name', label: 'Ring', about: 'Name of the ring', text: (r) => r.name },
  { id: 'state', label: 'Publisher', about: 'How it stands with the publisher', text: (r) => ofRing(r).text, value: (r) => ofRing(r).rank, mark: (r) => ofRing(r).mark },
  { id: 'rate', label: 'Rate', about: 'Messages published a second, over the last second', number: true, text: (r) => format.rate(r.rate), value: (r) => r.rate, mark: (r) => (r.rate > 0 ? '' : 'faint') },
  { id: 'subs', label: 'Subscribers', about: 'Subscribers, and how many are in trouble', number: true, text: subscribersText, value: (r) => (r.subscribers ?? []).length, mark: (r) => (trouble(r) > 0 ? 'warn' : '') },
  { id: 'held', label: 'Held', about: 'How often gates held the publisher: back pressure', number: true, wide: 2, text: (r) => (r.refused > 0 ? format.short(r.refused) : '0'), value: (r) => r.refused, mark: (r) => (r.refused_rate > 0 ? 'bad' : r.refused > 0 ? '' : 'faint') },
  { id: 'last', label: 'Last message', about: 'Number of the newest message', number: true, wide: 1, text: (r) => format.count(r.last_seq), value: (r) => r.last_seq },
  { id: 'beat', label: 'Heartbeat', about: 'Since the publisher told that it lives', number: true, wide: 1, text: (r) => (r.publisher === 'live' || r.publisher === 'hung' ? format.ago(r.since_heartbeat_ns) : '–'), value: (r) => r.since_heartbeat_ns },
  { id: 'schema', label: 'Schema', about: 'What the publisher calls its messages', wide: 1, text: (r) => r.schema },
  { id: 'source', label: 'Source', about: 'Where the messages come from, as the publisher says', wide: 1, text: (r) => r.source },
];

const trouble = (r) => (r.subscribers ?? []).filter((s) => ofSubscriber(s).rank > 1).length;

function subscribersText(r) {
  const n = trouble(r);
  const all = format.count((r.subscribers ?? []).length);
  return n > 0 ? `${n} of ${all} in trouble` : all;
}

const latency = (of) => (s) => (s[state.window].count > 0 ? format.ns(of(s[state.window])) : '–');

const trends = new Trends();

function percentile(id, label, about, wide) {
  const of = (w) => w[id];
  return { id, label, about: `${about}, from publish to read`, number: true, wide, text: latency(of), value: (s) => (s[state.window].count > 0 ? of(s[state.window]) : -1), mark: (s) => (s[state.window].count > 0 ? '' : 'faint') };
}

const subColumns = [
  { id: 'name', label: 'Subscriber', about: 'Ring and name', text: (s) => `${s.ring}/${s.name}`, draw: drawName },
  { id: 'state', label: 'State', about: 'How it stands with the subscriber; the worst first', text: (s) => ofSubscriber(s).text, value: (s) => ofSubscriber(s).rank, mark: (s) => ofSubscriber(s).mark },
  { id: 'rate', label: 'Rate', about: 'Messages read a second, over the last second', number: true, wide: 2, text: (s) => format.rate(s.rate), value: (s) => s.rate, mark: (s) => (s.rate > 0 ? '' : 'faint') },
  { id: 'lag', label: 'Lag', about: 'Messages published and not read', number: true, text: (s) => format.short(s.lag), value: (s) => s.lag, mark: (s) => (s.lag > 0 ? '' : 'faint') },
  { id: 'lagtime', label: 'Lag time', about: 'How long ago the first message that is not read was published', number: true, wide: 1, text: (s) => (s.lag_ns >= 0 ? format.ns(s.lag_ns) : '–'), value: (s) => s.lag_ns, mark: (s) => (s.lag_ns > 0 ? '' : 'faint') },
  { id: 'lost', label: 'Lost', about: 'Messages lost since its owner opened it', number: true, text: (s) => format.short(s.lost), value: (s) => s.lost, mark: lost },
  percentile('p50', 'p50', 'Half of the latencies are at most this', 2),
  percentile('p99', 'p99', '99 of 100 latencies are at most this'),
  percentile('p999', 'p99.9', '999 of 1,000 latencies are at most this', 1),
  percentile('max', 'Max', 'The largest latency', 2),
  { id: 'trend', label: 'p99, last minute', about: 'The p99 of each second of the last minute; logarithmic', wide: 1, text: (s) => trends.of(s), value: (s) => s.second.p99, draw: drawTrend },
  { id: 'spikes', label: 'Spikes', about: 'Latencies above its threshold, messages in a row as one; – if it does not record them', number: true, wide: 1, text: (s) => (s.spikes.threshold_ns > 0 ? format.short(s.spikes.spikes) : '–'), value: (s) => s.spikes.spikes, mark: (s) => (s.spikes.spikes > 0 ? '' : 'faint') },
  { id: 'wait', label: 'Waits by', about: 'Wait strategy', wide: 1, text: (s) => s.wait || '–' },
  { id: 'gate', label: 'Gate', about: 'Whether the publisher waits for it', wide: 1, text: (s) => s.gate || '–', mark: (s) => (s.gate === 'demoted' || s.gate === 'dropped' ? 'warn' : s.gate ? '' : 'faint') },
];

function drawName(link, s) {
  link.replaceChildren(el('span', { class: 'of' }, `${s.ring}/`), el('span', {}, s.name));
  link.title = `${s.ring}/${s.name}`;
}

// told leaves the figures out of rows of which nothing is known.
const told = (columns, is) => columns.map((c) => (c.id === 'name' || c.id === 'state' || c.draw ? c : { ...c, text: (row) => (is(row) ? c.text(row) : '–'), mark: (row) => (is(row) ? c.mark?.(row) : 'faint') }));

const rings = new Table(node('rings'), {
  columns: told(ringColumns, known.ring),
  key: (r) => r.name,
  href: (r) => hash({ ring: r.name, sub: '', only: r.name }),
  open: (r) => choose({ ring: r.name, sub: '', only: r.name }),
  sorted: (rsort, rorder) => choose({ rsort, rorder }),
});

const subs = new Table(node('subs'), {
  columns: told(subColumns, known.subscriber),
  key: (s) => `${s.ring}/${s.name}`,
  href: (s) => hash({ ring: s.ring, sub: s.name }),
  open: (s) => choose({ ring: s.ring, sub: s.name }),
  sorted: (sort, order) => choose({ sort, order }),
});

// allOf returns the subscribers of a snapshot, each with the name of its ring.
const allOf = (snapshot) => snapshot.rings.flatMap((r) => (r.subscribers ?? []).map((s) => Object.assign(s, { ring: r.name })));

function matches(s, words) {
  const text = `${s.ring}/${s.name} ${ofSubscriber(s).word} ${s.lost > 0 ? 'lost' : ''} ${s.gate ? `gate ${s.gate}` : ''} ${s.wait}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

// remember keeps what the trends need of a snapshot. To be called once for each.
export const remember = (snapshot) => trends.add(allOf(snapshot));

// update shows a snapshot. anew lets rows change places even where the user points.
export function update(snapshot, anew) {
  rings.sort(state.rsort, state.rorder);
  rings.update(snapshot.rings, state.ring, anew);
  setText(node('rings-sum'), snapshot.rings.length > 0 ? format.count(snapshot.rings.length) : '');
  nothing('rings-none', 'rings', snapshot.rings.length > 0 ? '' : snapshot.error || 'There are no rings in this directory yet. A publisher makes one, as: tickring replay FILE --ring es');

  const all = allOf(snapshot).filter((s) => !state.only || s.ring === state.only);
  const there = !state.only || snapshot.rings.some((r) => r.name === state.only);
  const words = state.filter.toLowerCase().split(/\s+/).filter(Boolean);
  const some = words.length > 0 ? all.filter((s) => matches(s, words)) : all;
  subs.sort(state.sort, state.order);
  subs.update(some, `${state.ring}/${state.sub}`, anew);
  setText(node('subs-title'), state.only ? `Subscribers of ${state.only}` : 'Subscribers');
  setText(node('subs-sum'), [some.length < all.length ? `${format.count(some.length)} of ${format.count(all.length)}` : format.count(all.length), sums(some)].filter(Boolean).join(': '));
  show(node('all'), state.only !== '');
  nothing('subs-none', 'subs', some.length > 0 ? '' : all.length > 0 ? `None of the ${format.count(all.length)} subscribers has “${state.filter}”.` : !there ? `There is no ring ${state.only}.` : 'No named subscribers. One is made by: tickring sub RING --name NAME');
}

function nothing(id, table, text) {
  setText(node(id), text);
  show(node(id), text !== '');
  show(node(table), text === '');
}

node('all').addEventListener('click', () => choose({ only: '' }));
node('filter').addEventListener('input', (e) => choose({ filter: e.target.value }));
node('window').addEventListener('change', (e) => choose({ window: e.target.value }));

// focus goes to the row of a ring or of a subscriber.
export function focus({ ring, sub }) {
  if (sub) subs.focus(`${ring}/${sub}`);
  else rings.focus(ring);
}

// reflect brings the controls in line with the state.
export function reflect() {
  if (node('filter').value !== state.filter) node('filter').value = state.filter;
  node('window').value = state.window;
}
