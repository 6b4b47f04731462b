package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tickring/tickring/affinity"
	"github.com/tickring/tickring/internal/text"
)

// seat is where a process of a demonstration runs, and what it does while there is nothing
// to read.
type seat struct {
	CPU  int    `json:"cpu"` // -1: not pinned
	Idle string `json:"idle,omitempty"`
}

// placement says where the processes run.
type placement struct {
	publisher, gateway, exchange seat
	strategies                   [len(demoKinds)]seat
	text                         string
}

// seatings say which of so many CPUs each process gets: publisher, gateway, exchange, and
// the strategies. Those that share one are best the ones that wait for each other.
var seatings = [][3 + len(demoKinds)]int{
	{0, 1, 2, 3, 4},
	{0, 1, 2, 3, 3},
	{0, 1, 1, 2, 2},
	{0, 1, 1, 1, 1},
}

// placeDemo gives each process a core of its own if there are enough.
func placeDemo(noPin bool) placement {
	const sleeps = "they sleep when there is nothing to read"
	if noPin {
		return floating("not pinned; " + sleeps)
	}
	t, err := affinity.Read()
	if err != nil {
		return floating("not pinned: " + text.OneLine(err))
	}
	for _, seating := range seatings {
		n := slices.Max(seating[:]) + 1
		for _, policy := range []affinity.Policy{{}, {AnyL3: true}, {SMT: true}, {SMT: true, AnyL3: true}} {
			if cpus, err := t.Pick(n, policy); err == nil {
				return seated(seating, cpus)
			}
		}
	}
	return floating("not pinned, there is one CPU only; " + sleeps)
}

// floating leaves the processes to the system.
func floating(text string) placement {
	s := seat{noCPU, "backoff"}
	p := placement{publisher: seat{CPU: noCPU}, gateway: s, exchange: s, text: text}
	for i := range p.strategies {
		p.strategies[i] = s
	}
	return p
}

// seated gives the processes these CPUs. Who has one alone spins.
func seated(seating [3 + len(demoKinds)]int, cpus []int) placement {
	names := append([]string{"publisher", "gateway", "exchange"}, demoKinds[:]...)
	at := make([][]string, len(cpus))
	for i, n := range seating {
		at[n] = append(at[n], names[i])
	}
	of := func(i int) seat {
		s := seat{cpus[seating[i]], "spin"}
		if len(at[seating[i]]) > 1 {
			s.Idle = "yield"
		}
		return s
	}
	p := placement{publisher: seat{CPU: cpus[seating[0]]}, gateway: of(1), exchange: of(2)}
	for i := range p.strategies {
		p.strategies[i] = of(3 + i)
	}
	var parts []string
	for n, names := range at {
		parts = append(parts, fmt.Sprintf("%s on CPU %d", listText(names), cpus[n]))
	}
	p.text = strings.Join(parts, "; ")
	if len(cpus) < len(names) {
		p.text += ", which they yield to each other, because there are no five cores"
	}
	return p
}

// listText is names as a sentence has them.
func listText(names []string) string {
	if n := len(names) - 1; n > 0 {
		return strings.Join(names[:n], ", ") + " and " + names[n]
	}
	return names[0]
}
