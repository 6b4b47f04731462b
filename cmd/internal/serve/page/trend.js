// The p99 of each second of the last minute, as a line the size of a word.

import { svg } from './dom.js';

const most = 60;
const width = 90;
const height = 16;

// Trends remembers the p99 of each second of all subscribers, from snapshots of the last minute:
// the first has to have their trends, and each that comes after a pause.
export class Trends {
  constructor() {
    this.seen = new Map();
  }

  add(subs) {
    const now = new Map();
    for (const s of subs) {
      const key = `${s.ring}/${s.name}`;
      const values = this.seen.get(key) ?? [];
      if (s.trend_p99_ns?.length > 0) values.splice(0, most, ...s.trend_p99_ns.map(place));
      else values.push(place(s.second.count > 0 ? s.second.p99 : -1));
      if (values.length > most) values.shift();
      now.set(key, values);
    }
    this.seen = now;
  }

  // of returns the line as the path of an SVG.
  of(s) {
    const values = this.seen.get(`${s.ring}/${s.name}`) ?? [];
    let low = Infinity;
    let high = -Infinity;
    for (const v of values) {
      if (v < low) low = v;
      if (v > high) high = v;
    }
    const room = Math.max(high - low, 1); // a decade at least: noise is to look like noise
    const middle = (low + high) / 2;
    let path = '';
    let pen = 'M';
    values.forEach((v, i) => {
      if (Number.isNaN(v)) {
        pen = 'M';
        return;
      }
      const x = ((i + most - values.length) / (most - 1)) * (width - 2) + 1;
      const y = height / 2 - ((v - middle) / room) * (height - 3);
      path += `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
      pen = 'L';
    });
    return path;
  }
}

const place = (ns) => (ns < 0 ? NaN : Math.log10(Math.max(1, ns)));

// drawTrend paints a cell.
export function drawTrend(cell, s, path) {
  if (!cell.firstChild) {
    cell.append(svg('svg', { viewBox: `0 0 ${width} ${height}`, width, height, 'aria-hidden': 'true' }, svg('path', { class: 'trend' })));
  }
  cell.firstChild.firstChild.setAttribute('d', path);
}
