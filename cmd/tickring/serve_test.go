package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tickring/tickring/ring/monitor"
)

// served is a running tickring serve.
type served struct {
	*process
	url string // of the page
}

func (h *host) serve(args ...string) served {
	h.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		h.Fatal(err)
	}
	defer r.Close()
	p := h.startTo(w, append([]string{"serve", "--listen", "127.0.0.1:0", "--every", "10ms"}, args...)...)
	w.Close()
	url, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		h.Fatalf("serve did not say where it listens: %v\n%s", err, p.stderr.String())
	}
	return served{p, strings.TrimSpace(url)}
}

func (s served) get(path string) (code int, body []byte) {
	s.host.Helper()
	r, err := http.Get(s.url + path)
	if err != nil {
		s.host.Fatal(err)
	}
	defer r.Body.Close()
	if body, err = io.ReadAll(r.Body); err != nil {
		s.host.Fatal(err)
	}
	return r.StatusCode, body
}

// until asks for all rings until they are as wanted.
func (s served) until(what string, wanted func(rings map[string]monitor.Ring) bool) {
	s.host.Helper()
	var body []byte
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		var all monitor.Snapshot
		_, body = s.get("api/v1/rings")
		if err := json.Unmarshal(body, &all); err != nil {
			s.host.Fatalf("%v: %s", err, body)
		}
		rings := map[string]monitor.Ring{}
		for _, r := range all.Rings {
			rings[r.Name] = r
		}
		if wanted(rings) {
			return
		}
	}
	s.host.Fatalf("serve never says that %s: %s", what, body)
}

// contents is the names, sizes, times and bytes of all files of the rings.
func (h *host) contents() string {
	h.Helper()
	sum := sha256.New()
	err := filepath.WalkDir(h.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		sum.Write(b)
		return err
	})
	if err != nil {
		h.Fatal(err)
	}
	return fmt.Sprintf("%s%x", h.snapshot(), sum.Sum(nil))
}

func TestServeOnlyReads(t *testing.T) {
	h := newHost(t)
	path, _, _ := h.mboFile("session.dbn", 5000)
	sub := h.start("sub", "feed", "--name", "one", "--until-closed")
	sub.await("waiting for it")
	h.replay(path, "--ring", "feed", "--wait", "1", "--capacity", "1M", "--gate", "two,drop-dead")
	sub.want(exitOK)
	before := h.contents()
	s := h.serve()
	for path, word := range map[string]string{
		"":                                  "<html",
		"metrics":                           `tickring_subscriber_messages_total{ring="feed",subscriber="one"} 5000`,
		"healthz":                           "ok",
		"openapi.json":                      "openapi",
		"api/v1/rings":                      `"name":"feed"`,
		"api/v1/rings/feed":                 `"last_seq":5000`,
		"api/v1/rings/feed/subscribers/one": `"delivered":5000`,
		"api/v1/rings/feed/subscribers/one/curves": `{"percentile":100,`,
		"api/v1/rings/feed/subscribers/one/heat":   `"edges_ns"`,
		"api/v1/rings/feed/subscribers/one/spikes": `"threshold_ns":`,
		"api/v1/rings/feed/subscribers/two":        `"state":"new"`,
	} {
		if code, body := s.get(path); code != http.StatusOK || !strings.Contains(string(body), word) {
			t.Errorf("/%s: %d, no %q in %s", path, code, word, body)
		}
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch} {
		r, err := http.NewRequest(method, s.url+"api/v1/rings/feed", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s: %s", method, answer.Status)
		}
	}
	if after := h.contents(); after != before {
		t.Errorf("serving has changed something:\n%s\n%s", before, after)
	}
	s.signal(syscall.SIGTERM)
	s.want(exitOK)
	if after := h.contents(); after != before {
		t.Errorf("the end of serving has changed something:\n%s\n%s", before, after)
	}
}

// What becomes of a ring while it is served is said.
func TestServeWhileRingsComeAndGo(t *testing.T) {
	h := newHost(t)
	path, _, _ := h.mboFile("session.dbn", 100)
	s := h.serve()
	s.until("there is none", func(rings map[string]monitor.Ring) bool { return len(rings) == 0 })
	h.replay(path, "--ring", "feed", "--capacity", "1M")
	s.until("it is there", func(rings map[string]monitor.Ring) bool { return rings["feed"].Last == 100 })
	h.replay(path, "--ring", "feed", "--capacity", "2M")
	s.until("it was replaced", func(rings map[string]monitor.Ring) bool {
		return rings["feed"].Replaced == 1 && rings["feed"].Capacity == 2<<20
	})
	file := filepath.Join(h.dir, "feed", "ring")
	good := h.read(file)
	if err := os.Truncate(file, 4096); err != nil {
		t.Fatal(err)
	}
	s.until("it is cut short", func(rings map[string]monitor.Ring) bool { return rings["feed"].Error != "" })
	if code, body := s.get("metrics"); code != http.StatusOK || !strings.Contains(string(body), `tickring_ring_readable{ring="feed"} 0`) {
		t.Errorf("%d %s", code, body)
	}
	if code, _ := s.get("healthz"); code != http.StatusOK {
		t.Errorf("health is %d because of a ring", code)
	}
	if err := os.WriteFile(file, good, 0o600); err != nil {
		t.Fatal(err)
	}
	s.until("it is whole again", func(rings map[string]monitor.Ring) bool {
		return rings["feed"].Error == "" && rings["feed"].Last == 200
	})
	h.run("rm", "feed").want(exitOK)
	s.until("it is gone", func(rings map[string]monitor.Ring) bool { return len(rings) == 0 })
	if code, body := s.get("api/v1/rings/feed"); code != http.StatusNotFound {
		t.Errorf("%d %s", code, body)
	}
	s.signal(syscall.SIGTERM)
	s.want(exitOK)
}

func TestServeRefuses(t *testing.T) {
	h := newHost(t)
	s := h.serve()
	address := strings.TrimSuffix(strings.TrimPrefix(s.url, "http://"), "/")
	h.run("serve", "--listen", address).want(exitError).sentence(address, "in use", "--listen")
	h.run("serve", "--listen", "0.0.0.0:0").want(exitUsage).sentence("0.0.0.0:0", "--allow-remote")
	h.run("serve", "--listen", "here").want(exitUsage).sentence("HOST:PORT")
	h.run("serve", "--every", "1ms").want(exitUsage).sentence("--every", "10ms")
	h.run("serve", "--requests", "0").want(exitUsage).sentence("--requests")
	h.run("serve", "a/b").want(exitUsage).sentence("a/b")
	s.signal(os.Interrupt)
	s.want(exitOK)
}
