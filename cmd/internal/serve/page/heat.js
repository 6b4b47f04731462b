// Latencies over time: a column for each second, a row for each range of latency, the colour how
// many there were. Triangles above are spikes.

import * as axis from './axis.js';
import * as format from './format.js';
import { el, onResize, setAttribute, setText, show } from './dom.js';
import * as palette from './palette.js';
import { follow, Tip } from './tip.js';

const height = 206;
const room = { left: 52, right: 14, top: 14, bottom: 22 };
const spans = [60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 28800, 86400]; // s
const dark = matchMedia('(prefers-color-scheme: dark)');

export class Heat {
  constructor() {
    this.title = el('span', { class: 'title' });
    this.tip = new Tip();
    this.ramp = el('canvas', { width: 64, height: 1, class: 'ramp' });
    this.few = el('span', {}, '1');
    this.many = el('span');
    this.marks = el('span', { class: 'bad' }, '▼ spike');
    this.legend = el('span', { class: 'legend' }, this.marks, this.few, this.ramp, this.many);
    this.canvas = el('canvas', { id: 'heat', tabindex: 0, role: 'img' });
    this.cell = el('div', { class: 'cell', hidden: '' });
    this.root = el('figure', { class: 'heat' }, el('figcaption', {}, this.title, this.legend), el('div', { class: 'plot' }, this.canvas, this.cell, this.tip.root));
    this.clear();
    onResize(this.root, (width) => {
      this.width = width;
      this.draw();
    });
    dark.addEventListener('change', () => this.draw());
    follow(this.canvas, (x, y) => this.point(x, y), (e) => this.key(e));
  }

  name(text) {
    setText(this.title, text);
    setAttribute(this.canvas, 'aria-label', `${text}; the arrow keys read it out`);
  }

  clear() {
    this.heat = null;
    this.spikes = [];
    this.at = null; // {time in s, row} that is read out
    this.canvas.width = 0;
    this.tip.hide();
    show(this.cell, false);
  }

  // update shows a heat map as the API has it, and the spikes of the same time.
  update(heat, spikes) {
    const counts = heat.counts ?? [];
    const edges = heat.edges_ns ?? [];
    if (counts.length === 0 || edges.length < 2) return;
    this.heat = { counts, edges, start: Math.floor(Date.parse(heat.start) / 1000) };
    this.spikes = spikes;
    this.draw();
  }

  // scale finds what the picture covers: the rows that were ever used, whole decades of
  // them, and a round number of minutes.
  scale() {
    const { counts, edges, start } = this.heat;
    let low = Infinity;
    let high = -1;
    let most = 1;
    for (const second of counts) {
      second.forEach((n, row) => {
        if (n === 0) return;
        low = Math.min(low, row);
        high = Math.max(high, row);
        most = Math.max(most, n);
      });
    }
    if (high < 0) low = high = Math.floor(edges.length / 2);
    // What is below the first edge or above the last has no end of its own to draw to.
    this.edges = edges.map((ns, i) => (ns > 0 ? ns : edges[i + 1] / 2));
    this.y = axis.decades(this.edges[low], Math.min(this.edges[high + 1], this.edges[high] * 10));
    this.most = most;
    this.span = spans.find((s) => s >= counts.length) ?? counts.length;
    this.end = start + counts.length;
  }

  left = (time) => room.left + Math.round((1 - (this.end - time) / this.span) * (this.width - room.left - room.right));

  top = (ns) => Math.round(room.top + (1 - Math.min(1, Math.max(0, axis.place(this.y, ns)))) * (height - room.top - room.bottom));

  // box is where a cell is drawn.
  box(time, row) {
    const x = this.left(time);
    const y = this.top(this.edges[row + 1]);
    return { x, y, w: Math.max(1, this.left(time + 1) - x), h: Math.max(1, this.top(this.edges[row]) - y) };
  }

  draw() {
    if (!this.heat || !this.width) return;
    this.scale();
    const { canvas } = this;
    const dots = devicePixelRatio || 1;
    const [w, h] = [Math.round(this.width * dots), Math.round(height * dots)];
    if (canvas.width !== w || canvas.height !== h) {
      [canvas.width, canvas.height] = [w, h];
      [canvas.style.width, canvas.style.height] = [`${this.width}px`, `${height}px`];
    }
    const g = canvas.getContext('2d');
    const style = getComputedStyle(canvas);
    g.setTransform(dots, 0, 0, dots, 0, 0);
    g.clearRect(0, 0, this.width, height);
    this.drawGrid(g, style);
    const colours = palette.ramp(dark.matches);
    const { counts, start } = this.heat;
    counts.forEach((second, i) => {
      second.forEach((n, row) => {
        if (n === 0) return;
        const { x, y, w, h } = this.box(start + i, row);
        g.fillStyle = palette.of(colours, n, this.most);
        g.fillRect(x, y, w, h);
      });
    });
    this.drawSpikes(g, style);
    this.drawLegend(colours);
    this.read(this.at);
  }

  drawGrid(g, style) {
    g.font = `11px ${style.fontFamily}`;
    g.fillStyle = style.getPropertyValue('--faint');
    g.strokeStyle = style.getPropertyValue('--line');
    g.textAlign = 'right';
    g.textBaseline = 'middle';
    g.beginPath();
    for (const [ns, whole] of axis.ticks(this.y)) {
      if (!whole) continue;
      const y = this.top(ns) + 0.5;
      g.moveTo(room.left, y);
      g.lineTo(this.width - room.right, y);
      g.fillText(axis.label(ns), room.left - 6, y);
    }
    g.textAlign = 'center';
    const step = [10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400].find((s) => (this.width / this.span) * s > 64) ?? 28800;
    for (let t = Math.ceil((this.end - this.span) / step) * step; t <= this.end; t += step) {
      const x = this.left(t) + 0.5;
      g.moveTo(x, room.top);
      g.lineTo(x, height - room.bottom + 4);
      if (x > room.left + 20 && x < this.width - 24) g.fillText(format.clock(t * 1000), x, height - 8);
    }
    g.stroke();
  }

  drawSpikes(g, style) {
    g.fillStyle = style.getPropertyValue('--bad');
    const times = this.spikes.map((s) => Date.parse(s.time) / 1000).filter((t) => t >= this.end - this.span && t <= this.end);
    show(this.marks, times.length > 0);
    for (const t of times) {
      const x = this.left(t);
      g.beginPath();
      g.moveTo(x - 4, 2);
      g.lineTo(x + 4, 2);
      g.lineTo(x, 10);
      g.fill();
    }
  }

  drawLegend(colours) {
    const g = this.ramp.getContext('2d');
    colours.forEach((c, i) => {
      g.fillStyle = c;
      g.fillRect(i, 0, 1, 1);
    });
    setText(this.many, `${format.short(this.most)} a second`);
  }

  // point reads out what is at a place; null ends that.
  point(x, y) {
    if (!this.heat || x === null) {
      this.read(null);
      return;
    }
    const time = Math.floor(this.end - (1 - (x - room.left) / (this.width - room.left - room.right)) * this.span);
    const row = this.edges.findIndex((ns, i) => i + 1 < this.edges.length && y <= this.top(ns) && y > this.top(this.edges[i + 1]));
    const { start, counts } = this.heat;
    this.read(row < 0 || time < start || time >= start + counts.length ? null : { time, row });
  }

  // read reads out a cell; null ends that.
  read(at) {
    const { heat } = this;
    const second = at && heat ? heat.counts[at.time - heat.start] : null;
    this.at = second ? at : null;
    show(this.cell, Boolean(second));
    if (!second) {
      this.tip.hide();
      return;
    }
    const { x, y, w, h } = this.box(at.time, at.row);
    Object.assign(this.cell.style, { left: `${x}px`, top: `${y}px`, width: `${w}px`, height: `${h}px` });
    const all = second.reduce((sum, n) => sum + n, 0);
    this.tip.tell(x + w, Math.max(room.top, Math.min(y, height - room.bottom - 60)), this.width, [
      format.clock(at.time * 1000), range(heat.edges, at.row), `${format.count(second[at.row])} of ${format.plural(all, 'message', 'messages')}`]);
  }

  key(e) {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[e.key];
    if (!step || !this.heat) return;
    e.preventDefault();
    const { start, counts, edges } = this.heat;
    const at = this.at ?? { time: start + counts.length - 1, row: fullest(counts[counts.length - 1]) };
    const time = Math.min(Math.max(at.time + (this.at ? step[0] : 0), start), start + counts.length - 1);
    const row = Math.min(Math.max(at.row + (this.at ? step[1] : 0), 0), edges.length - 2);
    this.read({ time, row });
  }
}

const fullest = (second) => second.indexOf(Math.max(...second));

function range(edges, row) {
  if (row === edges.length - 2 && edges[row + 1] > 100 * edges[row]) return `${format.ns(edges[row])} and more`;
  return `${format.ns(edges[row])} to ${format.ns(edges[row + 1])}`;
}
