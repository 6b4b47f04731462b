//! Where and for how long: cores, scheduling, the other process.

use std::io::{Error, Result};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::time::Duration;

/// PEERS_CPUS, by default 0,1.
pub fn cpus() -> (usize, usize) {
    let text = std::env::var("PEERS_CPUS").unwrap_or_default();
    text.split_once(',')
        .and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)))
        .unwrap_or((0, 1))
}

/// How long is measured: PEERS_SECONDS, by default 3.
pub fn seconds() -> Duration {
    let text = std::env::var("PEERS_SECONDS").unwrap_or_default();
    Duration::from_secs_f64(text.parse().unwrap_or(3.0))
}

/// What is not measured, at the start.
pub const WARM_UP: Duration = Duration::from_secs(1);

/// Puts this process on a core, and under SCHED_FIFO at the priority PEERS_FIFO if there is one.
pub fn pin(cpu: usize) -> Result<()> {
    // SAFETY: plain system calls on values of this frame.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(cpu, &mut set);
        if libc::sched_setaffinity(0, size_of_val(&set), &set) != 0 {
            return Err(Error::last_os_error());
        }
        let priority = std::env::var("PEERS_FIFO").unwrap_or_default();
        if let Ok(sched_priority @ 1..) = priority.parse() {
            let param = libc::sched_param { sched_priority };
            if libc::sched_setscheduler(0, libc::SCHED_FIFO, &param) != 0 {
                return Err(Error::last_os_error());
            }
        }
    }
    Ok(())
}

/// Starts this program again as the other end. It dies with this process.
pub fn start(end: &str, name: &str) -> Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args([end, name]);
    // SAFETY: prctl may be called between fork and exec.
    unsafe {
        command.pre_exec(
            || match libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) {
                0 => Ok(()),
                _ => Err(Error::last_os_error()),
            },
        );
    }
    command.spawn()
}
