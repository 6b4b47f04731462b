// Numbers for people, as the command line writes them. Everything returns a string.

const digits3 = (v) => (v < 9.995 ? v.toFixed(2) : v < 99.95 ? v.toFixed(1) : v.toFixed(0));

// ns writes a time span with three digits, which is what a histogram knows.
export function ns(v) {
  const a = Math.abs(v);
  if (a < 999.5) return `${Math.round(v)} ns`;
  if (a < 999.5e3) return `${digits3(v / 1e3)} µs`;
  if (a < 999.5e6) return `${digits3(v / 1e6)} ms`;
  if (a < 100e9) return `${digits3(v / 1e9)} s`;
  return ago(v);
}

// ago writes how long something has been by its two largest units.
export function ago(v) {
  const s = Math.max(0, Math.round(v / 1e9));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}

export const count = (v) => Math.round(v).toLocaleString('en-US');

export const plural = (n, one, more) => `${count(n)} ${n === 1 ? one : more}`;

// short writes a large count with three digits and a unit.
export function short(v) {
  if (v < 999.5) return String(Math.round(v * 10) / 10);
  if (v < 999.5e3) return `${digits3(v / 1e3)} k`;
  if (v < 999.5e6) return `${digits3(v / 1e6)} M`;
  return `${digits3(v / 1e9)} G`;
}

export const rate = (v) => (v > 0 ? `${v < 999.5 ? digits3(v) : short(v)}/s` : '0');

export function bytes(v) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let u = 0;
  for (; v >= 1024 && u < units.length - 1; u++) v /= 1024;
  return `${Number.isInteger(v) ? v : v.toFixed(1)} ${units[u]}`;
}

const two = (v) => String(v).padStart(2, '0');

// clock writes the local time of day of a time in ms since 1970.
export function clock(ms, withMillis) {
  const d = new Date(ms);
  const s = `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
  return withMillis ? `${s}.${String(d.getMilliseconds()).padStart(3, '0')}` : s;
}

// when writes a time of the API: of today without its date, and nothing for a time that is not set.
export function when(text) {
  const d = new Date(text);
  if (!(d.getFullYear() > 1970)) return '–';
  const day = `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} `;
  return (new Date().toDateString() === d.toDateString() ? '' : day) + clock(d.getTime());
}

// percent writes a percentile without the rounding errors of its nines.
export const percent = (p) => `${Number(p.toPrecision(9))}%`;
