package serve

import (
	"math"
	"strconv"
	"strings"

	dto "github.com/prometheus/client_model/go"
)

// textType is the content type of the text format, version 0.0.4.
const textType = "text/plain; version=0.0.4; charset=utf-8"

// appendText writes a family of counters, gauges or histograms in Prometheus' text format,
// to the byte as package expfmt does; that checks each name anew for each line, which takes
// most of the time of a large scrape.
func appendText(b []byte, f *dto.MetricFamily) []byte {
	name := f.GetName()
	b = append(append(append(b, "# HELP "...), name...), ' ')
	b = append(append(b, strings.NewReplacer(`\`, `\\`, "\n", `\n`).Replace(f.GetHelp())...), '\n')
	b = append(append(append(b, "# TYPE "...), name...), ' ')
	b = append(append(b, strings.ToLower(f.GetType().String())...), '\n')
	var labels []byte
	for _, m := range f.Metric {
		labels = labels[:0]
		for i, l := range m.Label {
			if i > 0 {
				labels = append(labels, ',')
			}
			labels = append(append(labels, l.GetName()...), `="`...)
			labels = append(appendQuoted(labels, l.GetValue()), '"')
		}
		switch {
		case m.Counter != nil:
			b = appendSample(b, name, "", labels, m.Counter.GetValue())
		case m.Gauge != nil:
			b = appendSample(b, name, "", labels, m.Gauge.GetValue())
		case m.Histogram != nil:
			b = appendHistogram(b, name, labels, m.Histogram)
		}
	}
	return b
}

func appendHistogram(b []byte, name string, labels []byte, h *dto.Histogram) []byte {
	plain := len(labels)
	if plain > 0 {
		labels = append(labels, ',')
	}
	labels = append(labels, `le="`...)
	le := len(labels)
	for _, bucket := range h.Bucket {
		labels = append(appendFloat(labels[:le], bucket.GetUpperBound()), '"')
		b = appendSample(b, name, "_bucket", labels, float64(bucket.GetCumulativeCount()))
	}
	labels = append(labels[:le], `+Inf"`...)
	b = appendSample(b, name, "_bucket", labels, float64(h.GetSampleCount()))
	b = appendSample(b, name, "_sum", labels[:plain], h.GetSampleSum())
	return appendSample(b, name, "_count", labels[:plain], float64(h.GetSampleCount()))
}

func appendSample(b []byte, name, suffix string, labels []byte, value float64) []byte {
	b = append(append(b, name...), suffix...)
	if len(labels) > 0 {
		b = append(append(append(b, '{'), labels...), '}')
	}
	b = appendFloat(append(b, ' '), value)
	return append(b, '\n')
}

func appendFloat(b []byte, v float64) []byte {
	if n := uint64(v); float64(n) == v && n < 1e6 && !math.Signbit(v) { // where both ways write the same
		return strconv.AppendUint(b, n, 10)
	}
	return strconv.AppendFloat(b, v, 'g', -1, 64)
}

func appendQuoted(b []byte, s string) []byte {
	for i := range len(s) {
		switch c := s[i]; c {
		case '\\', '"':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, `\n`...)
		default:
			b = append(b, c)
		}
	}
	return b
}
