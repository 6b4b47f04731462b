//go:build linux

package ring

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tickring/tickring/mmap"
)

// Three users of one group, on a directory that belongs to the first: the feed, a
// strategy, and somebody who is not trusted.
const (
	feedUser     = 61001
	strategyUser = 61002
	otherUser    = 61003
	tradingGroup = 62000
)

func init() {
	roles["shared.publish"] = sharedPublish
	roles["shared.subscribe"] = sharedSubscribe
	roles["shared.wake"] = sharedWake
}

// become makes this process one of the users.
func become(user string) error {
	uid, err := strconv.Atoi(user)
	if err != nil {
		return err
	}
	return errors.Join(unix.Setgroups([]int{tradingGroup}), unix.Setresgid(tradingGroup, tradingGroup, tradingGroup), unix.Setresuid(uid, uid, uid))
}

// sharedPublish is a feed for the group: args are user and dir.
func sharedPublish(args []string) error {
	if err := become(args[0]); err != nil {
		return err
	}
	cfg := smallest(args[1])
	cfg.Group = true
	p, err := Create("r", cfg)
	if err != nil {
		fmt.Println(errors.Is(err, mmap.ErrPermission) || errors.Is(err, mmap.ErrUnsafeDir))
		return nil
	}
	for range 10 {
		if err := p.Publish(0, []byte("x")); err != nil {
			return err
		}
	}
	fmt.Println("published")
	fmt.Scanln()
	return p.Close()
}

// sharedSubscribe reads ten messages: args are user, dir and the owner that it trusts.
func sharedSubscribe(args []string) error {
	if err := become(args[0]); err != nil {
		return err
	}
	owner, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	s, err := Open("r", Options{Dir: args[1], Name: "s" + args[0], From: FromOldest, Owner: uint32(owner)})
	switch {
	case errors.Is(err, mmap.ErrUnsafeDir):
		fmt.Println("not trusted")
		return nil
	case err != nil:
		return err
	}
	defer s.Close()
	n := 0
	for {
		_, st := s.Next()
		if st != Message {
			break
		}
		n++
	}
	fmt.Println(n, "messages")
	return nil
}

// sharedWake tries to be a waker: args are user and dir.
func sharedWake(args []string) error {
	if err := become(args[0]); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	w, err := NewWaker("r", WakerOptions{Dir: args[1], Notify: func(WakerState) { cancel() }})
	if err != nil {
		return err
	}
	err = w.Run(ctx)
	switch {
	case errors.Is(err, context.Canceled):
		fmt.Println("wakes")
	case errors.Is(err, mmap.ErrUnsafeDir), errors.Is(err, mmap.ErrPermission):
		fmt.Println("refused")
	default:
		return err
	}
	return nil
}

// TestSharedHost: the feed's directory lets the group read and have subscribers, who say
// whose rings they trust; nobody else can make a ring there or write this one.
func TestSharedHost(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root to be several users")
	}
	dir := shmDir(t)
	base := filepath.Join(dir, "trading")
	if err := errors.Join(os.Chmod(dir, 0o711), os.Mkdir(base, 0o700), os.Chown(base, feedUser, tradingGroup), os.Chmod(base, 0o750|os.ModeSetgid)); err != nil {
		t.Fatal(err)
	}
	run := func(role string, user int, args ...string) string {
		c := start(t, role, append([]string{strconv.Itoa(user)}, args...)...)
		defer c.wait()
		return c.line()
	}
	feed := start(t, "shared.publish", strconv.Itoa(feedUser), base)
	if got := feed.line(); got != "published" {
		t.Fatal(got)
	}
	for user, want := range map[int]string{strategyUser: "10 messages", otherUser: "10 messages"} {
		if got := run("shared.subscribe", user, base, strconv.Itoa(feedUser)); got != want {
			t.Errorf("user %d who trusts the feed: %s", user, got)
		}
	}
	if got := run("shared.subscribe", strategyUser, base, "0"); got != "not trusted" {
		t.Errorf("a subscriber who trusts nobody: %s", got)
	}
	if got := run("shared.publish", otherUser, base); got != "true" {
		t.Errorf("another user as publisher was not refused: %s", got)
	}
	for user, want := range map[int]string{feedUser: "wakes", strategyUser: "refused", otherUser: "refused"} {
		if got := run("shared.wake", user, base); got != want {
			t.Errorf("a waker of user %d: %s, want %s", user, got, want)
		}
	}
	i := mustStat(t, base, "r")
	if len(i.Subscribers) != 2 || i.Subscribers[0].Err != nil || i.Subscribers[1].Err != nil || i.Publisher != Live {
		t.Errorf("%+v", i)
	}
	feed.say("")
	feed.wait()
}
