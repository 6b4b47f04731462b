package serve

import (
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/proto"

	"github.com/tickring/tickring/ring"
	"github.com/tickring/tickring/ring/monitor"
)

// All metrics but the histograms, as https://prometheus.io/docs/practices/naming/ has
// names: base units, and _total for what only grows.

func serverFamilies(s *Server) []family[*view] {
	return []family[*view]{
		gauge("tickring_monitor_rings", "Rings that were looked at, or for.", func(v *view) float64 { return float64(len(v.Rings)) }),
		gauge("tickring_monitor_directory_readable", "1 if the directory of rings could be read.", func(v *view) float64 { return truth(v.Error == "") }),
		gauge("tickring_monitor_look_timestamp_seconds", "When the rings were looked at.", func(v *view) float64 { return unix(v.Time) }),
		gauge("tickring_monitor_look_duration_seconds", "How long it took to look at all rings.", func(v *view) float64 { return v.Took.Seconds() }),
		counter("tickring_monitor_looks_total", "Times the rings were looked at.", func(v *view) uint64 { return v.polls }),
		counter("tickring_http_requests_total", "HTTP requests answered.", func(*view) uint64 { return s.answered.Load() }),
		counter("tickring_http_requests_refused_total", "HTTP requests refused because there were too many at once.", func(*view) uint64 { return s.refused.Load() }),
	}
}

func ringFamilies() []family[*monitor.Ring] {
	return []family[*monitor.Ring]{
		always(gauge("tickring_ring_present", "0 if there is no such ring, but the server was told to look at it.", func(r *monitor.Ring) float64 { return truth(!r.Absent) })),
		{name: "tickring_ring_readable", help: "1 if nothing is wrong with the ring.", always: true, value: func(r *monitor.Ring) (float64, bool) { return truth(r.Error == ""), !r.Absent }},
		{name: "tickring_ring_messages_total", help: "Messages published: the number of the last one.", counter: true, value: func(r *monitor.Ring) (float64, bool) { return float64(r.Last), numbered(r) }},
		{name: "tickring_ring_messages_held", help: "Messages that the ring still has.", value: func(r *monitor.Ring) (float64, bool) {
			if r.Last < r.Oldest || r.Oldest == 0 {
				return 0, numbered(r)
			}
			return float64(r.Last - r.Oldest + 1), true
		}},
		counter("tickring_ring_publishers_total", "Publishers that the ring has had.", func(r *monitor.Ring) uint64 { return r.Epoch }),
		counter("tickring_ring_back_pressure_total", "Times a gate held the publisher.", func(r *monitor.Ring) uint64 { return r.Refused }),
		always(counter("tickring_ring_replaced_total", "Times another file came under the ring's name, since the server was started.", func(r *monitor.Ring) uint64 { return r.Replaced })),
		gauge("tickring_ring_capacity_bytes", "Size of the ring.", func(r *monitor.Ring) float64 { return float64(r.Capacity) }),
		gauge("tickring_ring_message_limit_bytes", "Size of the largest message that the ring takes.", func(r *monitor.Ring) float64 { return float64(r.MaxMessage) }),
		gauge("tickring_ring_heartbeat_age_seconds", "How long ago the publisher's heart last beat.", func(r *monitor.Ring) float64 { return r.Beat.Seconds() }),
		{name: "tickring_ring_opened_timestamp_seconds", help: "When the ring's last publisher opened it.", value: func(r *monitor.Ring) (float64, bool) { return unix(r.Opened), isTime(r.Opened) }},
		gauge("tickring_ring_waker", "1 if somebody wakes the subscribers that sleep.", func(r *monitor.Ring) float64 { return truth(r.Waker) }),
	}
}

// numbered says whether it is known which messages a ring has.
func numbered(r *monitor.Ring) bool { return r.Error == "" || r.Last > 0 }

// publisherFamilies are for rings whose Late is not nil.
func publisherFamilies() []family[*monitor.Ring] {
	return []family[*monitor.Ring]{
		always(gauge("tickring_publisher_readable", "1 if nothing is wrong with the file in which the publisher records how late it is.", func(r *monitor.Ring) float64 { return truth(r.Late.Error == "") })),
		gauge("tickring_publisher_lateness_max_seconds", "The latest that the publisher ever was.", func(r *monitor.Ring) float64 { return seconds(r.Late.Start.Max) }),
		counter("tickring_publisher_spikes_total", "Times the publisher was late by its threshold or more.", func(r *monitor.Ring) uint64 { return r.Late.Spikes.Spikes }),
	}
}

func subscriberFamilies() []family[*monitor.Subscriber] {
	type s = *monitor.Subscriber
	return []family[s]{
		always(gauge("tickring_subscriber_readable", "1 if nothing is wrong with the subscriber's file.", func(s s) float64 { return truth(s.Error == "") })),
		gauge("tickring_subscriber_lag_messages", "Messages published and not read.", func(s s) float64 { return float64(s.Lag) }),
		{name: "tickring_subscriber_lag_seconds", help: "How long ago the first message that is not read was published; not there if unknown.",
			value: func(s s) (float64, bool) { return s.LagTime.Seconds(), s.LagTime >= 0 }},
		counter("tickring_subscriber_messages_total", "Messages read since the subscriber was opened.", func(s s) uint64 { return s.Delivered }),
		counter("tickring_subscriber_bytes_total", "Bytes of messages read since the subscriber was opened.", func(s s) uint64 { return s.Bytes }),
		counter("tickring_subscriber_lost_messages_total", "Messages that were overwritten before they were read.", func(s s) uint64 { return s.Lost }),
		counter("tickring_subscriber_overruns_total", "Times the publisher lapped the subscriber.", func(s s) uint64 { return s.Overruns }),
		counter("tickring_subscriber_sleeps_total", "Times the subscriber slept until it was woken.", func(s s) uint64 { return s.Sleeps }),
		counter("tickring_subscriber_negative_latencies_total", "Messages read before they were published, says the clock.", func(s s) uint64 { return s.Negative }),
		counter("tickring_subscriber_latencies_beyond_range_total", "Latencies above 10 s, which the histogram counts as 10 s.", func(s s) uint64 { return s.TooLong }),
		gauge("tickring_subscriber_unmoved_seconds", "For how long the subscriber has not moved.", func(s s) float64 { return s.Moved.Seconds() }),
		{name: "tickring_subscriber_opened_timestamp_seconds", help: "When the subscriber was opened.", value: func(s s) (float64, bool) { return unix(s.Opened), isTime(s.Opened) }},
		gauge("tickring_read_latency_max_seconds", "The largest latency since the subscriber was opened.", func(s s) float64 { return seconds(s.Start.Max) }),
		counter("tickring_subscriber_spikes_total", "Latencies of at least the subscriber's threshold; such messages in a row are one.", func(s s) uint64 { return s.Spikes.Spikes }),
		counter("tickring_subscriber_spike_messages_total", "Messages with a latency of at least the subscriber's threshold.", func(s s) uint64 { return s.Spikes.Messages }),
		{name: "tickring_subscriber_spike_threshold_seconds", help: "From which latency on a subscriber records spikes; not there if it does not.",
			value: func(s s) (float64, bool) { return s.Spikes.Threshold.Seconds(), s.Spikes.Threshold > 0 }},
	}
}

// recentSpikes counts the spikes that are still listed by their cause. Causes that none has
// are not told.
func recentSpikes(subs []labelled[*monitor.Subscriber]) *dto.MetricFamily {
	out := newFamily("tickring_subscriber_recent_spikes", "Spikes by cause, of those still in the subscriber's list.", dto.MetricType_GAUGE, 0)
	for _, l := range subs {
		causes := map[string]int{}
		for _, spike := range l.of.Spikes.List {
			causes[spike.Cause.String()]++
		}
		for cause, n := range causes {
			out.Metric = append(out.Metric, &dto.Metric{Label: withLabel(l.labels, pairs("cause", cause)[0]), Gauge: &dto.Gauge{Value: proto.Float64(float64(n))}})
		}
	}
	return out
}

func publisherStates() (words []string) {
	for _, l := range []ring.Life{ring.Live, ring.Hung, ring.Dead, ring.Ended, ring.Replaced} {
		words = append(words, l.String())
	}
	return words
}

func subscriberStates() []string {
	return []string{monitor.StateReading, monitor.StateStuck, monitor.StateDead, monitor.StateClosed, monitor.StateNew, monitor.StateBroken}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func seconds(ns int64) float64 { return float64(ns) / 1e9 }

func unix(t time.Time) float64 { return float64(t.UnixNano()) / 1e9 }

// isTime is false for what stands for no time, in Go or in a ring's files.
func isTime(t time.Time) bool { return !t.IsZero() && t.UnixNano() != 0 }

// label is what can be the value of one: what a ring tells of itself may be anything.
func label(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
