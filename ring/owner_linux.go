package ring

import (
	"os"
	"syscall"
)

// ownerOf returns the user that a file belongs to.
func ownerOf(i os.FileInfo) uint32 {
	if st, ok := i.Sys().(*syscall.Stat_t); ok {
		return st.Uid
	}
	return 0
}
