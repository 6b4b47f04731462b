package book

import (
	"testing"

	"github.com/tickring/tickring/feed/dbn"
)

// BenchmarkApply builds the books of a session over and over: ns/op is a record.
func BenchmarkApply(b *testing.B) {
	for _, s := range []struct {
		name string
		recs func() []dbn.MboMsg
	}{
		{"real", func() []dbn.MboMsg { return realSession(b) }},
		{"synthetic", func() []dbn.MboMsg { return syntheticSession(b, 1_000_000) }},
	} {
		b.Run(s.name, func(b *testing.B) {
			recs := s.recs()
			books := New(Config{})
			for i := range recs { // warm: all the room that the session needs
				books.Apply(&recs[i])
			}
			books.Clear()
			b.ReportAllocs()
			at := 0
			for b.Loop() {
				if at == len(recs) {
					at = 0
					books.Clear()
				}
				books.Apply(&recs[at])
				at++
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrecords/s")
		})
	}
}
