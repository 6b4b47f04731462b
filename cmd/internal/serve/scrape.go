package serve

import (
	"bytes"
	"net/http"
	"sync"

	"github.com/prometheus/common/expfmt"
)

// scrape answers with the metrics of the newest snapshot, in the form that was asked for.
func (s *Server) scrape(w http.ResponseWriter, r *http.Request) {
	forms := s.watch.newest.Load().metrics
	form := forms.text
	if expfmt.Negotiate(r.Header).FormatType() == expfmt.TypeProtoDelim {
		form = forms.proto
	}
	b, err := form()
	if err != nil {
		answerError(w, r, http.StatusInternalServerError, err.Error())
		return
	}
	b.write(w, r, http.StatusOK)
}

// scrapes are the metrics of a snapshot in the forms that there are. Each is made once,
// whoever asks how often. Only proto has native histograms.
type scrapes struct {
	text, proto func() (*body, error)
}

func newScrapes(g gatherer) *scrapes {
	gather := sync.OnceValues(g.Gather)
	in := func(form expfmt.FormatType) func() (*body, error) {
		return sync.OnceValues(func() (*body, error) {
			families, err := gather()
			if err != nil {
				return nil, err
			}
			var out bytes.Buffer
			format := expfmt.NewFormat(form)
			e := expfmt.NewEncoder(&out, format)
			for _, f := range families {
				if err := e.Encode(f); err != nil {
					return nil, err
				}
			}
			return newBody(string(format), out.Bytes()), nil
		})
	}
	return &scrapes{text: in(expfmt.TypeTextPlain), proto: in(expfmt.TypeProtoDelim)}
}
