//! What the Rust peers have in common: which core, how long, what a message looks like, and how
//! round trips and streams are measured.
//!
//! A program is started as `prog rtt` or `prog throughput`. That process measures: it sends and
//! waits for the echo, or it receives the stream; it runs on the first core of PEERS_CPUS. It
//! starts itself again as the other end, `prog echo NAME` or `prog send NAME`, on the second
//! core. An ended message ends that process, so that it can remove what it has made.

mod clock;
mod place;
mod stream;
mod trips;

pub use stream::{ENDED, PHASE, Source, Stream};
pub use trips::Trips;

use std::process::{Child, exit};

/// Seven words, all written and all copied out by the receiver.
pub type Message = [u64; 7];

/// One transport. `name` below is one that no other run has.
pub struct Peer {
    pub name: &'static str,
    pub krate: &'static str,
    pub lock: &'static str, // the text of Cargo.lock, where its version is
    pub differences: &'static str,
    pub round_trips: fn(name: &str, &mut Trips) -> Result,
    pub echo: fn(name: &str) -> Result,
    pub receive: fn(name: &str, &mut Stream) -> Result,
    pub send: fn(name: &str) -> Result,
}

pub type Result = std::result::Result<(), Box<dyn std::error::Error>>;

impl Peer {
    /// Runs the program.
    pub fn main(&self) {
        if let Err(e) = self.run() {
            eprintln!("{}: {e}", self.name);
            exit(1);
        }
    }

    fn run(&self) -> Result {
        let args: Vec<String> = std::env::args().skip(1).collect();
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let name = format!("peers-{}-{}", self.name, std::process::id());
        match args[..] {
            ["echo", name] => {
                place::pin(place::cpus().1)?;
                (self.echo)(name)
            }
            ["send", name] => {
                place::pin(place::cpus().1)?;
                (self.send)(name)
            }
            ["rtt"] => {
                place::pin(place::cpus().0)?;
                let mut trips = Trips::new();
                let other = place::start("echo", &name)?;
                (self.round_trips)(&name, &mut trips)?;
                finish(other)?;
                self.print("rtt", &trips.json());
                Ok(())
            }
            ["throughput"] => {
                place::pin(place::cpus().0)?;
                let mut stream = Stream::default();
                let other = place::start("send", &name)?;
                (self.receive)(&name, &mut stream)?;
                finish(other)?;
                self.print("throughput", &stream.json());
                Ok(())
            }
            _ => Err("usage: rtt|throughput".into()),
        }
    }

    fn print(&self, kind: &str, figures: &str) {
        println!(
            r#"{{"peer":"{}","version":"{}","language":"Rust","kind":"{kind}","processes":2,"payload_bytes":{},"differences":"{}",{figures}}}"#,
            self.name,
            version(self.lock, self.krate),
            size_of::<Message>(),
            self.differences,
        );
    }
}

fn finish(mut other: Child) -> Result {
    match other.wait()?.success() {
        true => Ok(()),
        false => Err("the other process failed".into()),
    }
}

/// The version of a crate according to Cargo.lock.
fn version<'a>(lock: &'a str, krate: &str) -> &'a str {
    let entry = format!("name = \"{krate}\"\nversion = \"");
    lock.split_once(&entry)
        .and_then(|(_, rest)| rest.split_once('"'))
        .map_or("unknown", |(version, _)| version)
}
