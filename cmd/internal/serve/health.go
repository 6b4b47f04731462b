package serve

import (
	"fmt"
	"net/http"
	"time"
)

// health says whether what is served is of now. What is wrong with a ring is none of it.
func (s *Server) health(w http.ResponseWriter, r *http.Request) {
	v := s.watch.newest.Load()
	switch age, most := time.Since(v.Time), max(5*s.cfg.Every, 5*time.Second); {
	case age > most:
		answerError(w, r, http.StatusServiceUnavailable, fmt.Sprintf("nobody has looked at the rings for %v", age.Round(time.Millisecond)))
	case v.Error != "":
		answerError(w, r, http.StatusServiceUnavailable, v.Error)
	default:
		answer(w, r, health{
			Status: "ok", Version: s.cfg.Version, Looks: v.polls, AgeNs: age, EveryNs: s.cfg.Every, Rings: len(v.Rings),
		})
	}
}

type health struct {
	Status  string        `json:"status"` // ok
	Version string        `json:"version"`
	Looks   uint64        `json:"looks"` // at the rings, so far
	AgeNs   time.Duration `json:"age_ns"`
	EveryNs time.Duration `json:"every_ns"`
	Rings   int           `json:"rings"`
}
