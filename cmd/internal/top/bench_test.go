package top

import (
	"fmt"
	"os"
	"testing"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/muesli/termenv"

	"github.com/tickring/tickring/ring"
	"github.com/tickring/tickring/ring/monitor"
)

// BenchmarkLook1000 looks at 100 rings with 10 subscribers each that all have read something
// since, and draws the screen in colours.
func BenchmarkLook1000(b *testing.B) {
	dir, err := os.MkdirTemp("/dev/shm", "tickring-test-")
	if err != nil {
		b.Skip(err)
	}
	b.Cleanup(func() { os.RemoveAll(dir) })
	var pubs []*ring.Publisher
	var subs []*ring.Subscriber
	for i := range 100 {
		name := fmt.Sprintf("ring%02d", i)
		p, err := ring.Create(name, ring.Config{Dir: dir, Capacity: 256 << 10})
		if err != nil {
			b.Fatal(err)
		}
		defer p.Close()
		pubs = append(pubs, p)
		for j := range 10 {
			s, err := ring.Open(name, ring.Options{Dir: dir, Name: fmt.Sprintf("sub%d", j)})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			subs = append(subs, s)
		}
	}
	trade := func() {
		for range 5 {
			for _, p := range pubs {
				if err := p.Publish(1, []byte("a message of a few bytes")); err != nil {
					b.Fatal(err)
				}
			}
			for _, s := range subs {
				if _, status := s.Next(); status != ring.Message {
					b.Fatal(status)
				}
			}
		}
	}
	m := monitor.New(monitor.Config{Dir: dir})
	defer m.Close()
	p := inColors(termenv.ANSI)
	l := &looker{src: m}
	var model tea.Model = newModel(Config{Dir: dir, Sort: "p99"}, &p, l)
	model, _ = model.Update(tea.WindowSizeMsg{Width: 200, Height: 60})
	trade()
	model, _ = model.Update(l.all(id{})())
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		trade()
		b.StartTimer()
		model, _ = model.Update(l.all(id{})())
		if len(model.View()) < 60*100 {
			b.Fatal(model.View())
		}
	}
}

// BenchmarkDraw1000 is the part of that which is not the look.
func BenchmarkDraw1000(b *testing.B) {
	u := newUser(many(100), 200, 60)
	p := inColors(termenv.ANSI)
	u.model.paint = &p
	b.ReportAllocs()
	for b.Loop() {
		m, _ := u.model.Update(lookMsg{snap: u.src.snap})
		if len(m.View()) < 60*100 {
			b.Fatal(m.View())
		}
	}
}
