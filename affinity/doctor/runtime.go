package doctor

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tickring/tickring/internal/procfs"
)

// runtimeRows are about what a Go program started like this one would run with.
func runtimeRows() []row {
	return []row{
		{
			name: "GOMAXPROCS", want: "2 or more",
			why:  "With one slot for goroutines, one that spins stops all others for 10 ms at a time.",
			mend: "GOMAXPROCS=N with a slot for each thread that spins and one for the rest, or runtime.GOMAXPROCS in the program",
			look: func(m *machine) finding {
				switch {
				case m.GOMAXPROCS <= 0:
					return unknown("cannot be told", "")
				case m.GOMAXPROCS == 1:
					return bad("1")
				}
				return good("%d", m.GOMAXPROCS)
			},
		},
		{
			name: "GOGC", want: "off, or 400 or more",
			why:  "While garbage is collected, threads of the collector take a quarter of the CPUs and stop the others for moments; tickring itself makes none.",
			mend: "GOGC=off with GOMEMLIMIT as the net, or affinity.Quiet in the program",
			look: withEnv(lookGOGC),
		},
		{
			name: "GOMEMLIMIT", want: "set, if GOGC is off",
			why:  "Without either, a program that does make garbage grows until it is killed.",
			mend: "GOMEMLIMIT=4GiB, or what the program may take",
			look: withEnv(lookGOMEMLIMIT),
		},
		{
			name: "GODEBUG", want: "nothing that traces",
			why:  "Traces of the runtime are written by the threads that do the work.",
			mend: "take gctrace, schedtrace, scheddetail and clobberfree out of GODEBUG",
			look: withEnv(lookGODEBUG),
		},
	}
}

// withEnv is for what the environment tells; env looks a variable up.
func withEnv(look func(env func(string) string) finding) func(*machine) finding {
	return func(m *machine) finding {
		if m.Env == nil {
			return unknown("the environment is unknown", "")
		}
		return look(m.Env)
	}
}

func lookGOMEMLIMIT(env func(string) string) finding {
	limit := env("GOMEMLIMIT")
	switch {
	case limit != "" && limit != "off":
		return good("%s", limit)
	case env("GOGC") == "off":
		return bad("not set, and GOGC is off")
	}
	return none("not set")
}

func lookGODEBUG(env func(string) string) finding {
	value := env("GODEBUG")
	if value == "" {
		return good("not set")
	}
	for setting := range strings.SplitSeq(value, ",") {
		key, v, _ := strings.Cut(setting, "=")
		switch key {
		case "gctrace", "schedtrace", "scheddetail", "clobberfree", "inittrace":
			if v != "0" {
				return bad("%s", value)
			}
		}
	}
	return good("%s", value)
}

func lookGOGC(env func(string) string) finding {
	value := env("GOGC")
	switch n, err := strconv.Atoi(value); {
	case value == "off":
		return good("off")
	case value == "":
		return warn("not set, which is 100")
	case err != nil:
		return unknown(fmt.Sprintf("%s, which Go takes for 100", procfs.Excerpt(value)), "echo $GOGC")
	case n < 0:
		return good("%d, which is off", n)
	case n < 400:
		return warn("%d", n)
	default:
		return good("%d", n)
	}
}
