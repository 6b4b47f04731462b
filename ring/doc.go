// Package ring carries messages from one process to many through shared memory.
//
// # Vocabulary
//
//   - A ring is a directory of files in memory: what a publisher writes, and a file
//     for every named subscriber. [DefaultDir] is where rings live.
//   - The publisher appends messages. A ring has one at a time.
//   - A subscriber reads them, each at its own pace. A named one has a file with its
//     cursor, its counters and a latency histogram; a pure reader has nothing.
//   - A message has a sequence number, counting from 1, a 16-bit type, which is its
//     publisher's business, and 0 to [MaxMessage] bytes.
//   - A frame is a message in the ring: an 8-byte header and the payload, in 64-byte
//     lines. 56 bytes of payload are one line.
//   - A block is a part of the ring that is claimed at once: 64 to 256 make a ring.
//   - A claim is room in the ring for a message that is made in place, and then committed
//     or given up. A batch is messages that become visible at once, or, independent of
//     that, messages that are read with one check.
//   - A view is a message that is read in the ring itself; it counts when it was found
//     valid after use.
//   - A typed publisher and subscriber carry structs of one fixed-size type as they lie in
//     memory; the layout hash tells versions of the type apart.
//   - A gate is a named subscriber that the publisher waits for. While one has not read
//     what would be overwritten, publishing is refused: back pressure.
//   - A mark is a message that begins a snapshot, for those who join late.
//   - A subscriber is lapped, or overrun, when the publisher has come around the ring
//     and is about to overwrite what it has not read. What it lost is a gap.
//   - A spike is a latency of at least a threshold that somebody wants to know of.
//
// # Guarantees
//
//   - The publisher waits for nobody but its gates, and for those as long as it allows
//     each ([Gate]). No subscriber can write to the ring: the kernel refuses it a writable
//     mapping.
//   - A gate loses nothing that was published since it became one, through the death of
//     any process, for as long as it is one; it is told when it is one no more.
//   - A subscriber gets messages whole, in order, once, or learns exactly which ones
//     it lost: delivered + lost = published, from where it joined.
//   - That holds through the death of the publisher at any instruction. The next
//     publisher goes on with the next sequence number; subscribers see a pause.
//   - Publish and Next make no system call, take no lock and do not allocate; but a
//     Publish that a gate holds asks for the gate's file now and then.
//   - A name of a subscriber has one owner; its cursor outlives it.
//
// # Not guaranteed
//
//   - That a slow subscriber that is no gate gets everything. It may be C - block - 64
//     bytes of frames behind in a ring of capacity C; who joins at the oldest message
//     finds up to a block less. Watch the lag: [Stat].
//   - That a message survives the host. Rings are memory.
//   - Secrecy among those who may open the directory.
//   - Anything, against a process that may write the ring's file and does so behind
//     the publisher's back. Subscribers notice much of that ([Corrupt]); they bound
//     every access by sizes that they checked when they attached, so they read rubbish
//     at worst. A file that is cut short under a mapping is a fault for whoever reads or
//     publishes: run the loop inside mmap.Guard, once a session, and it is an error. What
//     opens, closes, looks on ([Stat], [Watch]), changes gates or runs beside the loop
//     has a guard of its own.
//
// # Crashes
//
// A frame's header is stored last, and the header behind it was zeroed before. So the
// first header that is 0 ends what was committed, whatever store a publisher died at;
// its successor finds it from the newest block's start, and [Create] does so before it
// returns; a [Standby] waits for its moment, and [Fence] ends a publisher that is stopped
// or hung. Locks belong to open files, not to process ids: the kernel drops them with
// their owner. [Subscriber.Publisher] tells live, hung, dead and closed apart.
//
// # Memory ordering
//
// The writer's order is: table entry, claimed, (0 to the next header, payload), header; the
// 0 may have been stored by the call before.
// The reader's is: header, payload, claimed. Only after the last does it trust what it
// copied. All of it stands in protocol.go, both halves of each edge side by side;
// docs/memory-model.md argues why it is enough on amd64 and arm64. Copying payload that
// may be overwritten meanwhile is outside Go's memory model and confined to package
// internal/mem; its portable twin (build tag purego) is inside it, but for
// what Claim and View hand out.
//
// # Speed
//
// A message of up to 56 bytes is written and committed in one call of assembly, with a
// release store and no fence. Reading the clock for the stamp costs more than the rest:
// see [Config.Stamps]. Put the publisher and its subscribers on cores of their own that
// share an L3 cache (package affinity), poll with [Spin], and keep polling: a
// sleeping subscriber is lapped sooner, never blocked.
//
// # Waiting
//
// [Subscriber.NextWait] waits by a [WaitStrategy] until there is something or a context
// ends: [Spin], [Yield], [Backoff], or a [Sleeper], which sleeps until a [Waker] wakes it. A
// [Poller] does so for many rings. A publisher never wakes anybody, but when it begins or
// closes; so it pays nothing for those who sleep.
//
// # Looking on
//
// Who may read a ring may look at it while it is used, and after that: [Stat] once, a [Watch]
// again and again, and package ring/monitor at all rings of a directory, with rates and
// with latencies over the last second and minute. Nobody does more for it than without:
// counters, cursors and histograms are in shared memory anyhow, and who looks writes nothing.
//
// With [Options].Spikes a subscriber, and with [Config].Spikes a publisher, keeps in its
// file a list of what took that long. A goroutine beside it looks at its thread every
// 10 ms, and tells of each [Spike] what happened meanwhile and what most probably made it
// late (package affinity). What is faster costs nothing.
package ring
