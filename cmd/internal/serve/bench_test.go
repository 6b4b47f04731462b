package serve

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"testing"

	"github.com/tickring/tickring/ring"
	"github.com/tickring/tickring/ring/monitor"
)

// BenchmarkThousand serves 100 rings with 10 subscribers each that all have read something
// since the last look: what looking takes, and what the first request after it takes over
// the network, from asking to the last byte.
func BenchmarkThousand(b *testing.B) {
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
			b.Skip(err)
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
	trade := func(messages int) {
		for range messages {
			for _, p := range pubs {
				if err := p.Publish(1, []byte("a message of a few bytes")); err != nil {
					b.Fatal(err)
				}
			}
		}
		for range messages { // the later ones have waited longer, which spreads the latencies
			for _, s := range subs {
				if _, status := s.Next(); status != ring.Message {
					b.Fatal(status)
				}
			}
		}
	}
	s, err := Listen(Config{Monitor: monitor.Config{Dir: dir}, Listen: "127.0.0.1:0"})
	if err != nil {
		b.Fatal(err)
	}
	defer s.watch.close()
	defer s.Close()
	server := &http.Server{Handler: s.Handler()}
	go server.Serve(s.listener)
	defer server.Close()
	trade(500)
	s.watch.look()

	b.Run("look", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			trade(5)
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
				trade(5)
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
