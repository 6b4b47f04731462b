package main

import (
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/tickring/tickring/feed/dbn"
)

func TestParseSize(t *testing.T) {
	for s, want := range map[string]uint64{
		"4096": 4096, "4096B": 4096, "1K": 1 << 10, "64MiB": 64 << 20, "64M": 64 << 20, "1GiB": 1 << 30, "2T": 2 << 40,
	} {
		if got, err := parseSize(s); err != nil || got != want {
			t.Errorf("%q: %d, %v, want %d", s, got, err, want)
		}
	}
	for _, s := range []string{"", "0", "MiB", "-1", "1.5G", "64 MiB", "64MB", "64Mi", "1e6", "16777216T", "99999999999999999999"} {
		if got, err := parseSize(s); err == nil {
			t.Errorf("%q: %d", s, got)
		}
	}
}

func TestFlagsRoundTrip(t *testing.T) {
	for _, s := range []string{"oldest", "latest", "cursor", "seq:17"} {
		var f fromFlag
		if err := f.Set(s); err != nil || f.String() != s || !f.given {
			t.Errorf("%q: %+v, %v", s, f, err)
		}
	}
	for _, s := range []string{"max", "1", "0.5"} {
		var f speedFlag
		if err := f.Set(s); err != nil || f.String() != s {
			t.Errorf("%q: %v, %v", s, f, err)
		}
	}
	for _, s := range []string{"", "0", "-1", "inf", "NaN", "fast"} {
		if new(speedFlag).Set(s) == nil || new(rateFlag).Set(s) == nil {
			t.Errorf("%q is taken", s)
		}
	}
}

func TestDateIsMidnightInNewYork(t *testing.T) {
	for s, want := range map[string]string{
		"2010-12-24": "2010-12-24T05:00:00Z", // winter
		"2020-07-01": "2020-07-01T04:00:00Z", // summer
	} {
		var f dateFlag
		if err := f.Set(s); err != nil {
			t.Fatal(err)
		}
		if got := time.Unix(0, int64(f.nanos())).UTC().Format(time.RFC3339); got != want || f.String() != s {
			t.Errorf("%s is %s, want %s", s, got, want)
		}
	}
}

func TestDBNKind(t *testing.T) {
	for _, k := range []dbnKind{
		{1, dbn.SchemaMbo, false}, {3, dbn.SchemaMbp10, true}, {2, dbn.SchemaTbbo, false}, {3, dbn.SchemaMixed, true},
	} {
		s := k.String()
		if got, ok := parseDBNKind(s); !ok || got != k || len(s) > 32 {
			t.Errorf("%q: %+v, %v", s, got, ok)
		}
	}
	for _, s := range []string{"", "dbn", "dbn1", "dbn1/", "dbnX/mbo", "dbn300/mbo", "1/mbo", itchSchema} {
		if _, ok := parseDBNKind(s); ok {
			t.Errorf("%q is taken for DBN", s)
		}
	}
	if schemaHash("dbn1/mbo") == schemaHash("dbn3/mbo") {
		t.Error("two layouts have one hash")
	}
}

func TestText(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{string(appendPrice(nil, 4_799_250_000_000)), "4799.25"},
		{string(appendPrice(nil, 5)), "0.000000005"},
		{string(appendPrice(nil, -1_050_000_000)), "-1.05"},
		{string(appendPrice(nil, 0)), "0.00"},
		{string(appendPrice(nil, dbn.UndefPrice)), "-"},
		{string(appendPrice(nil, -1<<63)), "-9223372036.854775808"},
		{string(appendTime(nil, 34_200_000_000_001)), "09:30:00.000000001"},
		{string(appendTime(nil, 1_703_462_400_000_000_000)), "2023-12-25T00:00:00.000000000Z"},
		{string(appendTime(nil, dbn.UndefTime)), "-"},
		{string(appendHex(nil, make([]byte, 33))), strings.Repeat("00", 32) + "..."},
		{countsText(map[string]uint64{"A": 1, "C": 20, "B": 1}), "C 20  A 1  B 1"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

func TestBucketsHaveEverySample(t *testing.T) {
	h := hdrhistogram.New(1, 10_000_000_000, 2)
	for v := int64(0); v <= 10_000_000_000; v = v*3/2 + 1 {
		if err := h.RecordValue(v); err != nil {
			t.Fatal(err)
		}
	}
	var sum int64
	buckets := bucketsOf(h)
	for i, b := range buckets {
		sum += b.Count
		if b.FromNs >= b.ToNs || i > 0 && b.FromNs != buckets[i-1].ToNs {
			t.Errorf("bucket %d: %+v", i, b)
		}
	}
	if sum != h.TotalCount() || buckets[0].Count == 0 || buckets[len(buckets)-1].Count == 0 {
		t.Errorf("%d of %d samples in %d buckets", sum, h.TotalCount(), len(buckets))
	}
	if got := bucketsOf(hdrhistogram.New(1, 100, 2)); len(got) != 0 {
		t.Errorf("of nothing: %v", got)
	}
}

func TestTally(t *testing.T) {
	mbo := make([]byte, dbn.MboSize)
	mbo[mboAction] = 'T'
	c := newTally("dbn1/mbo")
	c.add(uint16(dbn.RTypeMbo), mbo)
	c.add(uint16(dbn.RTypeStatus), make([]byte, 40))
	c.use("dbn1/tbbo")
	c.add(uint16(dbn.RTypeMbp1), make([]byte, 80))
	c.use(itchSchema)
	c.add('A', make([]byte, 36))
	c.use("somebody's own")
	c.add(7, nil)
	got := countsText(c.byType())
	if want := "A 1  T 1  status 1  tbbo 1  type-7 1"; got != want || c.messages != 5 || c.bytes != 56+40+80+36 {
		t.Errorf("%s (%d messages, %d bytes), want %s", got, c.messages, c.bytes, want)
	}
	if n := testing.AllocsPerRun(1000, func() { c.add(7, mbo) }); n != 0 {
		t.Errorf("%v allocations a message", n)
	}
}
