package text

import (
	"errors"
	"testing"
	"time"
)

func TestText(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Count(0), "0"}, {Count(999), "999"}, {Count(1234567), "1,234,567"},
		{Bytes(1023), "1023 B"}, {Bytes(64 << 20), "64 MiB"}, {Bytes(1536), "1.5 KiB"},
		{Ns(999), "999 ns"}, {Ns(1234), "1.23 µs"}, {Ns(999_600), "1.00 ms"}, {Ns(45_600_000), "45.6 ms"}, {Ns(2_000_000_000), "2.00 s"},
		{Round(50), "50 ns"}, {Round(1000), "1 µs"}, {Round(2e5), "200 µs"}, {Round(1e7), "10 ms"}, {Round(5e9), "5 s"}, {Round(1e11), "100 s"},
		{Rate(5_000_000, time.Second), "5.00 M/s"}, {Rate(0, time.Second), "-"},
		{PerSecond(12_345), "12.3 k/s"}, {PerSecond(7), "7.00 /s"},
		{CountOf(1, "gap", "gaps"), "1 gap"}, {Messages(2000), "2,000 messages"},
		{Ago(-time.Second), "0s"}, {Ago(1234567 * time.Microsecond), "1s"}, {Ago(12345 * time.Microsecond), "12ms"}, {Ago(50 * time.Hour), "2d"},
		{Clipped("es"), `"es"`}, {Clipped(string(make([]byte, 64))), `"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"...`},
		{OneLine(errors.New("a\n\tb")), "a b"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}
