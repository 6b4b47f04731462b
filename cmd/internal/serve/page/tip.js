// What is under the pointer, or where the arrow keys have gone, said beside it.

import { el, setText, show } from './dom.js';

const away = 14; // px from the place

export class Tip {
  // The tip is for one node, which stands at the upper left corner of where the tip does.
  constructor() {
    this.lines = [];
    this.root = el('output', { class: 'readout', 'aria-live': 'polite', hidden: '' });
  }

  // tell says lines beside a place in px within a given width. A line is a text, or a text with
  // the class of a key before it.
  tell(x, y, width, lines) {
    while (this.lines.length < lines.length) {
      const line = { key: el('span', { 'aria-hidden': 'true' }), text: el('span') };
      this.lines.push(line);
      this.root.append((line.root = el('div', {}, line.key, line.text)));
    }
    this.lines.forEach((line, i) => {
      const [text, key] = [lines[i] ?? ''].flat();
      show(line.root, i < lines.length);
      show(line.key, Boolean(key));
      if (key) line.key.className = `key ${key}`;
      setText(line.text, text);
    });
    show(this.root, true);
    const wide = this.root.offsetWidth;
    const left = x + away + wide <= width ? x + away : Math.max(0, x - away - wide);
    Object.assign(this.root.style, { left: `${left}px`, top: `${y}px` });
  }

  hide() {
    for (const line of this.lines) setText(line.text, '');
    show(this.root, false);
  }
}

// follow calls back with the place of the pointer over a node, and with null when it has left. A
// finger leaves what it has touched: its place stays until something else is touched.
export function follow(node, moved, key) {
  const at = (e) => {
    const box = node.getBoundingClientRect();
    moved(e.clientX - box.x, e.clientY - box.y);
  };
  node.addEventListener('pointermove', at);
  node.addEventListener('pointerdown', at);
  node.addEventListener('pointerleave', (e) => {
    if (e.pointerType !== 'touch') moved(null);
  });
  node.addEventListener('blur', () => moved(null));
  node.addEventListener('keydown', key);
}
