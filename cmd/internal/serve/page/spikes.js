// The list of spikes: when, how long, and why.

import * as format from './format.js';
import { el, setText, show } from './dom.js';

const most = 12; // spikes that are shown before all are wanted; style.css hides the others

const kinds = { read: '', claim: 'claim to commit', held: 'held by a gate', pace: 'late for its pace' };

export class Spikes {
  constructor() {
    this.title = el('h3', { id: 'spikes-title' });
    this.body = el('tbody');
    this.table = el('table', { id: 'spikes', 'aria-labelledby': 'spikes-title' }, el('thead', {}, el('tr', {}, el('th', { scope: 'col' }, 'Time'), el('th', { scope: 'col', class: 'number' }, 'Latency'), el('th', { scope: 'col' }, 'Cause and why'))), this.body);
    this.about = el('p', { class: 'none' });
    this.more = el('button', { type: 'button' });
    this.more.addEventListener('click', () => this.few(false));
    this.root = el('section', { 'aria-labelledby': 'spikes-title' }, el('div', { class: 'head' }, this.title, this.about), this.table, this.more);
    this.clear();
  }

  clear() {
    this.list = []; // the newest last
    this.lines = new Map(); // by number
    this.open = false; // some may still be explained, or grow
    this.body.replaceChildren();
    show(this.table, false);
    this.few(true);
  }

  // announce says what is known without the list. possible is false where nothing could
  // be recorded.
  announce(log, reads, possible) {
    show(this.root, possible);
    const on = log && log.threshold_ns > 0;
    setText(this.title, on ? `Spikes: ${format.count(log.spikes)} above ${format.ns(log.threshold_ns)}` : 'Spikes');
    setText(this.about, about(log, on, reads));
  }

  // update shows the list. ended: whoever records it is no more.
  update(log, ended) {
    this.list = log.list ?? [];
    this.open = this.list.some((s) => !s.explained);
    const lines = new Map();
    for (const s of this.list) {
      const same = `${ended} ${s.time} ${s.explained} ${s.messages} ${s.latency_ns}`;
      let line = this.lines.get(s.number);
      if (!line || line.same !== same) {
        const fresh = { row: row(s, ended), same };
        line?.row.replaceWith(fresh.row);
        line = fresh;
      }
      lines.set(s.number, line);
    }
    for (const [number, line] of this.lines) if (!lines.has(number)) line.row.remove();
    for (const [number, line] of lines) if (!this.lines.has(number)) this.body.prepend(line.row);
    this.lines = lines;
    show(this.table, this.list.length > 0);
    this.few(this.short);
  }

  // few shows the newest only, or all.
  few(short) {
    this.short = short;
    this.table.classList.toggle('few', short);
    setText(this.more, `Show all ${format.count(this.list.length)}`);
    show(this.more, short && this.list.length > most);
  }
}

function about(log, on, reads) {
  if (!on) return reads ? 'Not recorded. It does so when it is told what counts as one: Options.Spikes, or sub --spikes 100us.' : 'Not recorded: Config.Spikes, or replay --spikes 100us, says what counts as one.';
  if (log.spikes === 0) return '';
  return `${reads ? format.plural(log.messages, 'message', 'messages') : format.plural(log.messages, 'time', 'times')} late. The newest first.`;
}

function row(s, ended) {
  const cause = s.explained ? s.cause : 'not explained';
  const notes = [
    kinds[s.kind] ?? s.kind,
    s.seq > 0 ? `message ${format.count(s.seq)}` : '',
    s.messages > 1 ? `${format.count(s.messages)} in a row` : '',
    s.behind > 0 ? `${format.count(s.behind)}${s.behind_more ? ' or more' : ''} behind` : '',
    s.tid > 0 ? `thread ${s.tid}` : '',
    s.cpu >= 0 ? `CPU ${s.cpu}` : '',
  ];
  const why = s.explained ? s.why : ended ? 'nobody looked what happened: the process ended before' : 'nobody has looked yet what happened';
  return el('tr', {},
    el('th', { scope: 'row', title: s.time }, format.clock(Date.parse(s.time), true)),
    el('td', { class: 'number' }, format.ns(s.latency_ns)),
    el('td', {}, el('span', { class: `cause ${family(cause)}` }, cause), ` ${why}`, el('small', {}, notes.filter(Boolean).join(' · '))));
}

// family groups the causes by who could do something about them: the machine, the process
// itself, or nobody knows.
function family(cause) {
  if (['gc', 'slept', 'fault', 'busy'].includes(cause)) return 'own';
  return ['unknown', 'not explained'].includes(cause) ? 'open' : 'machine';
}
