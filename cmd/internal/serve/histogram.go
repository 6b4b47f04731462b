package serve

import (
	"math"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// A histogram of Prometheus that is classic and native at once: who scrapes takes the one
// he understands. An HDR bucket goes as a whole where its upper edge belongs, so that no
// latency is told shorter than it was; it is less than 1 % wide.

// nativeSchema is how fine native buckets are: each is 2^(1/8), 9 %, wider than the one before.
const nativeSchema = 3

// classicEdges are 1-2-5 of each decade from 50 ns to 5 s; what is above is in +Inf.
func classicEdges() (ns []int64) {
	for decade := int64(10); decade <= 1e9; decade *= 10 {
		for _, edge := range []int64{decade, 2 * decade, 5 * decade} {
			if edge >= 50 {
				ns = append(ns, edge)
			}
		}
	}
	return ns
}

// scale says where each bucket of an HDR histogram belongs.
type scale struct {
	edges   []float64 // of classic buckets, seconds
	buckets []scaled  // by HDR bucket
	first   int       // native bucket of the shortest latency above 0
	natives int       // from there to that of the longest
}

type scaled struct {
	classic int     // index in edges, or their number for +Inf
	native  int     // from scale.first on; -1: 0 ns
	middle  float64 // seconds
}

// newScale is for histograms of one geometry, which all subscribers have.
func newScale() *scale {
	longest := hdrhistogram.New(1, 10e9, 2)
	if err := longest.RecordValue(longest.HighestTrackableValue()); err != nil {
		panic(err) // it is trackable
	}
	edges := classicEdges()
	sc := &scale{first: nativeBucket(1)}
	for _, ns := range edges {
		sc.edges = append(sc.edges, float64(ns)/1e9)
	}
	classic := 0
	for _, bar := range longest.Distribution() { // all buckets up to the longest
		for classic < len(edges) && edges[classic] < bar.To {
			classic++
		}
		b := scaled{classic: classic, native: -1, middle: float64(bar.From+bar.To) / 2e9}
		if bar.To > 0 {
			b.native = nativeBucket(bar.To) - sc.first
			sc.natives = b.native + 1
		}
		sc.buckets = append(sc.buckets, b)
	}
	return sc
}

// nativeBucket i has what is above 2^((i-1)/8) and at most 2^(i/8) seconds.
func nativeBucket(ns int64) int {
	return int(math.Ceil(math.Log2(float64(ns)/1e9) * (1 << nativeSchema)))
}

// histogram is h for Prometheus. Its sum is that of the middles of buckets, which is what
// h knows.
func (sc *scale) histogram(h *hdrhistogram.Histogram, since time.Time) *dto.Histogram {
	classic, native := make([]uint64, len(sc.edges)+1), make([]int64, sc.natives)
	var count, zero uint64
	var sum float64
	for i, n := range h.Export().Counts {
		if n <= 0 {
			continue
		}
		b := sc.buckets[min(i, len(sc.buckets)-1)]
		count += uint64(n)
		sum += float64(n) * b.middle
		classic[b.classic] += uint64(n)
		if b.native < 0 {
			zero += uint64(n)
		} else {
			native[b.native] += n
		}
	}
	out := &dto.Histogram{
		SampleCount: &count, SampleSum: &sum,
		Schema: proto.Int32(nativeSchema), ZeroThreshold: proto.Float64(prometheus.DefNativeHistogramZeroThreshold), ZeroCount: &zero,
		Bucket: sc.classic(classic),
	}
	out.PositiveSpan, out.PositiveDelta = spans(native, sc.first)
	if isTime(since) {
		out.CreatedTimestamp = timestamppb.New(since)
	}
	return out
}

func (sc *scale) classic(counts []uint64) []*dto.Bucket {
	type bucket struct {
		dto   dto.Bucket
		count uint64
	}
	buckets := make([]bucket, len(sc.edges)) // +Inf is the histogram's count
	out := make([]*dto.Bucket, len(sc.edges))
	var sum uint64
	for i := range sc.edges {
		sum += counts[i]
		b := &buckets[i]
		b.count = sum
		b.dto.CumulativeCount, b.dto.UpperBound = &b.count, &sc.edges[i]
		out[i] = &b.dto
	}
	return out
}

// spans writes native buckets, counts[0] being that of number first, as Prometheus has them:
// runs of buckets, with the distance to the run before, and of each count the difference to
// the one before. A gap of one or two is cheaper as empty buckets than as another run.
func spans(counts []int64, first int) (runs []*dto.BucketSpan, deltas []int64) {
	next, before := 0, int64(0) // next bucket is of number next
	for i, n := range counts {
		if n == 0 {
			continue
		}
		gap := first + i - next
		if len(runs) == 0 || gap > 2 {
			runs = append(runs, &dto.BucketSpan{Offset: proto.Int32(int32(gap)), Length: proto.Uint32(0)})
			gap = 0
		}
		for range gap {
			deltas = append(deltas, -before)
			before = 0
		}
		deltas = append(deltas, n-before)
		before = n
		*runs[len(runs)-1].Length += uint32(gap) + 1
		next = first + i + 1
	}
	return runs, deltas
}
