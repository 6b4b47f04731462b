package ring

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/tickring/tickring/mmap"
)

// lookAtSubs looks at all that have a file, and at gates that have none. last is the
// ring's newest message, if it is known.
func (w *Watch) lookAtSubs(to []SubSight, gates []GateLag, last uint64, known bool) ([]SubSight, error) {
	names, err := w.paths.subNames()
	if err != nil {
		return nil, err
	}
	for _, g := range gates {
		if at, found := slices.BinarySearch(names, g.Name); !found {
			names = slices.Insert(names, at, g.Name)
		}
	}
	w.keep(names)
	for _, u := range w.subs {
		to = append(to, SubSight{})
		s := &to[len(to)-1]
		gate := slices.IndexFunc(gates, func(g GateLag) bool { return g.Name == u.name })
		err := w.lookAtSub(u, s, last, known)
		if errors.Is(err, syscall.EMFILE) && !w.lean {
			w.beLean()
			err = w.lookAtSub(u, s, last, known)
		}
		if w.lean {
			u.leave()
		}
		if errors.Is(err, mmap.ErrNotExist) {
			if gate < 0 {
				to = to[:len(to)-1] // it left meanwhile
				continue
			}
			err = fmt.Errorf("the gate's file is not there: %w", mmap.ErrNotExist)
		}
		if err != nil {
			*s = SubSight{SubscriberInfo: SubscriberInfo{Name: u.name, Err: err}, Unread: -1}
		}
		if gate >= 0 {
			g := &gates[gate]
			s.Gate, s.Hold, s.DropDead = g.State, g.Hold, g.DropDead
		}
	}
	return to, nil
}

// beLean closes all files of subscribers. From now on they are open only while they are
// looked at, because there are too few file descriptors for all.
func (w *Watch) beLean() {
	w.lean = true
	for _, u := range w.subs {
		u.leave()
	}
}

func (w *Watch) lookAtSub(u *watchedFile, s *SubSight, last uint64, known bool) error {
	f := &w.buf
	log, err := u.look(w, &s.Latencies)
	if err != nil {
		return err
	}
	s.SubscriberInfo = f.info(u.name)
	s.Spikes = log
	if f.ringID != w.ring.fixed.ringID {
		s.Cursor = 0 // of an earlier ring of this name: it means nothing here
	}
	s.Unread = w.unread(u, f, last, known)
	s.Active, err = u.file.LockedExclusively(lockWhole)
	return err
}

// lookAtOwn looks at the publisher's own file. It is nil if there is none, or one that an
// earlier ring of this name has left.
func (w *Watch) lookAtOwn() *PubSight {
	s := new(PubSight)
	log, err := w.own.look(w, &s.Latencies)
	switch {
	case errors.Is(err, mmap.ErrNotExist):
		return nil
	case err != nil:
		return &PubSight{PublisherInfo: PublisherInfo{Err: err}}
	case w.buf.ringID != w.ring.fixed.ringID:
		return nil
	}
	s.PublisherInfo = *w.buf.publisherInfo()
	s.Spikes = log
	return s
}

// doubts says whether a file is to be looked at once more before it is called broken.
func (w *Watch) doubts() bool {
	return w.own.doubt || slices.ContainsFunc(w.subs, func(u *watchedFile) bool { return u.doubt })
}

// keep makes w.subs those of names.
func (w *Watch) keep(names []string) {
	if slices.EqualFunc(w.subs, names, func(u *watchedFile, name string) bool { return u.name == name }) {
		return
	}
	old := w.subs
	w.subs = make([]*watchedFile, len(names))
	for i, name := range names {
		for len(old) > 0 && old[0].name < name {
			old[0].close()
			old = old[1:]
		}
		if len(old) > 0 && old[0].name == name {
			w.subs[i], old = old[0], old[1:]
		} else {
			w.subs[i] = &watchedFile{name: name, path: w.paths.sub(name), magic: subMagic}
		}
	}
	for _, u := range old {
		u.close()
	}
}

// subNames returns the names of the files of subscribers, in order.
func (p paths) subNames() ([]string, error) {
	dir, err := os.OpenFile(p.subs(), os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	// Others are temporary files, or none of ours.
	names = slices.DeleteFunc(names, func(name string) bool { return CheckName(name) != nil })
	slices.SortFunc(names, strings.Compare)
	return names, nil
}
