package serve

import (
	"io/fs"
	"net/http"
	"path"

	"github.com/tickring/tickring/cmd/internal/serve/page"
	"github.com/tickring/tickring/internal/text"
)

// route is a path, as http.ServeMux has them, and what answers it.
type route struct {
	path   string
	answer func(s *Server, w http.ResponseWriter, r *http.Request)
}

// routes are all there are; the OpenAPI description has the same.
func routes() []route {
	const ring, sub = "/api/v1/rings/{ring}", "/api/v1/rings/{ring}/subscribers/{subscriber}"
	const pub = ring + "/publisher"
	return []route{
		{"/{$}", file("index.html")},
		{"/static/{file}", static},
		{"/metrics", (*Server).scrape},
		{"/healthz", (*Server).health},
		{"/openapi.json", description},
		{"/api/v1/rings", (*Server).rings},
		{ring, (*Server).ring},
		{sub, (*Server).subscriber},
		{sub + "/curves", (*Server).curves},
		{sub + "/heat", (*Server).heat},
		{sub + "/spikes", (*Server).spikes},
		{pub + "/curves", (*Server).curves},
		{pub + "/heat", (*Server).heat},
		{pub + "/spikes", (*Server).spikes},
	}
}

// Handler answers requests, after it has refused those that are not for it.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, route := range routes() {
		mux.HandleFunc(route.path, func(w http.ResponseWriter, r *http.Request) { route.answer(s, w, r) })
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		answerError(w, r, http.StatusNotFound, "there is nothing at this path; /openapi.json lists all there is")
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		if !s.permit(w, r) {
			return
		}
		select {
		case s.busy <- struct{}{}:
			defer func() { <-s.busy }()
		default:
			s.refused.Add(1)
			h.Set("Retry-After", "1")
			answerError(w, r, http.StatusServiceUnavailable, "too many requests at once; ask again in a second")
			return
		}
		if s.watch.newest.Load() == nil {
			answerError(w, r, http.StatusServiceUnavailable, "nobody has looked at the rings yet; ask again in a second")
			return
		}
		s.answered.Add(1)
		mux.ServeHTTP(w, r)
	})
}

// permit answers requests that are refused, and returns false for them.
func (s *Server) permit(w http.ResponseWriter, r *http.Request) bool {
	h := w.Header()
	switch {
	case !s.hosts.has(r.Host):
		answerError(w, r, http.StatusForbidden, "this server does not go by the name that the request has for it; ask by its address, or start it with --host NAME")
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		h.Set("Allow", "GET, HEAD")
		h.Set("Connection", "close") // or its body would be read
		answerError(w, r, http.StatusMethodNotAllowed, "only GET and HEAD: nothing here can be changed")
	case r.ContentLength != 0:
		h.Set("Connection", "close")
		answerError(w, r, http.StatusBadRequest, "a request has no body here")
	default:
		return true
	}
	return false
}

func static(s *Server, w http.ResponseWriter, r *http.Request) {
	file(r.PathValue("file"))(s, w, r)
}

// file answers with a file of the page.
func file(name string) func(*Server, http.ResponseWriter, *http.Request) {
	return func(_ *Server, w http.ResponseWriter, r *http.Request) {
		contentType := contentTypes()[path.Ext(name)]
		content, err := fs.ReadFile(page.FS(), name)
		if err != nil || contentType == "" {
			answerError(w, r, http.StatusNotFound, "the page has no file "+text.Clipped(name))
			return
		}
		newBody(contentType, content).write(w, r, http.StatusOK)
	}
}

// contentTypes are those of the page's files; what the host's tables say may be anything.
func contentTypes() map[string]string {
	return map[string]string{
		".html": "text/html; charset=utf-8",
		".css":  "text/css; charset=utf-8",
		".js":   "text/javascript; charset=utf-8",
		".svg":  "image/svg+xml",
	}
}
