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

var (
	compiler = tool("cc", "a C compiler")
	maven    = tool("mvn", "Maven")
	jdk      = tool("javac", "a JDK")
	cargo    = tool("cargo", "Rust and cargo")
)

// catalogue has every peer, in the order in which they are built and run.
func catalogue() []peer {
	return []peer{
		inC("zeromq", "zmq.h", "libzmq3-dev"),
		inC("nng", "nng/nng.h", "libnng-dev"),
		inC("nanomsg", "nanomsg/nn.h", "libnanomsg-dev"),
		inRust("iceoryx2"),
		inRust("ringfire"),
		inJava("aeron"),
		inJava("disruptor"),
		inJava("chronicle"),
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

func inC(name, header, pkg string) peer {
	return peer{
		name: name,
		needs: []need{compiler,
			{[]string{"sh", "-c", "echo '#include <" + header + ">' | cc -E -x c - >/dev/null"}, "Debian's " + pkg + " or its like"}},
		dir:   "c",
		build: []string{"make", "-s", "../bin/" + name},
		run:   []string{filepath.Join("bin", name)},
	}
}

func inRust(name string) peer {
	return peer{
		name:  name,
		needs: []need{cargo},
		dir:   "rust",
		build: []string{"cargo", "build", "--release", "--locked", "-j1", "-p", "peers-" + name},
		run:   []string{filepath.Join("rust/target/release", "peers-"+name)},
	}
}

func inJava(name string) peer {
	return peer{
		name:  name,
		needs: []need{jdk, maven},
		dir:   "java",
		build: []string{"mvn", "-B", "-q", "package", "-pl", name, "-am"},
		run:   []string{"java/run.sh", name},
	}
}
