// Making and changing nodes. Texts of rings and processes are only ever set as text: nothing
// here, and nothing else on the page, parses markup.

const svgSpace = 'http://www.w3.org/2000/svg';

// el makes an element: attributes by name, children nodes or texts.
export function el(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes, ...children) {
  return fill(document.createElementNS(svgSpace, tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value !== undefined && value !== null) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

// The setters touch the document only if there is something to change, so that a page
// that shows the same does no work and keeps the selection of text in it.

export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function setAttribute(node, name, value) {
  if (value === null || value === undefined) {
    if (node.hasAttribute(name)) node.removeAttribute(name);
  } else if (node.getAttribute(name) !== String(value)) {
    node.setAttribute(name, value);
  }
}

export function show(node, yes) {
  if (node.hidden === yes) node.hidden = !yes;
}

// onResize calls back with a node's content width in CSS pixels now and whenever it changes.
export function onResize(node, call) {
  let width = 0;
  new ResizeObserver((entries) => {
    const w = Math.floor(entries[entries.length - 1].contentRect.width);
    if (w > 0 && w !== width) call((width = w));
  }).observe(node);
}
