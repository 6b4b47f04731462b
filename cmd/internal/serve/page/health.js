// How things stand with a ring or a subscriber: a word, a sign beside the colour, and how bad it is.

const rank = { bad: 3, warn: 2, good: 1, idle: 0 };

const signs = { bad: '✕', warn: '▲', good: '●', idle: '○' };

const publishers = { live: 'good', hung: 'bad', dead: 'bad', closed: 'idle', superseded: 'idle' };

const subscribers = { reading: 'good', stuck: 'warn', dead: 'bad', closed: 'idle', new: 'idle', broken: 'bad' };

// health returns {word, mark, text, rank}: text is sign and word, mark the class of its colour,
// and what is worse has the higher rank.
function health(word, mark) {
  return { word, mark, text: `${signs[mark]} ${word}`, rank: rank[mark] };
}

export function ofRing(ring) {
  if (ring.absent) return health('absent', 'warn');
  if (ring.error) return health('broken', 'bad');
  return health(ring.publisher, publishers[ring.publisher] ?? 'warn');
}

// known says whether anything could be told of a ring or a subscriber: if not, its figures are 0.
export const known = { ring: (ring) => ring.publisher !== '', subscriber: (sub) => sub.state !== 'broken' };

export function ofSubscriber(sub) {
  const also = [];
  if (sub.lost_rate > 0) also.push('losing');
  if (sub.gate === 'demoted' || sub.gate === 'dropped') also.push(sub.gate);
  const mark = subscribers[sub.state] ?? 'warn';
  if (also.length === 0) return health(sub.state, mark);
  if (sub.state !== 'reading') also.unshift(sub.state); // it goes without saying
  return health(also.join(', '), mark === 'good' ? 'warn' : mark);
}

// lost is the class of a number of lost messages.
export const lost = (sub) => (sub.lost_rate > 0 ? 'bad' : sub.lost > 0 ? 'warn' : 'faint');

// sums says how many of the subscribers are in which trouble, in words.
export function sums(subs) {
  const parts = [];
  const say = (word, is) => {
    const n = subs.filter(is).length;
    if (n > 0) parts.push(`${n} ${word}`);
  };
  say('stuck', (s) => s.state === 'stuck');
  say('dead', (s) => s.state === 'dead');
  say('broken', (s) => s.state === 'broken');
  say('losing messages', (s) => s.lost_rate > 0);
  say('with losses', (s) => s.lost > 0 && !(s.lost_rate > 0));
  return parts.join(', ');
}
