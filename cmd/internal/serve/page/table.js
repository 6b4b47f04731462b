// A table whose rows stay the same nodes from one update to the next. A row that was never in sight
// has only its name, and one that is out of sight keeps its old texts until it comes near: what is
// not seen costs next to nothing, however many rows there are.

import { el, setAttribute } from './dom.js';

const atOnce = 50; // rows from the top that are whole before it is known what is in sight

// A column is {id, label, about, text(row), value(row), mark(row), number, wide, draw(cell, row, text)}:
// text is what the cell shows, value what it is sorted by (default: text), mark the class of the
// cell's meaning, wide 1 or 2 for columns that narrow tables leave out, draw paints the cell
// instead of its text when text has changed. The first column is the link to the row.
export class Table {
  // options: columns; key(row), which is unique; href(row); open(row); sorted(id, order), called
  // when the user has asked for another order.
  constructor(table, options) {
    Object.assign(this, options);
    this.lines = new Map(); // by key
    this.order = [];
    this.heads = new Map(this.columns.map((c) => [c.id, this.head(c)]));
    this.body = el('tbody');
    table.append(el('thead', {}, el('tr', {}, ...this.heads.values())), this.body);
    this.sight = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        target.line.near = isIntersecting;
        if (!isIntersecting) continue;
        this.whole(target.line);
        this.fill(target.line);
      }
    }, { rootMargin: '200px', scrollMargin: '200px' });
    this.chosen = null; // the line that is selected
    this.stop = null; // the line that Tab comes to: one is enough, arrows lead to the others
    this.pointed = false;
    this.body.addEventListener('pointerenter', (e) => (this.pointed = e.pointerType === 'mouse'));
    this.body.addEventListener('pointerleave', () => (this.pointed = false));
    this.body.addEventListener('click', (e) => this.clicked(e));
    this.body.addEventListener('keydown', (e) => this.pressed(e));
    this.body.addEventListener('focusin', (e) => this.stopAt(e.target.closest('tr')?.line));
  }

  head(column) {
    const button = el('button', { type: 'button', title: column.about }, column.label);
    button.addEventListener('click', () => {
      const first = column.number || column.id === 'state' ? 'down' : 'up';
      const other = first === 'up' ? 'down' : 'up';
      this.sorted(column.id, this.by === column.id && this.way === first ? other : first);
    });
    return el('th', { scope: 'col', class: this.classes(column) }, button);
  }

  classes(column, mark) {
    return [`c-${column.id}`, column.number ? 'number' : '', column.wide ? `wide${column.wide}` : '', mark ?? ''].filter(Boolean).join(' ');
  }

  // sort sets the order for this and the following updates.
  sort(id, order) {
    this.by = this.heads.has(id) ? id : this.columns[0].id;
    this.way = order;
    for (const [name, th] of this.heads) {
      if (name === this.by) th.setAttribute('aria-sort', order === 'up' ? 'ascending' : 'descending');
      else th.removeAttribute('aria-sort');
    }
  }

  // update shows these rows. While the user points at a row or goes through them by keys, rows
  // do not change places, unless anew is true.
  update(rows, selected, anew) {
    const column = this.columns.find((c) => c.id === this.by);
    const value = column.value ?? column.text;
    const now = new Map();
    for (const row of rows) {
      const key = this.key(row);
      const line = this.lines.get(key) ?? this.line(row);
      line.row = row;
      if (line.near) this.fill(line);
      line.value = value(row);
      now.set(key, line);
    }
    const held = !anew && (this.pointed || this.body.querySelector(':focus-visible') !== null);
    const lines = [...now.values()];
    if (held) {
      const was = new Map(this.order.map((line, i) => [line, i]));
      lines.sort((a, b) => (was.get(a) ?? Infinity) - (was.get(b) ?? Infinity) || 0);
    } else {
      const sign = this.way === 'up' ? 1 : -1;
      lines.sort((a, b) => sign * compare(a.value, b.value) || compare(a.name, b.name));
    }
    lines.slice(0, atOnce).forEach((line) => this.whole(line));
    this.place(lines, now);
    this.lines = now;
    this.select(now.get(selected) ?? null);
    if (!this.body.contains(document.activeElement)) this.stopAt(this.chosen ?? lines[0]);
  }

  line(row) {
    const link = el('a', { href: this.href(row), tabindex: -1 });
    const name = el('th', { class: this.classes(this.columns[0]), scope: 'row' }, link);
    const tr = el('tr', {}, name);
    const line = { tr, link, row, name: this.columns[0].text(row), near: false, cells: [{ cell: name, into: link, text: null, mark: '' }] };
    tr.line = line;
    this.sight.observe(tr);
    this.fill(line);
    return line;
  }

  whole(line) {
    if (line.cells.length === this.columns.length) return;
    for (const column of this.columns.slice(1)) {
      const cell = el('td', { class: this.classes(column) });
      line.cells.push({ cell, into: cell, text: null, mark: '' });
      line.tr.append(cell);
    }
    this.fill(line);
  }

  fill(line) {
    line.cells.forEach((at, i) => {
      const column = this.columns[i];
      const text = column.text(line.row);
      if (text !== at.text) {
        at.text = text;
        if (column.draw) column.draw(at.into, line.row, text);
        else at.into.textContent = text;
      }
      const mark = column.mark?.(line.row) ?? '';
      if (mark !== at.mark) {
        at.mark = mark;
        at.cell.className = this.classes(column, mark);
      }
    });
  }

  // select marks a line, or none, and brings it into sight, or the one that it was.
  select(line) {
    if (line === this.chosen) return;
    const before = this.chosen;
    this.chosen = line;
    for (const one of [before, line]) {
      if (!one) continue;
      one.tr.classList.toggle('selected', one === line);
      setAttribute(one.link, 'aria-current', one === line ? 'true' : null);
    }
    // What is drawn after this may take room from the table.
    requestAnimationFrame(() => (line ?? before).tr.scrollIntoView({ block: 'nearest' }));
  }

  stopAt(line) {
    if (!line || line === this.stop) return;
    this.stop?.link.setAttribute('tabindex', -1);
    this.stop = line;
    line.link.removeAttribute('tabindex');
  }

  // focus goes to a row, if it is there.
  focus(key) {
    this.lines.get(key)?.link.focus();
  }

  // place brings the rows into their order and moves only those that stand elsewhere.
  place(lines, now) {
    for (const [key, line] of this.lines) {
      if (now.get(key) === line) continue;
      this.sight.unobserve(line.tr);
      line.tr.remove();
    }
    let at = this.body.firstChild;
    for (const line of lines) {
      if (line.tr === at) at = at.nextSibling;
      else this.body.insertBefore(line.tr, at);
    }
    this.order = lines;
  }

  clicked(event) {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return; // a new tab
    if (!getSelection().isCollapsed) return; // text was marked
    const line = event.target.closest('tr')?.line;
    if (!line) return;
    event.preventDefault();
    this.open(line.row);
  }

  pressed(event) {
    const step = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity }[event.key];
    const line = event.target.closest('tr')?.line;
    if (!step || !line) return;
    event.preventDefault();
    const to = Math.min(Math.max(this.order.indexOf(line) + step, 0), this.order.length - 1);
    this.order[to].link.focus();
  }
}

function compare(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}
