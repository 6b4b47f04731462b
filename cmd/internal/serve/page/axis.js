// Axes of times from ns to s, by their logarithm, and of percentiles, by nines.

const log = Math.log10;

// decades returns the whole decades around two values in ns, one at least.
export function decades(low, high) {
  const from = Math.floor(log(Math.max(1, low)) + 1e-9);
  const to = Math.ceil(log(Math.max(1, high)) - 1e-9);
  return { from, to: Math.max(to, from + 1) };
}

// place returns where a time stands between two decades: 0 at the lower, 1 at the upper.
export const place = ({ from, to }, ns) => (log(Math.max(1, ns)) - from) / (to - from);

// ticks returns the marks of an axis: [ns, whether it is a whole decade].
export function ticks({ from, to }) {
  const all = [];
  for (let d = from; d <= to; d++) {
    all.push([10 ** d, true]);
    if (d < to) all.push([2 * 10 ** d, false], [5 * 10 ** d, false]);
  }
  return all;
}

// label writes a whole decade.
export function label(ns) {
  if (ns < 1e3) return `${ns} ns`;
  if (ns < 1e6) return `${ns / 1e3} µs`;
  if (ns < 1e9) return `${ns / 1e6} ms`;
  return `${ns / 1e9} s`;
}

// nines returns where a percentile stands: 90 is at 1, 99 at 2, 99.9 at 3; 100 has no place.
export const nines = (percentile) => -log(1 - percentile / 100);

// percentileOf is the percentile at a place.
export const percentileOf = (x) => 100 * (1 - 10 ** -x);
