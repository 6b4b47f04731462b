package top

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	tea "github.com/charmbracelet/bubbletea"

	"github.com/tickring/tickring/ring/monitor"
)

// Config says what is shown first, and how.
type Config struct {
	Dir     string        // for the title
	Rings   []string      // that were asked for; empty: all
	Every   time.Duration // from one look to the next
	Sort    string        // one of [SortNames]; empty: name
	Reverse bool
	Window  monitor.Span
	ASCII   bool // the terminal has no other characters
}

// Model is what is on the screen. It changes with looks, with keys and with the size of the
// terminal, and with nothing else.
type Model struct {
	cfg   Config
	paint *painter
	look  looks

	width, height int
	snap          *monitor.Snapshot // what is shown; nil: nothing was seen yet
	newest        *monitor.Snapshot // later than snap while paused
	paused        bool
	seen          int // looks

	choice
	entries  []entry // of snap, as chosen
	selected         // in entries
	before   selected
	typing   bool   // the filter
	typed    string // the filter before it was typed
	help     bool

	open    id // the subscriber that is open, zero if none is
	close   closeup
	scrolls int // lines of what is open that are above the screen
}

// selected is the entry that the keys are about, and what part of the table is seen.
type selected struct {
	at    int
	id    id // zero until it was chosen: then the first one is selected, whatever it is
	first int
}

// closeup are the latencies of one subscriber, by window.
type closeup struct {
	of    id
	hists [len(spanNames)]*hdrhistogram.Histogram
}

// lookMsg is a look at everything.
type lookMsg struct {
	snap  *monitor.Snapshot
	close closeup
}

// closeMsg is a look at what was opened just now.
type closeMsg struct{ close closeup }

// looks are the commands that a model gives.
type looks interface {
	all(closer id) tea.Cmd // makes a lookMsg
	one(of id) tea.Cmd     // makes a closeMsg
}

// tickMsg says that it is time to look again.
type tickMsg struct{}

func newModel(cfg Config, p *painter, look looks) Model {
	m := Model{cfg: cfg, paint: p, look: look}
	m.order = order{max(indexOf(cfg.Sort), 0), cfg.Reverse}
	m.window = cfg.Window
	return m
}

// Init looks for the first time.
func (m Model) Init() tea.Cmd { return m.look.all(id{}) }

// Update follows a key, a look or a new size.
func (m Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	var cmd tea.Cmd
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case lookMsg:
		m.newest = msg.snap
		m.seen++
		if !m.paused || m.snap == nil {
			m.snap = m.newest
			m.show(msg.close)
		}
		// Two looks tell a rate, so the second one does not wait for long.
		wait := m.cfg.Every - msg.snap.Took
		if m.seen == 1 {
			wait = min(wait, time.Second)
		}
		cmd = tea.Tick(max(wait, time.Millisecond), func(time.Time) tea.Msg { return tickMsg{} })
	case closeMsg:
		m.show(msg.close)
	case tickMsg:
		return m, m.look.all(m.open)
	case tea.KeyMsg:
		m, cmd = m.key(msg)
	}
	m.refresh()
	return m, cmd
}

// show takes a closeup, if it is of what is still open.
func (m *Model) show(c closeup) {
	if c.of == m.open {
		m.close = c
	}
}

// refresh finds out what is in the table, and keeps the selection on what it was on.
func (m *Model) refresh() {
	if m.snap == nil {
		return
	}
	m.entries = m.choice.entries(m.snap)
	if m.selected.id != (id{}) {
		for i, e := range m.entries {
			if e.id() == m.selected.id {
				m.at = i
				break
			}
		}
	}
	m.at = max(min(m.at, len(m.entries)-1), 0)
	rows := m.rows()
	m.first = max(min(m.first, len(m.entries)-rows), 0)
	m.first = max(min(m.first, m.at), m.at-rows+1)
	m.scrolls = max(min(m.scrolls, len(m.page())-m.pageHeight()), 0)
}

// selectedEntry is false if there are none.
func (m *Model) selectedEntry() (entry, bool) {
	if m.at >= len(m.entries) {
		return entry{}, false
	}
	return m.entries[m.at], true
}

// find is the entry of a name in what is shown, false if it is gone.
func (m *Model) find(name id) (entry, bool) {
	if m.snap == nil {
		return entry{}, false
	}
	for i := range m.snap.Rings {
		r := &m.snap.Rings[i]
		if r.Name != name.ring {
			continue
		}
		if name.sub == "" {
			return entry{ring: r}, true
		}
		for j := range r.Subscribers {
			if r.Subscribers[j].Name == name.sub {
				return entry{r, &r.Subscribers[j]}, true
			}
		}
	}
	return entry{}, false
}
