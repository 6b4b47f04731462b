package main

import (
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/tickring/tickring/ring"
)

// The end of its terminal ends a command as other signals do, but not if it was started to
// outlive that.
func TestHangup(t *testing.T) {
	h := newHost(t)
	path, _, _ := h.mboFile("session.dbn", 100)
	h.replay(path, "--ring", "feed")
	state := func(name string, wanted func(ring.SubscriberInfo) bool) {
		t.Helper()
		h.stat("feed", func(i ring.Info) bool {
			return slices.ContainsFunc(i.Subscribers, func(s ring.SubscriberInfo) bool { return s.Name == name && wanted(s) })
		})
	}
	hasRead := func(s ring.SubscriberInfo) bool { return s.Active && s.Messages == 100 }
	sub := h.start("sub", "feed", "--name", "here", "--json")
	state("here", hasRead)
	sub.signal(syscall.SIGHUP)
	if r := sub.want(exitOK).subReport(); r.Delivered != 100 {
		t.Errorf("%+v", r)
	}
	state("here", func(s ring.SubscriberInfo) bool { return s.Closed })

	// As nohup does it: who starts it has the signal ignored.
	stays := exec.Command("sh", "-c", `trap "" HUP; exec "$0" "$@"`, sub.cmd.Path, "sub", "feed", "--name", "stays")
	stays.Env, stays.SysProcAttr = sub.cmd.Env, childAttributes()
	check(h, stays.Start())
	t.Cleanup(func() { stays.Process.Kill() })
	state("stays", hasRead)
	status := string(h.read(fmt.Sprintf("/proc/%d/status", stays.Process.Pid)))
	_, mask, _ := strings.Cut(status, "\nSigIgn:\t")
	mask, _, _ = strings.Cut(mask, "\n")
	if ignored, err := strconv.ParseUint(mask, 16, 64); err != nil || ignored&1 == 0 {
		t.Errorf("it does not ignore SIGHUP any more: %q, %v", mask, err)
	}
	check(h, stays.Process.Signal(syscall.SIGTERM))
	if err := stays.Wait(); err != nil {
		t.Error(err)
	}
}
