// The table of windows: what was measured in the last second, the last minute and since the start.
// Its first column is the key to the curves.

import * as format from './format.js';
import { el, setText } from './dom.js';

export const windows = [
  { id: 'second', label: 'last second' },
  { id: 'minute', label: 'last minute' },
  { id: 'start', label: 'since start' },
];

// [label, text(window), class]: a telephone leaves those of class less out.
const columns = [
  ['Messages', (w) => format.short(w.count), 'number less'],
  ...[['Mean', 'mean', 'less'], ['p50', 'p50', ''], ['p90', 'p90', 'less'], ['p99', 'p99', ''], ['p99.9', 'p999', ''], ['p99.99', 'p9999', 'less'], ['Max', 'max', '']]
    .map(([label, id, less]) => [label, (w) => (w.count > 0 ? format.ns(w[id]) : '–'), `number ${less}`.trim()]),
];

export class Windows {
  constructor() {
    this.caption = el('caption');
    this.cells = new Map();
    const rows = windows.map(({ id, label }) => {
      const head = el('th', { scope: 'row' }, el('span', { class: `key ${id}`, 'aria-hidden': 'true' }), el('span', {}, label));
      const cells = columns.map(([, , name]) => el('td', { class: name }));
      this.cells.set(id, { label: head.lastChild, cells });
      return el('tr', {}, head, ...cells);
    });
    const heads = columns.map(([label, , name]) => el('th', { scope: 'col', class: name }, label));
    this.root = el('table', { id: 'windows' }, this.caption, el('thead', {}, el('tr', {}, el('th', { scope: 'col' }, 'Over'), ...heads)), el('tbody', {}, ...rows));
  }

  update(of, caption) {
    setText(this.caption, caption);
    for (const { id, label } of windows) {
      const w = of[id];
      const row = this.cells.get(id);
      // A minute is less while the monitor is young.
      setText(row.label, id === 'minute' && w.seconds > 0 && w.seconds < 55 ? `last ${Math.round(w.seconds)} s` : label);
      columns.forEach(([, text], i) => setText(row.cells[i], text(w)));
    }
  }
}
