//! A stream from one to one: its source, and what the receiver counts.

use crate::Message;
use crate::place::{WARM_UP, seconds};
use std::time::Instant;

const SEQ: usize = 0;
/// The word that has the phase.
pub const PHASE: usize = 1;

const WARMING: u64 = 0;
const MEASURING: u64 = 1;
/// The phase of the last message.
pub const ENDED: u64 = 2;
const OVER: u64 = 3;

/// Makes the messages: some that are not measured, those that are, and one that says it is over.
#[derive(Default)]
pub struct Source {
    seq: u64,
    phase: u64,
    ends: Option<Instant>,
}

impl Source {
    // Looks at the clock, which is too slow for every message.
    #[cold]
    fn look(&mut self) {
        let now = Instant::now();
        match self.ends {
            None => self.ends = Some(now + WARM_UP),
            Some(ends) if now < ends => {}
            Some(_) if self.phase == WARMING => {
                self.phase = MEASURING;
                self.ends = Some(now + seconds());
            }
            Some(_) => self.phase = ENDED,
        }
    }
}

impl Iterator for Source {
    type Item = Message;

    #[inline(always)]
    fn next(&mut self) -> Option<Message> {
        if self.phase >= ENDED {
            if self.phase == OVER {
                return None;
            }
        } else if self.seq & 1023 == 0 {
            self.look();
        }
        let mut message = [self.seq; 7];
        message[PHASE] = self.phase;
        self.seq += 1;
        if self.phase == ENDED {
            self.phase = OVER;
        }
        Some(message)
    }
}

/// What the receiver got.
#[derive(Default)]
pub struct Stream {
    last: Message,
    delivered: u64,
    expected: u64,
    lost: u64,
    began: Option<Instant>,
    seconds: f64,
}

impl Stream {
    /// Copies one message and counts it; false for the one that ends the stream.
    #[inline(always)]
    pub fn take(&mut self, message: &Message) -> bool {
        self.last = *std::hint::black_box(message);
        let (seq, phase) = (self.last[SEQ], self.last[PHASE]);
        if phase == WARMING {
            return true;
        }
        if self.began.is_none() {
            self.began = Some(Instant::now());
            self.expected = seq;
        }
        self.lost += seq - self.expected;
        self.expected = seq + 1;
        if phase == MEASURING {
            self.delivered += 1;
            return true;
        }
        self.seconds = self.began.map_or(0.0, |b| b.elapsed().as_secs_f64());
        false
    }

    pub(crate) fn json(&self) -> String {
        format!(
            r#""msgs_per_s":{},"delivered":{},"lost":{}"#,
            self.delivered as f64 / self.seconds,
            self.delivered,
            self.lost
        )
    }
}
