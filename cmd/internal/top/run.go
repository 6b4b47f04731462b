package top

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/HdrHistogram/hdrhistogram-go"
	tea "github.com/charmbracelet/bubbletea"

	"github.com/tickring/tickring/ring/monitor"
)

// Source is what is looked at: a [monitor.Monitor].
type Source interface {
	Poll() *monitor.Snapshot
	Histogram(ring, sub string, over monitor.Span) (*hdrhistogram.Histogram, bool)
}

// Run shows what src sees until the user quits or the context ends. in and out are a
// terminal; it is as it was afterwards.
func Run(ctx context.Context, src Source, cfg Config, in io.Reader, out io.Writer) error {
	p := painterFor(out)
	l := &looker{src: src}
	m := newModel(cfg, &p, l)
	program := tea.NewProgram(m, tea.WithInput(in), tea.WithOutput(out), tea.WithAltScreen(), tea.WithoutSignalHandler(), tea.WithFPS(30))
	stop := context.AfterFunc(ctx, program.Quit)
	defer stop()
	_, err := program.Run()
	if errors.Is(err, tea.ErrInterrupted) {
		return nil
	}
	return err
}

// looker looks for a model, one at a time: its commands run beside each other.
type looker struct {
	mu  sync.Mutex
	src Source
}

func (l *looker) all(of id) tea.Cmd {
	return func() tea.Msg {
		l.mu.Lock()
		defer l.mu.Unlock()
		return lookMsg{l.src.Poll(), l.close(of)}
	}
}

func (l *looker) one(of id) tea.Cmd {
	return func() tea.Msg {
		l.mu.Lock()
		defer l.mu.Unlock()
		return closeMsg{l.close(of)}
	}
}

func (l *looker) close(of id) closeup {
	c := closeup{of: of}
	if of != (id{}) {
		for i := range c.hists {
			c.hists[i], _ = l.src.Histogram(of.ring, of.sub, monitor.Span(i))
		}
	}
	return c
}
