package ring

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/tickring/tickring/mmap"
)

// A holder is a process that was seen to hold a lock. Its pidfd stays the one of that
// process: what is sent there can reach no other, even if the number has changed hands.
type holder struct {
	Process
	pidfd int
}

// holders looks through /proc for the processes that hold an exclusive open file
// description lock on the first byte of a file. All that hold one at the same time share
// one description. unseen is how many processes this one may not look at.
func holders(file mmap.Info) (found []holder, unseen int, err error) {
	pids, err := processes()
	if err != nil {
		return nil, 0, err
	}
	for _, pid := range pids {
		holds, err := holdsLock(pid, file)
		if os.IsPermission(err) {
			unseen++
		}
		if !holds {
			continue
		}
		h, err := newHolder(pid)
		if err == unix.ESRCH {
			continue // it ended meanwhile
		}
		if err != nil {
			closeHolders(found)
			return nil, 0, err
		}
		// The number may be that of another process by now; but what holds the lock
		// now and what pidfd refers to are one, or the latter is dead and nothing can
		// happen to it.
		if holds, _ := holdsLock(pid, file); holds {
			found = append(found, h)
		} else {
			h.close()
		}
	}
	return found, unseen, nil
}

func closeHolders(all []holder) {
	for _, h := range all {
		h.close()
	}
}

// processes lists the process ids in /proc.
func processes() (pids []int, err error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// procPath is a path below a process's directory in /proc.
func procPath(pid int, names ...string) string {
	return filepath.Join(append([]string{"/proc", strconv.Itoa(pid)}, names...)...)
}

// anyHolds says whether one of them holds a lock on the first byte of a file, too.
func anyHolds(all []holder, file mmap.Info) bool {
	return slices.ContainsFunc(all, func(h holder) bool {
		holds, _ := holdsLock(h.PID, file)
		return holds
	})
}

// holdsLock says whether one of the process's descriptors has that lock. The kernel shows a
// lock with the description it belongs to, so who has merely opened the file is not taken
// for a holder:
//
//	lock:	1: OFDLCK  ADVISORY  WRITE -1 00:1b:1234 0 EOF
func holdsLock(pid int, file mmap.Info) (bool, error) {
	dir, err := os.Open(procPath(pid, "fdinfo"))
	if err != nil {
		return false, err
	}
	defer dir.Close()
	fds, err := dir.Readdirnames(-1)
	if err != nil {
		return false, err
	}
	inode := ":" + strconv.FormatUint(file.Ino, 10)
	for _, fd := range fds {
		info, err := os.ReadFile(procPath(pid, "fdinfo", fd))
		if err != nil {
			continue // closed meanwhile
		}
		for line := range strings.Lines(string(info)) {
			f := strings.Fields(line)
			if len(f) < 8 || f[0] != "lock:" || f[2] != "OFDLCK" || f[4] != "WRITE" || !strings.HasSuffix(f[6], inode) || f[7] != "0" {
				continue
			}
			var st unix.Stat_t
			if unix.Stat(procPath(pid, "fd", fd), &st) == nil && uint64(st.Dev) == file.Dev && st.Ino == file.Ino {
				return true, nil
			}
		}
	}
	return false, nil
}

// mappers names the processes that have the file mapped. A mapping keeps a lock whose
// descriptor is closed, but does not show it.
func mappers(file mmap.Info) (found []Process) {
	pids, _ := processes()
	where := fmt.Sprintf("%02x:%02x", unix.Major(file.Dev), unix.Minor(file.Dev))
	inode := strconv.FormatUint(file.Ino, 10)
	for _, pid := range pids {
		maps, _ := os.ReadFile(procPath(pid, "maps"))
		for line := range strings.Lines(string(maps)) {
			if f := strings.Fields(line); len(f) >= 5 && f[3] == where && f[4] == inode {
				found = append(found, Process{pid, programOf(pid)})
				break
			}
		}
	}
	return found
}

func programOf(pid int) string {
	name, err := os.ReadFile(procPath(pid, "comm"))
	if err != nil {
		return "ended"
	}
	return strings.TrimSpace(string(name))
}

// newHolder opens a process that /proc shows. The error is bare, ESRCH if it has ended.
func newHolder(pid int) (holder, error) {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return holder{}, err
	}
	h := holder{Process{pid, programOf(pid)}, fd}
	// A /proc of another PID namespace has other numbers. It shows what the process
	// is called there.
	info, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", fd))
	if err == nil && !strings.Contains(string(info), fmt.Sprintf("\nPid:\t%d\n", pid)) {
		err = fmt.Errorf("%w: /proc is that of another PID namespace; mount one for this one (unshare --mount-proc), or run outside", ErrHidden)
	}
	if err != nil {
		h.close()
		return holder{}, err
	}
	return h, nil
}

func (h holder) close() { unix.Close(h.pidfd) }

// kill kills the process; that it has ended already is no error.
func (h holder) kill() error {
	err := unix.PidfdSendSignal(h.pidfd, unix.SIGKILL, nil, 0)
	if err == unix.ESRCH {
		return nil
	}
	return err
}

// wait returns when the process has ended and let go of its files. Its parent need not
// have noticed.
func (h holder) wait(ctx context.Context) error {
	for ctx.Err() == nil {
		fds := []unix.PollFd{{Fd: int32(h.pidfd), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, 10)
		if err != nil && err != unix.EINTR {
			return err
		}
		if n > 0 {
			return nil
		}
	}
	return context.Cause(ctx)
}
