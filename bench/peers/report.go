package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// A report is peers.json.
type report struct {
	Began       time.Time `json:"began"`
	Ended       time.Time `json:"ended"`
	Interrupted bool      `json:"interrupted"` // it holds what was there by then
	RoundsBegun int       `json:"rounds_begun"`
	Settings    settings  `json:"settings"`
	Machine     machine   `json:"machine"`
	Limit       entry     `json:"limit"`
	Tickring    entry     `json:"tickring"`
	Peers       []entry   `json:"peers"`
}

// fill puts the rounds into the report; peers in the order given.
func (r *report) fill(rounds []round, peers []peer, skipped map[string]string, faults map[string][]string) {
	r.RoundsBegun = len(rounds)
	r.Limit, r.Tickring = merge(limitName, rounds), merge(tickringName, rounds)
	r.Tickring.Faults = faults[tickringName]
	for _, p := range peers {
		e := merge(p.name, rounds)
		e.Skipped, e.Faults = skipped[p.name], faults[p.name]
		r.Peers = append(r.Peers, e)
	}
}

// write writes peers.json and peers.md into a directory, which it makes.
func (r *report) write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("-o: %w", err)
	}
	whole, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return fmt.Errorf("peers.json: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "peers.json"), append(whole, '\n'), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "peers.md"), []byte(r.markdown()), 0o644)
}
