package top

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// plainer are the characters that stand for others on a terminal that has only those of
// ASCII. Arrows are keys there that do the same.
var plainer = func() map[rune]byte {
	to := map[rune]byte{
		'µ': 'u', '…': '~', '·': '|', '─': '-', '┴': '+', '▴': '^', '▾': 'v', '▸': '>', '↑': 'k', '↓': 'j', '\ufffd': '?',
	}
	for i, r := range eighths {
		to[r] = " .:-=+*%#"[i]
	}
	return to
}()

// ascii writes a screen in ASCII, each of its lines as wide as it was.
func ascii(screen string) string {
	var b strings.Builder
	for _, r := range screen {
		if r < 0x80 {
			b.WriteRune(r)
		} else if c, ok := plainer[r]; ok {
			b.WriteByte(c)
		} else {
			b.WriteString(strings.Repeat("?", ansi.StringWidth(string(r))))
		}
	}
	return b.String()
}
