package serve

import (
	"io"
	"net/http"
	"testing"

	"github.com/tickring/tickring/cmd/internal/thousand"
	"github.com/tickring/tickring/ring/monitor"
)

// BenchmarkThousand serves 100 rings with 10 subscribers each that all have read something
// since the last look: what looking takes, and what the first request after it takes over
// the network, from asking to the last byte.
func BenchmarkThousand(b *testing.B) {
	rings := thousand.New(b)
	s, err := Listen(Config{Monitor: monitor.Config{Dir: rings.Dir}, Listen: "127.0.0.1:0"})
	if err != nil {
		b.Fatal(err)
	}
	defer s.watch.close()
	defer s.Close()
	server := &http.Server{Handler: s.Handler()}
	go server.Serve(s.listener)
	defer server.Close()
	rings.Trade(500)
	s.watch.look()

	b.Run("look", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			rings.Trade(5)
			b.StartTimer()
			s.watch.look()
		}
	})
	for _, form := range []struct{ name, path, accept, encoding string }{
		{"text", "metrics", "", "identity"},
		{"text-gzip", "metrics", "", "gzip"},
		{"proto", "metrics", acceptProto, "identity"},
		{"proto-gzip", "metrics", acceptProto, "gzip"},
		{"json", "api/v1/rings", "", "gzip"},
		{"json-brief", "api/v1/rings?brief=1", "", "gzip"},
	} {
		b.Run(form.name, func(b *testing.B) {
			r, err := http.NewRequest("GET", s.URL()+form.path, nil)
			if err != nil {
				b.Fatal(err)
			}
			r.Header.Set("Accept", form.accept)
			r.Header.Set("Accept-Encoding", form.encoding)
			size := int64(0)
			for b.Loop() {
				b.StopTimer()
				rings.Trade(5)
				s.watch.look()
				b.StartTimer()
				answer, err := http.DefaultClient.Do(r)
				if err != nil {
					b.Fatal(err)
				}
				size, err = io.Copy(io.Discard, answer.Body)
				if answer.Body.Close(); err != nil || answer.StatusCode != http.StatusOK {
					b.Fatal(answer.Status, err)
				}
			}
			b.ReportMetric(float64(size), "bytes")
		})
	}
}
