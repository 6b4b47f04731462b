//! Round trips.

use crate::clock::{cost, nanos_per_tick, ticks};
use crate::place::{WARM_UP, seconds};
use hdrhistogram::Histogram;
use std::fmt::Write;

/// The distribution of round trips, of three digits.
pub struct Trips {
    hist: Histogram<u64>,
    scale: f64, // nanoseconds in a tick
    clock: f64, // what a reading costs
}

impl Trips {
    pub(crate) fn new() -> Self {
        let scale = nanos_per_tick();
        let hist = Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("bounds are in order");
        Trips {
            hist,
            scale,
            clock: cost(scale),
        }
    }

    /// Makes round trips, one after the other, until the time is up. The clock is read before
    /// and after each; what a histogram record costs lies outside.
    pub fn measure(&mut self, mut trip: impl FnMut()) {
        for time in [WARM_UP, seconds()] {
            self.hist.reset();
            let ends = ticks() + (time.as_nanos() as f64 / self.scale) as u64;
            loop {
                let start = ticks();
                trip();
                let end = ticks();
                self.hist
                    .saturating_record(((end - start) as f64 * self.scale) as u64);
                if end >= ends {
                    break;
                }
            }
        }
    }

    pub(crate) fn json(&self) -> String {
        let (h, at) = (&self.hist, |q| self.hist.value_at_quantile(q));
        let mut text = format!(
            r#""samples":{},"p50_ns":{},"p90_ns":{},"p99_ns":{},"p999_ns":{},"p9999_ns":{},"max_ns":{},"clock_ns":{:.1},"curve":["#,
            h.len(),
            at(0.5),
            at(0.9),
            at(0.99),
            at(0.999),
            at(0.9999),
            h.max(),
            self.clock
        );
        // Points at 100(1-10^-x) as long as at least one sample lies beyond.
        for i in 0.. {
            let beyond = 10f64.powf(-f64::from(i) / 10.0);
            if beyond * (h.len() as f64) < 1.0 {
                break;
            }
            let _ = write!(text, "[{},{}],", 100.0 * (1.0 - beyond), at(1.0 - beyond));
        }
        let _ = write!(text, "[100,{}]]", h.max());
        text
    }
}
