// Package noquery keeps bubbletea from asking the terminal for its colours while the
// program starts.
//
// Bubbletea asks when it is initialised, which is in every command of a program that has it,
// whether the command draws or not: it writes to the terminal, eats what was typed ahead, and
// waits for seconds where nothing answers. It does not ask a terminal of the kind dumb. So
// this package calls it that until [Over].
//
// It works because of the order of initialisation, which the language defines: of the
// packages whose imports are initialised, the first by import path is next. This one imports
// nothing but os; bubbletea needs lipgloss, that needs github.com/xo/terminfo, and that comes
// later by its path. A test with a terminal watches over it.
package noquery

import "os"

var kind, known = hide()

func hide() (string, bool) {
	kind, known := os.LookupEnv("TERM")
	os.Setenv("TERM", "dumb")
	return kind, known
}

// Over gives the terminal its kind back. A package that imports bubbletea calls it when it is
// initialised, and so after bubbletea was.
func Over() struct{} {
	if known {
		os.Setenv("TERM", kind)
	} else {
		os.Unsetenv("TERM")
	}
	return struct{}{}
}
