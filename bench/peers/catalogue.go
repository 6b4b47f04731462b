package main

import "path/filepath"

// A peer is a transport with the way to build and to run its program. Directories are relative
// to bench/peers.
type peer struct {
	name  string
	needs []need
	dir   string   // where it is built
	build []string // command
	run   []string // command; rtt or throughput is added
}

// A need is what a peer cannot be built without.
type need struct {
	command []string // one that succeeds where the need is met
	what    string   // to install, for people
}

func tool(name, what string) need { return need{[]string{name, "--version"}, what} }

// catalogue has every peer, in the order in which they are built and run.
func catalogue() []peer {
	return []peer{
		inGo("go-disruptor", "disruptor"),
		inGo("shmipc-go", "shmipc"),
		inGo("grpc", "grpc"),
		inGo("nats", "nats"),
	}
}

func inGo(name, dir string) peer {
	bin := filepath.Join("bin", dir)
	return peer{
		name:  name,
		build: []string{"go", "build", "-o", bin, "./go/" + dir},
		run:   []string{bin},
	}
}
