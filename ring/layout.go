package ring

import (
	"hash/crc32"
	"unsafe"
)

// This file is the layout of everything that is shared. docs/layout.md shows the
// same as tables, and a test holds the two together. All words are little-endian
// and on their natural boundary. Unnamed bytes are 0 and reserved.

// layoutVersion is raised by every change to this file that is not an addition in
// reserved bytes.
const layoutVersion = 3

const (
	ringMagic = 0x474e4952_4b434954 // "TICKRING"
	subMagic  = 0x42555352_4b434954 // "TICKRSUB"
	pubMagic  = 0x42555052_4b434954 // "TICKRPUB"
)

const (
	lineSize    = 64      // frames begin on lines
	headerBytes = 8       // of a frame
	tableOffset = 0x1000  // of the block table in the file
	dataOffset  = 0x2000  // of the frames in the file
	minBlocks   = 64      // blocks a ring is cut into, at least
	maxBlocks   = 256     // and at most: the table is one page
	minBlock    = 1 << 12 // bytes
	minCapacity = minBlocks * minBlock
	maxCapacity = 1 << 40
)

// MaxMessage is the largest message that any ring carries: 64 KiB less the
// header. A ring's own limit is smaller if its blocks are.
const MaxMessage = 1<<16 - headerBytes

// header is the first page of a ring's file. The publisher writes it, all others
// map it read-only.
type header struct {
	// Written before the file has its name, then constant. Read once, on attach;
	// nobody looks here again.
	magic      uint64
	version    uint32
	checksum   uint32 // CRC-32C of the bytes from capacity to claimed
	capacity   uint64 // bytes of frames, a power of two
	block      uint64 // bytes of a block, a power of two
	maxMessage uint32 // bytes
	stamps     uint32 // Stamps
	clockKind  uint32 // tick.Kind: what stamps count
	_          uint32
	ringID     uint64   // random; a new file that goes on with the sequence keeps it
	created    uint64   // UNIX ns
	bootID     [16]byte // of the host, when the file was made
	schemaHash uint64
	firstSeq   uint64 // sequence number of the file's first message
	schema     [32]byte
	source     [64]byte
	fileID     uint64 // random; another file, another one: positions mean nothing elsewhere
	_          [56]byte

	// Up to where the publisher may have overwritten; see protocol.go. It changes
	// once a block and is read with every message.
	claimed uint64
	_       [120]byte

	// The publisher's life. state changes after the last commit.
	state     uint64 // stateLive, ...
	epoch     uint64 // how many publishers the ring has had
	pid       uint64 // for people; nothing is decided by it
	opened    uint64 // UNIX ns, by this publisher
	beatEvery uint64 // ns between two heartbeats; 0: none are promised
	refused   uint64 // times a gate held the publisher
	_         [80]byte

	// Renewed with every heartbeat. clockSeq is odd while the four words after it
	// change, which are the same moment on three clocks and the length of a tick.
	beat       uint64 // CLOCK_MONOTONIC ns
	clockSeq   uint64
	clockTicks uint64
	clockMono  uint64 // ns
	clockUTC   uint64 // UNIX ns
	clockScale uint64 // tick.Scale
	_          [80]byte

	// A sleeping subscriber waits on wake (futex). The wakers of the ring add to it,
	// and so does a publisher when the state changes; see wake.go. The second word is
	// reserved.
	wake [2]uint32
	_    [120]byte

	// Number of the message that begins the last snapshot; 0: there was none. Stored
	// after that message was committed.
	mark uint64
	_    [248]byte

	// The named subscribers that the publisher waits for.
	gates [maxGates]gateSlot
}

// maxGates is how many gates a ring can have: the header is one page.
const maxGates = 32

// gateSlot names a gate. state is 0 while the rest changes.
type gateSlot struct {
	name    [64]byte
	state   uint64 // gateFree, ...; in the high half the user who may open it, 0: the publisher's
	fromSeq uint64 // what was published before this message may be lost to the gate
	fromPos uint64 // position of the same
	policy  uint64 // ns that it may hold the publisher, 0: for ever; and gateDropDead
}

const (
	gateFree    = 0
	gateHolding = 1 // the publisher waits for it
	gateDemoted = 2 // it held the publisher for too long
	gateDropped = 3 // it held the publisher and had no owner

	gateDropDead = 1 << 63 // in policy: held for only while it has an owner
)

const (
	stateLive       = 1
	stateClosed     = 2
	stateSuperseded = 3

	stateOffset = unsafe.Offsetof(header{}.state)
)

// entry is one element of the block table: what a block began with. The publisher
// writes it before it claims the block.
type entry struct {
	seq   uint64 // number of the block's first message
	stamp uint64 // full time of entering; the block's stamps count from here
}

// A frame begins with one word, 0 while it is not committed:
//
//	bits 0-15   size: length of the payload + 1; or sizePad, sizeTime
//	bits 16-31  type, the publisher's own
//	bits 32-63  stamp, the low half of the publish time; 0 on a ring without stamps
//
// The payload follows, and then nothing up to the next line. A pad fills its block
// to the end. A time frame carries a full stamp from which the later stamps of its
// block count, and has no sequence number.
const (
	sizePad  = 0xFFFF
	sizeTime = 0xFFFE
)

func frameWord(n uint64, typ uint16) uint64 { return n + 1 | uint64(typ)<<16 }

// frameSize is how many bytes a message of n bytes takes in the ring.
func frameSize(n uint64) uint64 { return (n + headerBytes + lineSize - 1) &^ (lineSize - 1) }

// subFile is the file of a named subscriber: it writes, others read. The publisher
// believes nothing in it but "no further than this".
//
// The publisher's own file, which it has if it records spikes, is the same with another
// magic number. It has no cursor; its latencies are how late it was ([Publisher.RecordLate]).
type subFile struct {
	// Written before the file has its name, then constant.
	magic      uint64
	version    uint32
	checksum   uint32 // CRC-32C of the bytes from ringID to cursorSeq
	ringID     uint64
	created    uint64 // UNIX ns
	histLow    uint64 // ns; the histogram's geometry as hdrhistogram has it
	histHigh   uint64 // ns
	histDigits uint32
	histLen    uint32 // number of counts
	name       [64]byte
	_          [136]byte

	// The first message that the subscriber is not done with. cursorSeq is stored
	// before cursorPos, so after a crash between the two the position says less
	// than the number, never more.
	cursorSeq  uint64
	cursorPos  uint64
	cursorFile uint64 // header.fileID of the file that cursorPos is a position in
	_          [104]byte

	// Since the subscriber opened the file.
	messages uint64 // delivered
	bytes    uint64 // of payload
	overruns uint64 // times the subscriber was lapped
	lost     uint64 // messages
	negative uint64 // latencies below 0: read before it was published, says the clock
	tooLong  uint64 // latencies above histHigh; they count in the last bucket too
	maxNs    uint64 // largest latency
	sleeps   uint64 // times the subscriber slept until it was woken
	_        [64]byte

	state  uint64 // stateLive, stateClosed
	pid    uint64 // for people; nothing is decided by it
	opened uint64 // UNIX ns
	wait   uint64 // how it waited last: waitSpin, ...; stored when a wait begins and it differs
	_      [3552]byte

	// Latencies from publish to read, in the buckets of hdrhistogram.
	counts [histLen]uint64

	// Latencies of at least a threshold, and what happened meanwhile; see spikelist.go.
	spikes spikeList
}

const (
	waitUnknown = 0 // it has not waited yet, or polls in a loop of its own
	waitSpin    = 1
	waitYield   = 2
	waitBackoff = 3
	waitSleeper = 4
	waitOther   = 5
)

// spikeList is the newest spikes of a file. The thread that was late writes the head and
// the first line of each record, the recorder the rest of it: each word has one writer.
type spikeList struct {
	// Since the owner opened the file.
	threshold uint64 // ns; 0: spikes are not recorded
	begun     uint64 // spikes; the newest has this number
	late      uint64 // messages in them
	_         [232]byte

	// Spike number n is the record at (n-1) mod MaxSpikes.
	records [MaxSpikes]spikeRecord
}

// spikeRecord is one spike. number and looked are 0 while the words up to the next of
// them change, and stored last. looked is the number of the spike that the second half is
// about: if that is another one, nobody has looked yet.
type spikeRecord struct {
	number   uint64
	time     uint64 // UNIX ns, when it was noticed
	began    uint64 // CLOCK_MONOTONIC ns, when that began which took too long
	seq      uint64 // its first message
	messages uint64 // grows while the next messages are late too
	latency  uint64 // ns, the largest; grows as well
	behind   uint64 // messages published and not read; and spikeMore
	who      uint64 // bits 0-31 thread id, 32-47 CPU + 1 or 0 unknown, 48-55 SpikeKind

	looked      uint64
	took        uint64 // ns: what latency was
	verdict     uint64 // bits 0-7 affinity.Cause; and spikeOther
	covers      uint64 // ns, from the look before it began to the look after it
	cpu         uint64 // that the thread was on at that look, + 1; 0 unknown
	known       uint64 // affinity.Counts
	onCPU       uint64 // ns, as all times that follow; see affinity.Activity
	runDelay    uint64
	voluntary   uint64
	involuntary uint64
	minorFaults uint64
	majorFaults uint64
	interrupts  uint64
	timer       uint64
	softirqs    uint64
	steal       uint64
	khz         uint64
	khzBefore   uint64
	throttles   uint64
	throttled   uint64
	gcs         uint64
	stops       uint64
	stopped     uint64
	stood       uint64
}

const (
	spikeMore  = 1 << 63 // in behind: there were more
	spikeOther = 1 << 8  // in verdict: the thread was not the one that was watched before
)

const subFileSize = int(unsafe.Sizeof(subFile{}))

// The offsets that other programs rely on. A wrong one does not compile.
const (
	_ = -(unsafe.Offsetof(header{}.claimed) ^ 0x100)
	_ = -(unsafe.Offsetof(header{}.state) ^ 0x180)
	_ = -(unsafe.Offsetof(header{}.beat) ^ 0x200)
	_ = -(unsafe.Offsetof(header{}.wake) ^ 0x280)
	_ = -(unsafe.Offsetof(header{}.mark) ^ 0x300)
	_ = -(unsafe.Offsetof(header{}.gates) ^ 0x400)
	_ = -(unsafe.Sizeof(header{}) ^ tableOffset)
	_ = -(unsafe.Sizeof(gateSlot{}) ^ 96)
	_ = -(unsafe.Sizeof(entry{}) ^ 16)
	_ = -(maxBlocks*unsafe.Sizeof(entry{}) ^ (dataOffset - tableOffset))
	_ = -(unsafe.Offsetof(subFile{}.cursorSeq) ^ 0x100)
	_ = -(unsafe.Offsetof(subFile{}.messages) ^ 0x180)
	_ = -(unsafe.Offsetof(subFile{}.state) ^ 0x200)
	_ = -(unsafe.Offsetof(subFile{}.wait) ^ 0x218)
	_ = -(unsafe.Offsetof(subFile{}.counts) ^ 0x1000)
	_ = -(unsafe.Offsetof(subFile{}.spikes) ^ 0x8000)
	_ = -(unsafe.Sizeof(subFile{}) ^ 0x10000)
	_ = -(unsafe.Offsetof(spikeList{}.records) ^ 0x100)
	_ = -(unsafe.Offsetof(spikeRecord{}.looked) ^ 0x40)
	_ = -(unsafe.Sizeof(spikeRecord{}) ^ 0x100)
)

func (h *header) sum() uint32 {
	return sumBytes(unsafe.Pointer(h), unsafe.Offsetof(h.capacity), unsafe.Offsetof(h.claimed))
}

func (f *subFile) sum() uint32 {
	return sumBytes(unsafe.Pointer(f), unsafe.Offsetof(f.ringID), unsafe.Offsetof(f.cursorSeq))
}

func sumBytes(p unsafe.Pointer, from, to uintptr) uint32 {
	return crc32.Checksum(unsafe.Slice((*byte)(unsafe.Add(p, from)), to-from), crc32.MakeTable(crc32.Castagnoli))
}
