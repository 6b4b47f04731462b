// Colours of counts: one lightness for each, from the background's to the opposite, so that they
// can be told apart without seeing hue, and one message can be seen on the background.

const stops = ['#440154', '#4a4f9c', '#2a788e', '#22a884', '#7ad151', '#fde725'];
const steps = 64;

// ramp returns the colours from few to many.
export function ramp(dark) {
  const own = dark ? stops.slice(1) : stops.slice(0, 5).reverse();
  const rgb = own.map((c) => [1, 3, 5].map((i) => parseInt(c.slice(i, i + 2), 16)));
  return Array.from({ length: steps }, (_, i) => {
    const at = (i / (steps - 1)) * (rgb.length - 1);
    const low = Math.min(Math.floor(at), rgb.length - 2);
    const mix = rgb[low].map((v, k) => Math.round(v + (rgb[low + 1][k] - v) * (at - low)));
    return `rgb(${mix.join(',')})`;
  });
}

// of returns the colour of a count of at least 1 where most is the largest, by logarithm.
export function of(colours, count, most) {
  const t = most > 1 ? Math.log(count) / Math.log(most) : 0;
  return colours[Math.min(steps - 1, Math.floor(t * (steps - 1) + 0.5))];
}
