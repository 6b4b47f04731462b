package top

func (m *Model) helpLines() []string {
	lines := []string{"", m.paint.line(m.width, cell{"  Keys", strong})}
	for _, k := range keyHelp {
		lines = append(lines, m.paint.line(m.width, cell{"    " + padded(k[0], 12, true), title}, cell{k[1], plain}))
	}
	lines = append(lines, "", m.paint.line(m.width, cell{"  Columns", strong}))
	for _, l := range columnHelp {
		lines = append(lines, m.paint.line(m.width, cell{"    " + padded(l[0], 12, true), title}, cell{l[1], plain}))
	}
	return lines
}

var columnHelp = [][2]string{
	{"LAG BEHIND", "messages published and not read; how old the first one is"},
	{"LOST", "messages that the ring lapped before they were read"},
	{"P50 to MAX", "from publish to read, over the window"},
	{"MOVED", "how long ago it read something or let go of something"},
	{"SPIKES", "latencies above its threshold; open it for their causes"},
	{"TREND", "p99 of each of the last seconds, on a logarithmic scale"},
	{"- and ?", "none, and not known"},
}

// keyHelp tells of the keys, by what they do.
var keyHelp = [][2]string{
	{"Up Down j k", "select a line; PgUp PgDn, g and G: by pages, to the ends"},
	{"Enter Right", "open the ring or the subscriber"},
	{"Esc Left", "back; then let go of the filter"},
	{"< >", "sort by the column before, after; s: the next one"},
	{"r", "the other way round"},
	{"w  1 2 3", "window of the latencies: last second, last minute, since start"},
	{"/", "filter: words that name, state, gate or wait strategy contain"},
	{"t", "rings with their subscribers, or all subscribers together"},
	{"p  Space", "pause: what is shown stays, looking goes on"},
	{"?  h", "this help"},
	{"q  Ctrl-C", "quit"},
}
