package result

import (
	"errors"
	"testing"
)

const goodTrips = `{"peer":"x","kind":"rtt","payload_bytes":56,"samples":3,"p50_ns":1,"p90_ns":2,"p99_ns":3,"p999_ns":3,"p9999_ns":3,"max_ns":4,"curve":[[0,1],[100,4]]}`

func TestLast(t *testing.T) {
	r, err := Last([]byte("chatter\n{\"not\":\"this\"}\n" + goodTrips + "\n\n"))
	if err != nil || r.Peer != "x" || r.P99 != 3 || r.Curve[1] != [2]float64{100, 4} || r.Stream != nil {
		t.Errorf("%+v, %v", r, err)
	}
	r, err = Last([]byte(`{"peer":"x","kind":"throughput","payload_bytes":56,"msgs_per_s":2.5e7,"delivered":100,"lost":0}`))
	if err != nil || r.PerSecond != 2.5e7 || r.Delivered != 100 || r.Trips != nil {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := Last([]byte("only words\n")); !errors.Is(err, ErrNone) {
		t.Errorf("no JSON: %v", err)
	}
	if _, err := Last(nil); !errors.Is(err, ErrNone) {
		t.Errorf("nothing: %v", err)
	}
}

func TestCheck(t *testing.T) {
	for name, bad := range map[string]string{
		"cut short":   goodTrips[:50],
		"no peer":     `{"kind":"rtt","payload_bytes":56,"samples":1,"p50_ns":1}`,
		"payload":     `{"peer":"x","kind":"rtt","payload_bytes":64,"samples":1,"p50_ns":1}`,
		"no samples":  `{"peer":"x","kind":"rtt","payload_bytes":56}`,
		"falling":     `{"peer":"x","kind":"rtt","payload_bytes":56,"samples":3,"p50_ns":5,"p90_ns":2,"p99_ns":3,"p999_ns":3,"p9999_ns":3,"max_ns":4}`,
		"no messages": `{"peer":"x","kind":"throughput","payload_bytes":56,"msgs_per_s":0,"delivered":0,"lost":0}`,
		"lost":        `{"peer":"x","kind":"throughput","payload_bytes":56,"msgs_per_s":1,"delivered":1,"lost":-1}`,
		"kind":        `{"peer":"x","kind":"latency","payload_bytes":56}`,
	} {
		if _, err := Last([]byte(bad)); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
