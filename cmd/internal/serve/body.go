package serve

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// body is what is answered, as it is and, from a size on that is worth it, compressed.
type body struct {
	contentType string
	plain       []byte
	zipped      func() []byte // nil: not worth it
}

const zipFrom = 4 << 10

func newBody(contentType string, plain []byte) *body {
	b := &body{contentType: contentType, plain: plain}
	if len(plain) >= zipFrom {
		b.zipped = sync.OnceValue(func() []byte { return zip(plain) })
	}
	return b
}

func zip(plain []byte) []byte {
	var out bytes.Buffer
	w, _ := gzip.NewWriterLevel(&out, gzip.BestSpeed) // a level that there is
	w.Write(plain)                                    // to memory: no error
	w.Close()
	return out.Bytes()
}

func jsonBody(v any) (*body, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return newBody("application/json", append(plain, '\n')), nil
}

// write answers a request. net/http leaves the body out for HEAD.
func (b *body) write(w http.ResponseWriter, r *http.Request, code int) {
	h := w.Header()
	h.Set("Content-Type", b.contentType)
	plain := b.plain
	if b.zipped != nil {
		h.Set("Vary", "Accept-Encoding")
		if acceptsGzip(r.Header.Values("Accept-Encoding")) {
			h.Set("Content-Encoding", "gzip")
			plain = b.zipped()
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(plain)))
	w.WriteHeader(code)
	w.Write(plain)
}

// acceptsGzip reads Accept-Encoding (RFC 9110, 12.5.3). What it cannot read accepts nothing.
func acceptsGzip(values []string) bool {
	for _, coding := range strings.Split(strings.Join(values, ","), ",") {
		name, weight, weighed := strings.Cut(coding, ";")
		if !strings.EqualFold(strings.TrimSpace(name), "gzip") {
			continue
		}
		if !weighed {
			return true
		}
		q, found := strings.CutPrefix(strings.TrimSpace(weight), "q=")
		v, err := strconv.ParseFloat(q, 64)
		return found && err == nil && v > 0
	}
	return false
}

// answerError answers with one sentence.
func answerError(w http.ResponseWriter, r *http.Request, code int, sentence string) {
	b, err := jsonBody(struct {
		Error string `json:"error"`
	}{sentence})
	if err != nil {
		panic(err) // a string is JSON
	}
	b.write(w, r, code)
}
