// The latencies by percentile: one curve for each window, the percentiles by nines, the times by
// their logarithm.

import * as axis from './axis.js';
import * as format from './format.js';
import { el, onResize, setAttribute, setText, svg } from './dom.js';
import { follow, Tip } from './tip.js';
import { windows } from './windows.js';

const height = 206;
const room = { left: 52, right: 14, top: 10, bottom: 24 };
const letter = 6; // about as wide is one of a label

// The maximum has no place among nines. It stands where the next percentile would that
// halves what is above.
const half = Math.log10(2);

export class Curves {
  constructor() {
    this.title = el('span', { class: 'title' });
    this.tip = new Tip();
    this.grid = svg('g', { class: 'grid' });
    this.paths = new Map([...windows].reverse().map(({ id }) => [id, svg('path', { class: `curve ${id}` })]));
    this.cursor = svg('line', { class: 'cursor', visibility: 'hidden' });
    this.dots = new Map(windows.map(({ id }) => [id, svg('circle', { class: `dot ${id}`, r: 3.5, visibility: 'hidden' })]));
    this.plot = svg('svg', { id: 'curves', height, tabindex: 0, role: 'img', 'aria-label': 'Latency by percentile; left and right read it out' }, this.grid, ...this.paths.values(), this.cursor, ...this.dots.values());
    this.root = el('figure', {}, el('figcaption', {}, this.title), el('div', { class: 'plot' }, this.plot, this.tip.root));
    this.clear();
    onResize(this.root, (width) => {
      this.width = width;
      this.draw();
    });
    follow(this.plot, (x) => this.point(x === null ? null : this.nines(x)), (e) => this.key(e));
  }

  name(text) {
    setText(this.title, text);
  }

  clear() {
    this.curves = null;
    this.at = null; // the place among nines that is read out
    this.scale = '';
    for (const path of this.paths.values()) path.setAttribute('d', '');
    this.grid.replaceChildren();
    this.point(null);
  }

  // update shows curves as the API has them.
  update(curves) {
    this.curves = new Map(windows.map(({ id }) => [id, points(curves[id] ?? [])]));
    this.draw();
  }

  draw() {
    if (!this.curves || !this.width) return;
    setAttribute(this.plot, 'width', this.width);
    const all = [...this.curves.values()].flat();
    if (all.length === 0) return;
    this.most = Math.max(2, ...all.map((p) => p.x));
    this.y = axis.decades(Math.min(...all.map((p) => p.ns)), Math.max(...all.map((p) => p.ns)));
    this.drawGrid();
    for (const [id, path] of this.paths) {
      setAttribute(path, 'd', this.curves.get(id).map((p, i) => `${i === 0 ? 'M' : 'L'}${this.left(p.x)} ${this.top(p.ns)}`).join(''));
    }
    this.point(this.at);
  }

  left = (x) => (room.left + (x / this.most) * (this.width - room.left - room.right)).toFixed(1);

  top = (ns) => (room.top + (1 - axis.place(this.y, ns)) * (height - room.top - room.bottom)).toFixed(1);

  nines = (left) => ((left - room.left) / (this.width - room.left - room.right)) * this.most;

  drawGrid() {
    const scale = `${this.width} ${this.most.toFixed(2)} ${this.y.from} ${this.y.to}`;
    if (scale === this.scale) return;
    this.scale = scale;
    const parts = [];
    for (const [ns, whole] of axis.ticks(this.y)) {
      const y = this.top(ns);
      parts.push(svg('line', { class: whole ? 'major' : 'minor', x1: room.left, x2: this.width - room.right, y1: y, y2: y }));
      if (whole) parts.push(svg('text', { x: room.left - 6, y, 'text-anchor': 'end', 'dominant-baseline': 'middle' }, axis.label(ns)));
    }
    let free = 0; // from where on there is room for a label
    for (const percentile of this.marks()) {
      const x = this.left(axis.nines(percentile));
      const text = format.percent(percentile);
      const wide = text.length * letter;
      parts.push(svg('line', { class: 'major', x1: x, x2: x, y1: room.top, y2: height - room.bottom }));
      if (x - wide / 2 < free || Number(x) + wide / 2 > this.width) continue;
      free = Number(x) + wide / 2 + letter;
      parts.push(svg('text', { x, y: height - 8, 'text-anchor': 'middle' }, text));
    }
    this.grid.replaceChildren(...parts);
  }

  // marks returns the percentiles on the axis, as far as the curves go.
  marks() {
    const marks = [50, 90];
    for (let x = 2; x <= this.most + 1e-9; x++) marks.push(axis.percentileOf(x));
    return marks;
  }

  // point reads out a place among nines; null ends that.
  point(x) {
    this.at = x;
    const off = x === null || x < -0.05 || !this.curves || !this.y;
    setAttribute(this.cursor, 'visibility', off ? 'hidden' : 'visible');
    const said = [];
    for (const { id, label } of windows) {
      const p = off ? null : first(this.curves.get(id), x);
      setAttribute(this.dots.get(id), 'visibility', p ? 'visible' : 'hidden');
      if (!p) continue;
      setAttribute(this.dots.get(id), 'cx', this.left(p.x));
      setAttribute(this.dots.get(id), 'cy', this.top(p.ns));
      said.push([`${label}: ${p.max && x > p.x - half ? 'max ' : ''}${format.ns(p.ns)}`, id]);
    }
    if (off || said.length === 0) {
      this.tip.hide();
      return;
    }
    const left = Number(this.left(x));
    for (const [name, value] of [['x1', left], ['x2', left], ['y1', room.top], ['y2', height - room.bottom]]) setAttribute(this.cursor, name, value);
    const p = axis.percentileOf(Math.max(0, x));
    this.tip.tell(left, room.top, this.width, [format.percent(Number(p.toFixed(Math.max(1, Math.floor(x) + 1)))), ...said]);
  }

  key(e) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
    if (!step || !this.curves || !this.y) return;
    e.preventDefault();
    const places = [...this.marks().map(axis.nines), this.most];
    const at = this.at ?? 0;
    const next = step > 0 ? places.find((x) => x > at + 1e-6) : places.findLast((x) => x < at - 1e-6);
    if (next !== undefined) this.point(next);
  }
}

// points places a curve of the API.
function points(curve) {
  let last = 0;
  return curve.map(({ percentile, ns }) => {
    const max = percentile >= 100;
    last = max ? last + half : axis.nines(percentile);
    return { x: last, ns, max };
  });
}

// first is the first point of a curve at or above a place: the latency that so many are at
// most. Above all of them it is the maximum.
function first(curve, x) {
  return curve.find((p) => p.x >= x - 1e-6) ?? curve[curve.length - 1];
}
