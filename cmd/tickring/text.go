package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"

	"github.com/tickring/tickring/internal/text"
)

// lostText tells of losses, numbersText of the numbers of the messages that were not
// lost.
func lostText(lost, gaps uint64) string {
	if lost == 0 {
		return "none"
	}
	return fmt.Sprintf("%s in %s", text.Messages(lost), text.CountOf(gaps, "gap", "gaps"))
}

func numbersText(first, last uint64) string {
	switch first {
	case 0:
		return "no messages"
	case last:
		return "message " + text.Count(first)
	}
	return fmt.Sprintf("messages %s to %s", text.Count(first), text.Count(last))
}

// writeJSON writes v as one line.
func writeJSON(w io.Writer, v any) error {
	line, err := json.Marshal(v)
	if err == nil {
		_, err = w.Write(append(line, '\n'))
	}
	return err
}

// isTerminal says whether a person watches w.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
