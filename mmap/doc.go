// Package mmap creates, opens, maps and locks files that several processes on
// one Linux host share.
//
// # Files
//
// [Create] makes a file under a temporary name, gives it its exact mode and
// allocates every byte of it, so that no later store into a mapping can find
// the filesystem full. The file appears under its own name, complete, with
// [File.Commit] or [File.CommitNew]. Nobody ever sees half of it, and whatever
// fails before leaves nothing behind; what a killed process left,
// [RemoveTemp] takes away.
//
// On a tmpfs such as /dev/shm the file is memory, and the memory cgroup of the
// process that creates it is charged for it. A limit of that cgroup is not seen
// as a full filesystem: a file larger than what is left below it does not end in
// [ErrNoSpace] but with the kernel killing a process of the group. Give a
// container at least the sizes of its files beyond what it needs itself.
//
// [Open] opens regular files and nothing else: no symbolic link is followed,
// no FIFO can block it and no device is touched. Files are not synced to disk:
// they are meant to outlive processes, not the host.
//
// # Mappings
//
// [File.Map] refuses a mapping that the file is too short for, because touching
// it would kill the process with SIGBUS. A file opened [ReadOnly] can only be
// mapped read-only, and the kernel holds the process to that: mprotect cannot
// make it writable later. Mappings stay out of core dumps unless asked for.
//
// A file can still be made shorter by somebody who may write to it. [Guard]
// turns the fault that follows into an error. [File.ReadAt] and [File.WriteAt]
// cannot fault at all.
//
// # Locks
//
// Locks are open file description locks. The kernel drops them when their
// owner dies, however it dies; they work across PID namespaces; and they cannot
// be stale, because no process id is involved. A lock belongs to the open file
// description, not to the process:
//
//   - Two Files of one path exclude each other, in one process too. One File
//     never excludes itself: locking again what it holds succeeds.
//   - The description lives as long as any descriptor or mapping of it. A lock
//     is therefore held until [File.Close] and [Region.Close] of every mapping
//     of this File. Keeping a small mapping is a way to make sure that no stray
//     close can release the lock. (On overlayfs a mapping belongs to the file
//     underneath and keeps nothing.)
//   - A child that inherits the descriptor keeps the lock. Every descriptor here
//     is close-on-exec, so a child holds it only between fork and exec.
//   - Unmapping a killed process takes the kernel tens of milliseconds for a
//     large mapping, and the lock may be free only after that.
//   - Whoever can open the file for reading can put a read lock on it and so
//     keep others from an exclusive one. A lock that has to be obtainable
//     belongs on a file that only those who take it can open.
//
// # Other systems
//
// Everything compiles on other systems, where every function that needs the
// kernel returns [ErrUnsupported].
package mmap
