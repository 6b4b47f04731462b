package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/tickring/tickring/internal/text"
	"github.com/tickring/tickring/ring"
)

func TestKilledPublisherIsFollowedByAnother(t *testing.T) {
	h := newHost(t)
	const records = 60_000
	path, _, _ := h.mboFile("session.dbn", records)
	sub := h.start("sub", "feed", "--until-closed", "--json", "--name", "one")
	first := h.start("replay", path, "--ring", "feed", "--wait", "1", "--rate", "20000", "--json")
	h.stat("feed", func(i ring.Info) bool { return i.Last >= 2000 })
	first.signal(syscall.SIGKILL)
	first.want(-1)

	sub.await("has died")
	last := h.stat("feed", func(i ring.Info) bool { return i.Publisher == ring.Dead }).Last
	second := h.replay(path, "--ring", "feed")
	if second.FirstSeq != last+1 || second.LastSeq != last+records {
		t.Errorf("the second publisher had messages %d to %d, the first ended at %d", second.FirstSeq, second.LastSeq, last)
	}
	r := sub.want(exitOK).subReport()
	if r.Delivered+r.Lost != second.LastSeq || r.FirstSeq != 1 || r.LastSeq != second.LastSeq {
		t.Errorf("delivered %d and lost %d of %d; messages %d to %d", r.Delivered, r.Lost, second.LastSeq, r.FirstSeq, r.LastSeq)
	}
	var sum uint64
	for _, n := range r.ByType {
		sum += n
	}
	if sum != r.Delivered {
		t.Errorf("by type %d messages, delivered %d", sum, r.Delivered)
	}
}

func TestStoppedPublisherIsTold(t *testing.T) {
	h := newHost(t)
	path, _, _ := h.mboFile("session.dbn", 5000)
	sub := h.start("sub", "feed", "--until-closed", "--json")
	pub := h.start("replay", path, "--ring", "feed", "--rate", "1000")
	h.stat("feed", func(i ring.Info) bool { return i.Last > 10 })
	pub.signal(syscall.SIGSTOP)
	sub.await("gives no sign of life")
	pub.signal(syscall.SIGCONT)
	pub.want(exitOK)
	if r := sub.want(exitOK).subReport(); r.Delivered != 5000 || r.Lost != 0 {
		t.Errorf("%+v", r)
	}
}

func TestOverrunIsCountedExactly(t *testing.T) {
	h := newHost(t)
	const records = 20_000 // the ring has room for 4096
	path, _, _ := h.mboFile("session.dbn", records)
	h.replay(path, "--ring", "feed", "--capacity", "256KiB")
	p := h.run("sub", "feed", "--from", "seq:1", "--until-closed", "--json").want(exitOK)
	r := p.subReport()
	if r.Delivered+r.Lost != records || r.Lost == 0 || r.Gaps != 1 || r.LastSeq != records || r.FirstSeq != r.Lost+1 {
		t.Errorf("%+v", r)
	}
	p.sentence("lost messages 1 to " + text.Count(r.Lost))
}

func TestReplacedRingIsFollowed(t *testing.T) {
	h := newHost(t)
	path, _, _ := h.mboFile("session.dbn", 3000)
	h.replay(path, "--ring", "feed")
	sub := h.start("sub", "feed", "--json", "--name", "one")
	h.stat("feed", func(i ring.Info) bool { return len(i.Subscribers) == 1 && i.Subscribers[0].Messages == 3000 })

	// Another size: a new file, on which the sequence goes on.
	second := h.replay(path, "--ring", "feed", "--capacity", "1MiB")
	if second.FirstSeq != 3001 {
		t.Errorf("the new file begins with %d", second.FirstSeq)
	}
	sub.await("going on with message 3001")
	h.stat("feed", func(i ring.Info) bool { return len(i.Subscribers) == 1 && i.Subscribers[0].Cursor == 6001 })
	sub.signal(syscall.SIGTERM)
	r := sub.want(exitOK).subReport()
	if r.Delivered != 6000 || r.Lost != 0 || r.LastSeq != 6000 {
		t.Errorf("%+v", r)
	}
}

func TestRemovedRing(t *testing.T) {
	h := newHost(t)
	path, _, _ := h.mboFile("session.dbn", 3000)
	first := h.start("replay", path, "--ring", "feed", "--rate", "100")
	ended := h.start("sub", "feed", "--until-closed", "--json", "--name", "one")
	again := h.start("sub", "feed", "--json", "--name", "two")
	h.stat("feed", func(i ring.Info) bool { return len(i.Subscribers) == 2 && i.Last > 10 })
	first.signal(syscall.SIGKILL)
	first.want(-1)
	h.stat("feed", func(i ring.Info) bool { return i.Publisher == ring.Dead })
	h.run("rm", "feed").want(exitOK)
	ended.want(exitOK) // nothing can follow
	again.await("not there yet")
	h.replay(path, "--ring", "feed") // numbers begin anew
	h.stat("feed", func(i ring.Info) bool { return len(i.Subscribers) == 1 && i.Subscribers[0].Messages == 3000 })
	again.signal(syscall.SIGINT)
	if r := again.want(exitOK).subReport(); r.LastSeq != 3000 || r.Delivered <= 3000 {
		t.Errorf("%+v", r)
	}
}

func TestFrom(t *testing.T) {
	h := newHost(t)
	path, _, _ := h.mboFile("session.dbn", 1000)
	h.replay(path, "--ring", "feed")
	sub := func(args ...string) subReport {
		t.Helper()
		return h.run(append([]string{"sub", "feed", "--until-closed", "--json"}, args...)...).want(exitOK).subReport()
	}
	if r := sub("--from", "latest"); r.Delivered != 0 {
		t.Errorf("from latest: %+v", r)
	}
	if r := sub("--from", "seq:990"); r.Delivered != 11 || r.FirstSeq != 990 {
		t.Errorf("from 990: %+v", r)
	}
	if r := sub("--anonymous"); r.Delivered != 1000 || r.Latency != nil {
		t.Errorf("anonymous: %+v", r)
	}
	// A name goes on where it was.
	if r := sub("--name", "one", "--count", "400"); r.Delivered != 400 || r.LastSeq != 400 {
		t.Errorf("count 400: %+v", r)
	}
	if r := sub("--name", "one"); r.FirstSeq != 401 || r.LastSeq != 1000 {
		t.Errorf("from the cursor: %+v", r)
	}
	if r := sub("--name", "one", "--from", "oldest"); r.FirstSeq != 1 || r.Delivered != 1000 {
		t.Errorf("from oldest: %+v", r)
	}
	// Those without a name of their own left nothing.
	info, err := ring.Stat(h.dir, "feed")
	if err != nil || len(info.Subscribers) != 1 {
		t.Errorf("subscribers %v, %v", info.Subscribers, err)
	}
}

func TestSignalEndsASubscriberInOrder(t *testing.T) {
	h := newHost(t)
	waiting := h.start("sub", "feed", "--json")
	waiting.await("waiting for it")
	waiting.signal(syscall.SIGINT)
	if r := waiting.want(exitOK).subReport(); r.Delivered != 0 {
		t.Errorf("%+v", r)
	}
	path, _, _ := h.mboFile("session.dbn", 100)
	h.replay(path, "--ring", "feed")
	sub := h.start("sub", "feed", "--json")
	h.stat("feed", func(i ring.Info) bool { return len(i.Subscribers) == 1 && i.Subscribers[0].Messages == 100 })
	sub.signal(syscall.SIGTERM)
	if r := sub.want(exitOK).subReport(); r.Delivered != 100 {
		t.Errorf("%+v", r)
	}
}

func TestSignalEndsAReplayInOrder(t *testing.T) {
	h := newHost(t)
	path, _, _ := h.mboFile("session.dbn", 5000)
	p := h.start("replay", path, "--ring", "feed", "--rate", "500", "--json")
	h.stat("feed", func(i ring.Info) bool { return i.Last >= 10 })
	p.signal(syscall.SIGTERM)
	var r replayReport
	p.want(exitError).json(&r)
	p.sentence("stopped by a signal after")
	info := h.stat("feed", func(i ring.Info) bool { return i.Publisher == ring.Ended })
	if r.Messages != info.Last || r.Messages < 10 || r.Error == "" {
		t.Errorf("the report says %d, the ring %d", r.Messages, info.Last)
	}
}

func TestTruncatedRingIsAnError(t *testing.T) {
	if raceDetector {
		t.Skip("the file is cut while it is read, and a fault inside the race detector's own atomic operations cannot be recovered")
	}
	h := newHost(t)
	path, _, _ := h.mboFile("session.dbn", 100)
	h.replay(path, "--ring", "feed")
	sub := h.start("sub", "feed", "--json", "--idle", "spin")
	h.stat("feed", func(i ring.Info) bool { return len(i.Subscribers) == 1 && i.Subscribers[0].Messages == 100 })
	if err := os.Truncate(h.dir+"/feed/ring", 0); err != nil {
		t.Fatal(err)
	}
	r := sub.want(exitError).subReport()
	sub.sentence(`read ring "feed"`, "made shorter")
	if r.Delivered != 100 || r.Error == "" {
		t.Errorf("%+v", r)
	}
}

func TestPrint(t *testing.T) {
	h := newHost(t)
	path, _ := h.itchFile("session", 2000)
	h.replay(path, "--ring", "mbo")
	h.replay(path, "--ring", "raw", "--as", "raw")
	for name, want := range map[string]string{"mbo": " mbo A ", "raw": " S locate 0 4f\n"} {
		p := h.run("sub", name, "--count", "3", "--print", "--json").want(exitOK)
		if n := strings.Count(p.stdout.String(), "\n"); n != 4 {
			t.Errorf("%s: %d lines:\n%s", name, n, p.stdout.String())
		}
		if !strings.Contains(p.stdout.String(), want) || p.subReport().Delivered != 3 {
			t.Errorf("%s: no %q in:\n%s", name, want, p.stdout.String())
		}
	}
}

func TestPrintLeavesStdoutToMessages(t *testing.T) {
	h := newHost(t)
	path, _, _ := h.mboFile("session.dbn", 100)
	h.replay(path, "--ring", "feed")
	p := h.run("sub", "feed", "--count", "3", "--print").want(exitOK)
	if n := strings.Count(p.stdout.String(), "\n"); n != 3 || !strings.Contains(p.stderr.String(), "delivered  3 messages") {
		t.Errorf("stdout:\n%s\nstderr:\n%s", p.stdout.String(), p.stderr.String())
	}
}

func TestPrintIntoAClosedPipe(t *testing.T) {
	h := newHost(t)
	path, _, _ := h.mboFile("session.dbn", 50_000)
	h.replay(path, "--ring", "feed")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	defer w.Close()
	p := h.startTo(w, "sub", "feed", "--until-closed", "--print")
	p.want(exitError)
	if p.stderr.Len() > 0 {
		t.Errorf("it complains: %s", p.stderr.String())
	}
	if info, err := ring.Stat(h.dir, "feed"); err != nil || len(info.Subscribers) != 0 {
		t.Errorf("it left %v, %v", info.Subscribers, err)
	}
}

// TestRecordOfARingRemovedUnread: the ring goes before it had a message.
func TestRecordOfARingRemovedUnread(t *testing.T) {
	h := newHost(t)
	path, _, _ := h.mboFile("session.dbn", 100)
	feed := h.start("replay", path, "--ring", "feed", "--wait", "1")
	h.stat("feed", func(ring.Info) bool { return true })
	out := h.file("out.dbn")
	rec := h.start("record", "feed", "-o", out)
	h.until(func() bool {
		maps, _ := os.ReadFile(fmt.Sprintf("/proc/%d/maps", rec.cmd.Process.Pid))
		return strings.Contains(string(maps), "/feed/ring")
	})
	feed.signal(syscall.SIGKILL)
	feed.want(-1)
	h.run("rm", "feed").want(exitOK)
	rec.want(exitOK)
	if _, err := os.Stat(out); err != nil {
		t.Error(err)
	}
}

// TestCursorOfAnEarlierRing: a name of a ring that was made anew begins at its oldest
// message, not at a number that it had in the earlier one.
func TestCursorOfAnEarlierRing(t *testing.T) {
	h := newHost(t)
	path, _, _ := h.mboFile("session.dbn", 1000)
	h.replay(path, "--ring", "feed")
	h.run("sub", "feed", "--name", "one", "--count", "500").want(exitOK)
	file, err := os.OpenFile(h.dir+"/feed/ring", os.O_WRONLY, 0)
	check(h, err)
	_, err = file.WriteAt([]byte{'X'}, 8) // another version
	check(h, err)
	check(h, file.Close())
	h.replay(path, "--ring", "feed")
	r := h.run("sub", "feed", "--name", "one", "--until-closed", "--json").want(exitOK).subReport()
	if r.FirstSeq != 1 || r.Delivered != 1000 {
		t.Errorf("%+v", r)
	}
}
