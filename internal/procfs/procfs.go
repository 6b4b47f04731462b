// Package procfs knows texts of /proc and /sys, in which the Linux kernel tells of CPUs and its
// settings. It opens no file: who looks at a machine, or at a copy of its files, brings them.
package procfs

import (
	"errors"
	"strconv"
	"strings"
)

// ErrFormat: a text is not what the kernel's documentation says.
var ErrFormat = errors.New("malformed")

// Excerpt quotes the beginning of a text that is wrong.
func Excerpt(text string) string {
	const most = 60
	if len(text) > most {
		return strconv.Quote(text[:most]) + "..."
	}
	return strconv.Quote(text)
}

// Chosen returns the word of a setting that is in force: the one in brackets, as in
// "always [madvise] never". It is false if there is none.
func Chosen(text string) (word string, ok bool) {
	_, after, found := strings.Cut(text, "[")
	word, _, closed := strings.Cut(after, "]")
	if !found || !closed || word == "" {
		return "", false
	}
	return word, true
}

// TurboFile tells whether clocks may go above their nominal rate: On or Off is what stands
// in the file of that name below /sys/devices/system/cpu.
type TurboFile struct{ Name, On, Off string }

// TurboFiles are those of the drivers that have one; a machine has one of them at most.
func TurboFiles() []TurboFile {
	return []TurboFile{
		{"intel_pstate/no_turbo", "0", "1"},
		{"cpufreq/boost", "1", "0"},
	}
}
