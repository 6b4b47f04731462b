//! The time-stamp counter, measured against the clock.

use std::time::{Duration, Instant};

/// Reads the counter, once everything before it has been done.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub fn ticks() -> u64 {
    use std::arch::x86_64::{_mm_lfence, _rdtsc};
    // SAFETY: every x86-64 has both.
    unsafe {
        _mm_lfence();
        _rdtsc()
    }
}

/// Reads the monotonic clock, in nanoseconds.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
pub fn ticks() -> u64 {
    use std::sync::LazyLock;
    static ZERO: LazyLock<Instant> = LazyLock::new(Instant::now);
    ZERO.elapsed().as_nanos() as u64
}

/// How many nanoseconds a tick has, measured for a twentieth of a second.
pub fn nanos_per_tick() -> f64 {
    let (began, first) = (Instant::now(), ticks());
    while began.elapsed() < Duration::from_millis(50) {}
    began.elapsed().as_nanos() as f64 / (ticks() - first) as f64
}

/// What a reading takes, in nanoseconds: the median of many groups.
pub fn cost(scale: f64) -> f64 {
    const GROUP: usize = 100;
    let mut costs: Vec<u64> = (0..1001)
        .map(|_| {
            let first = ticks();
            for _ in 1..GROUP {
                std::hint::black_box(ticks());
            }
            ticks() - first
        })
        .collect();
    costs.sort_unstable();
    costs[costs.len() / 2] as f64 * scale / GROUP as f64
}
