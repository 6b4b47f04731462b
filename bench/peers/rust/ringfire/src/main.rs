//! Measures ringfire: rings in shared memory between two processes, each slot a cache line with
//! its sequence number; readers spin.
//!
//! Round trip: two rings, with the flow control that ringfire has by default (none: one message
//! is in flight). Throughput: one ring with LosslessBackpressure, for which the reader makes its
//! cursor known with each message; the writer tries again as long as the ring is full.

use harness::{ENDED, Message, PHASE, Peer, Result, Source, Stream, Trips};
use ringfire::{FlowControl, RingConsumer, RingConsumerBuilder, RingProducer, RingProducerBuilder};
use std::hint::spin_loop;
use std::time::Duration;

/// Of the rings for round trips and for the stream, in messages.
const SMALL: u64 = 4096;
const LARGE: u64 = 1 << 14;

fn main() {
    Peer {
        name: "ringfire",
        krate: "ringfire",
        lock: include_str!("../../Cargo.lock"),
        differences: "Two processes, shared memory, a copy in and a copy out as in tickring; the stream with LosslessBackpressure: a full ring holds the writer up.",
        round_trips,
        echo,
        receive,
        send,
    }
    .main()
}

fn path(name: &str, way: &str) -> String {
    format!("/dev/shm/{name}-{way}")
}

/// Attaches to a ring that the other process is about to make.
fn attach(path: &str) -> RingConsumer<Message> {
    loop {
        let builder = RingConsumerBuilder::<Message>::new().start_from_oldest();
        match builder.attach(path) {
            Ok(ring) => return ring,
            Err(_) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
}

#[inline(always)]
fn next(ring: &mut RingConsumer<Message>) -> Message {
    loop {
        match ring.try_recv() {
            Some(message) => return message,
            None => spin_loop(),
        }
    }
}

fn round_trips(name: &str, trips: &mut Trips) -> Result {
    let mut there = RingProducer::<Message>::create(path(name, "there"), SMALL)?;
    let mut back = attach(&path(name, "back"));
    let mut message = Message::default();
    trips.measure(|| {
        there.push(&message);
        message = next(&mut back);
    });
    message[PHASE] = ENDED;
    there.push(&message);
    next(&mut back);
    Ok(())
}

fn echo(name: &str) -> Result {
    let mut back = RingProducer::<Message>::create(path(name, "back"), SMALL)?;
    let mut there = attach(&path(name, "there"));
    loop {
        let message = next(&mut there);
        back.push(&message);
        if message[PHASE] == ENDED {
            return Ok(());
        }
    }
}

fn receive(name: &str, stream: &mut Stream) -> Result {
    let mut ring = attach(&path(name, "stream"));
    while stream.take(&next(&mut ring)) {}
    Ok(())
}

fn send(name: &str) -> Result {
    let mut ring: RingProducer<Message> = RingProducerBuilder::new(LARGE)
        .flow_control(FlowControl::LosslessBackpressure)
        .build(path(name, "stream"))?;
    for message in Source::default() {
        while ring.try_push(&message).is_err() {
            spin_loop();
        }
    }
    Ok(())
}
