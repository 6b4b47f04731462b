package ring

import (
	"time"

	"github.com/tickring/tickring/affinity"
)

// SpikeKind is what took too long.
type SpikeKind uint8

const (
	SpikeRead  SpikeKind = 1 // a subscriber: from publish to read
	SpikeClaim SpikeKind = 2 // a publisher: from Claim to Commit
	SpikeHeld  SpikeKind = 3 // a publisher: a gate held it, from the first refusal to the message that went through
	SpikePace  SpikeKind = 4 // a publisher: later than it meant to be; see Publisher.RecordLate
)

// Spike is a latency of at least a threshold, and what happened meanwhile. Messages in a row
// that are late are one spike.
type Spike struct {
	Number   uint64        `json:"number"` // they count from 1 since the file's owner opened it
	Kind     SpikeKind     `json:"kind"`
	Time     time.Time     `json:"time"`       // of its first message, when the latency was noticed
	Seq      uint64        `json:"seq"`        // its first message
	Messages uint64        `json:"messages"`   // late ones in a row, the first included
	Latency  time.Duration `json:"latency_ns"` // the largest of them
	Behind   uint64        `json:"behind"`     // messages published and not read at Time; see BehindMore
	// BehindMore: there were more than Behind, which is where counting ended.
	BehindMore bool `json:"behind_more"`
	TID        int  `json:"tid"` // the thread that was late
	CPU        int  `json:"cpu"` // that it was on when it noticed, -1 unknown

	// Explained is false while nobody has looked what happened: for some 10 ms, or for
	// ever if the process died before.
	Explained bool              `json:"explained"`
	Cause     affinity.Cause    `json:"cause"`
	Why       string            `json:"why"` // one sentence
	Happened  affinity.Activity `json:"happened"`
}

// SpikeLog is the spikes that a subscriber's or a publisher's file tells of.
type SpikeLog struct {
	Threshold time.Duration `json:"threshold_ns"` // 0: spikes are not recorded
	Spikes    uint64        `json:"spikes"`       // since the owner opened the file
	Messages  uint64        `json:"messages"`     // late ones; of a publisher: how often it was late
	List      []Spike       `json:"list"`         // the newest, in order; at most MaxSpikes
}

// MaxSpikes is how many spikes a file keeps.
const MaxSpikes = 127
