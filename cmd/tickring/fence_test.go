package main

import (
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/tickring/tickring/ring"
)

func TestFence(t *testing.T) {
	h := newHost(t)
	h.run("fence", "feed").want(exitError).sentence("no such ring", `"feed"`)
	h.run("fence", "../feed").want(exitUsage)
	live, err := ring.Create("live", ring.Config{Dir: h.dir, Capacity: 1 << 20, Heartbeat: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer live.Close()
	h.run("fence", "live").want(exitError).sentence("it is live", fmt.Sprintf("process %d ", os.Getpid()))

	path, _, _ := h.mboFile("session.dbn", 5000)
	p := h.start("replay", path, "--ring", "feed", "--rate", "500")
	h.stat("feed", func(i ring.Info) bool { return i.Last >= 10 })

	p.signal(syscall.SIGSTOP)
	last := h.stat("feed", func(i ring.Info) bool { return i.Publisher == ring.Hung }).Last
	var r fenceReport
	h.run("fence", "feed", "--json").want(exitOK).json(&r)
	if len(r.Ended) != 1 || r.Ended[0].PID != p.cmd.Process.Pid || r.Publisher != "dead" {
		t.Errorf("%+v", r)
	}
	p.want(-1)
	h.run("fence", "feed", "--json").want(exitOK).json(&r)
	if len(r.Ended) != 0 {
		t.Errorf("a second time: %+v", r)
	}

	q := h.start("replay", path, "--ring", "feed", "--rate", "500")
	h.stat("feed", func(i ring.Info) bool { return i.Publisher == ring.Live && i.Last > last })
	h.run("fence", "feed", "--force").want(exitOK)
	q.want(-1)
	h.stat("feed", func(i ring.Info) bool { return i.Publisher == ring.Dead })
}
