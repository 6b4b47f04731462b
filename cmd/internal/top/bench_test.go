package top

import (
	"testing"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/muesli/termenv"

	"github.com/tickring/tickring/cmd/internal/thousand"
	"github.com/tickring/tickring/ring/monitor"
)

// BenchmarkLook1000 looks at 100 rings with 10 subscribers each that all have read something
// since, and draws the screen in colours.
func BenchmarkLook1000(b *testing.B) {
	rings := thousand.New(b)
	trade := func() {
		for range 5 {
			rings.Trade(1)
		}
	}
	m := monitor.New(monitor.Config{Dir: rings.Dir})
	defer m.Close()
	p := inColors(termenv.ANSI)
	l := &looker{src: m}
	var model tea.Model = newModel(Config{Dir: rings.Dir, Sort: "p99"}, &p, l)
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
