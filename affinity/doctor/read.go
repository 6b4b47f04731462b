package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/tickring/tickring/affinity"
	"github.com/tickring/tickring/internal/procfs"
	"github.com/tickring/tickring/internal/text"
)

// line returns the content of a file without the white space around it.
func (m *machine) line(name string) (string, error) {
	b, err := fs.ReadFile(m.Files, name)
	return strings.TrimSpace(string(b)), err
}

// has says whether there is a file or directory of that name.
func (m *machine) has(name string) bool {
	_, err := fs.Stat(m.Files, name)
	return err == nil
}

// number reads a file of one decimal number.
func (m *machine) number(name string) (int64, error) {
	text, err := m.line(name)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("/%s: %s: %w", name, procfs.Excerpt(text), procfs.ErrFormat)
	}
	return n, nil
}

// chosenIn reads a file of words with the one in force in brackets, "always [never]".
func (m *machine) chosenIn(name string) (string, error) {
	text, err := m.line(name)
	if err != nil {
		return "", err
	}
	word, ok := procfs.Chosen(text)
	if !ok {
		return "", fmt.Errorf("/%s: %s: %w", name, procfs.Excerpt(text), procfs.ErrFormat)
	}
	return word, nil
}

// setting is what a check of a file that has one number comes to.
func (m *machine) setting(name string, judge func(n int64) finding) finding {
	n, err := m.number(name)
	if err != nil {
		return m.without(name, err)
	}
	return judge(n)
}

// shows says whether there is anything in a directory. Where nothing is mounted on /proc or
// /sys, as in a chroot, the directory may be there all the same, and tells nothing.
func (m *machine) shows(dir string) bool {
	entries, err := fs.ReadDir(m.Files, dir)
	return err == nil && len(entries) > 0
}

// without is unread for files that not every kernel has. Such a file is not applicable if
// it is missing where its directory has others.
func (m *machine) without(name string, err error) finding {
	if errors.Is(err, fs.ErrNotExist) && m.shows(path.Dir(name)) {
		return none("this kernel has no /%s", name)
	}
	return m.unread(name, err)
}

// unread is the finding for a file that could not be read or understood.
func (m *machine) unread(name string, err error) finding {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return unknown("/"+name+" is not for this user to read", "sudo cat /"+name)
	case errors.Is(err, fs.ErrNotExist):
		return unknown("there is no /"+name, "ls -l /"+name)
	}
	return unknown(text.OneLine(err), "cat /"+name)
}

// bootParameter returns the values of a parameter of the kernel's command line, and
// whether it is there. The line ends at "--": what follows is for init.
func (m *machine) bootParameter(name string) (value string, there bool, err error) {
	text, err := m.line("proc/cmdline")
	if err != nil {
		return "", false, err
	}
	for word := range strings.FieldsSeq(text) {
		if word == "--" {
			break
		}
		key, v, _ := strings.Cut(word, "=")
		// To the kernel, - and _ in names are the same.
		if strings.ReplaceAll(key, "-", "_") == name {
			value, there = strings.Trim(v, `"`), true
		}
	}
	return value, there, nil
}

// parseMask reads a set as the kernel writes bitmaps: groups of 8 hexadecimal digits,
// the highest first.
func parseMask(text string) (affinity.Set, error) {
	var s affinity.Set
	words := strings.Split(strings.TrimSpace(text), ",")
	for i, word := range words {
		bits, err := strconv.ParseUint(word, 16, 32)
		if err != nil || len(word) > 8 {
			return affinity.Set{}, fmt.Errorf("%s is no mask of CPUs: %w", procfs.Excerpt(text), procfs.ErrFormat)
		}
		for b := range 32 {
			if bits>>b&1 == 0 {
				continue
			}
			if !s.Add((len(words)-1-i)*32 + b) {
				return affinity.Set{}, fmt.Errorf("%s has more CPUs than there can be: %w", procfs.Excerpt(text), procfs.ErrFormat)
			}
		}
	}
	return s, nil
}

// maskText writes a set as the kernel does.
func maskText(s affinity.Set) string {
	highest := 0
	for id := range s.All() {
		highest = id
	}
	words := make([]uint32, highest/32+1)
	for id := range s.All() {
		words[len(words)-1-id/32] |= 1 << (id % 32)
	}
	text := strconv.FormatUint(uint64(words[0]), 16)
	for _, w := range words[1:] {
		text += fmt.Sprintf(",%08x", w)
	}
	return text
}

// parseBootList reads a list of CPUs of the kernel's command line. Besides ranges it has
// the words all and N, the last CPU, and parts of ranges, 0-7:1/2, which are not taken.
func parseBootList(text string, possible affinity.Set) (affinity.Set, error) {
	if text == "all" {
		return possible, nil
	}
	last := 0
	for id := range possible.All() {
		last = id
	}
	s, err := affinity.ParseSet(strings.ReplaceAll(text, "N", strconv.Itoa(last)))
	if err != nil {
		return affinity.Set{}, fmt.Errorf("%s: %w", procfs.Excerpt(text), procfs.ErrFormat)
	}
	return s, nil
}
