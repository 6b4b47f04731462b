//! Measures iceoryx2: publish and subscribe with samples in shared memory, between two processes;
//! a subscriber polls.
//!
//! Round trip: a service each way. Throughput: one service whose publisher waits while the
//! subscriber's buffer is full. A sample is loaned, written where it lies, and sent; the receiver
//! copies it out. Nobody uses an event: waiting is spinning.

use harness::{ENDED, Message, PHASE, Peer, Result, Source, Stream, Trips};
use iceoryx2::port::publisher::Publisher;
use iceoryx2::port::subscriber::Subscriber;
use iceoryx2::prelude::*;
use std::hint::spin_loop;

/// How many samples wait for a subscriber.
const BUFFER: usize = 1024;

fn main() {
    set_log_level(LogLevel::Error);
    Peer {
        name: "iceoryx2",
        krate: "iceoryx2",
        lock: include_str!("../../Cargo.lock"),
        differences: "Two processes, shared memory; a sample is written where it lies and its address is queued, and goes back to the publisher's pool after use; a full buffer holds the publisher up.",
        round_trips,
        echo,
        receive,
        send,
    }
    .main()
}

type Service = ipc::Service;
type Out = Publisher<Service, Message, ()>;
type In = Subscriber<Service, Message, ()>;

/// A process's node and its ports for each way it uses.
struct Ports {
    node: Node<Service>,
    name: String,
}

impl Ports {
    fn new(name: &str) -> std::result::Result<Self, Box<dyn std::error::Error>> {
        Ok(Ports {
            node: NodeBuilder::new().create::<Service>()?,
            name: name.into(),
        })
    }

    fn service(
        &self,
        way: &str,
    ) -> std::result::Result<
        iceoryx2::service::port_factory::publish_subscribe::PortFactory<Service, Message, ()>,
        Box<dyn std::error::Error>,
    > {
        Ok(self
            .node
            .service_builder(&format!("{}/{way}", self.name).as_str().try_into()?)
            .publish_subscribe::<Message>()
            .enable_safe_overflow(false)
            .subscriber_max_buffer_size(BUFFER)
            .history_size(0)
            .max_publishers(1)
            .max_subscribers(1)
            .open_or_create()?)
    }

    /// A publisher that somebody has subscribed to.
    fn publisher(&self, way: &str) -> std::result::Result<Out, Box<dyn std::error::Error>> {
        let service = self.service(way)?;
        let publisher = service
            .publisher_builder()
            .backpressure_strategy(BackpressureStrategy::RetryUntilDelivered)
            .create()?;
        while service.dynamic_config().number_of_subscribers() == 0 {
            spin_loop();
        }
        Ok(publisher)
    }

    fn subscriber(&self, way: &str) -> std::result::Result<In, Box<dyn std::error::Error>> {
        Ok(self.service(way)?.subscriber_builder().create()?)
    }
}

#[inline(always)]
fn put(out: &Out, message: Message) {
    let sample = out
        .loan_uninit()
        .expect("the pool has enough for every buffer");
    sample
        .write_payload(message)
        .send()
        .expect("there is a subscriber");
}

#[inline(always)]
fn next(from: &In) -> Message {
    loop {
        match from.receive().expect("the connection holds") {
            Some(sample) => return *sample,
            None => spin_loop(),
        }
    }
}

fn round_trips(name: &str, trips: &mut Trips) -> Result {
    let ports = Ports::new(name)?;
    let back = ports.subscriber("back")?;
    let there = ports.publisher("there")?;
    let mut message = Message::default();
    trips.measure(|| {
        put(&there, message);
        message = next(&back);
    });
    message[PHASE] = ENDED;
    put(&there, message);
    next(&back);
    Ok(())
}

fn echo(name: &str) -> Result {
    let ports = Ports::new(name)?;
    let there = ports.subscriber("there")?;
    let back = ports.publisher("back")?;
    loop {
        let message = next(&there);
        put(&back, message);
        if message[PHASE] == ENDED {
            return Ok(());
        }
    }
}

fn receive(name: &str, stream: &mut Stream) -> Result {
    let from = Ports::new(name)?.subscriber("stream")?;
    while stream.take(&next(&from)) {}
    Ok(())
}

fn send(name: &str) -> Result {
    let out = Ports::new(name)?.publisher("stream")?;
    for message in Source::default() {
        put(&out, message);
    }
    Ok(())
}
