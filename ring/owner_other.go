//go:build !linux

package ring

import "os"

func ownerOf(os.FileInfo) uint32 { return 0 }
