package serve

import (
	"bytes"
	"net/http"
	"sync"

	"github.com/prometheus/common/expfmt"
)

// scrape answers with the metrics of the newest snapshot, in the form that was asked for.
// A snapshot's metrics are made once, whoever asks how often.
func (s *Server) scrape(w http.ResponseWriter, r *http.Request) {
	forms := s.watch.newest.Load().metrics
	form := forms.text
	switch expfmt.NegotiateIncludingOpenMetrics(r.Header).FormatType() {
	case expfmt.TypeProtoDelim:
		form = forms.proto
	case expfmt.TypeOpenMetrics:
		form = forms.open
	}
	b, err := form()
	if err != nil {
		answerError(w, r, http.StatusInternalServerError, err.Error())
		return
	}
	b.write(w, r, http.StatusOK)
}

// scrapes are the metrics of a snapshot in all forms that there are. Only proto has native
// histograms.
type scrapes struct {
	text, open, proto func() (*body, error)
}

func newScrapes(g gatherer) *scrapes {
	families := sync.OnceValues(g.Gather)
	form := func(kind expfmt.FormatType) func() (*body, error) {
		return sync.OnceValues(func() (*body, error) {
			all, err := families()
			if err != nil {
				return nil, err
			}
			format := expfmt.NewFormat(kind)
			var out bytes.Buffer
			e := expfmt.NewEncoder(&out, format)
			for _, f := range all {
				if err := e.Encode(f); err != nil {
					return nil, err
				}
			}
			if c, ok := e.(expfmt.Closer); ok {
				if err := c.Close(); err != nil {
					return nil, err
				}
			}
			return newBody(string(format), out.Bytes()), nil
		})
	}
	return &scrapes{form(expfmt.TypeTextPlain), form(expfmt.TypeOpenMetrics), form(expfmt.TypeProtoDelim)}
}
