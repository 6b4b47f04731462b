package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"sync/atomic"
	"time"
)

// lookParams are those of the process that has monitors look.
type lookParams struct {
	CPU        int // or anyCPU
	Top, Serve []string
}

// lookReport is what they did until the next command came.
type lookReport struct {
	Scrapes, Failed, Bytes, Drawn uint64
	CPU, Elapsed                  time.Duration
}

func (r *lookReport) add(o lookReport) {
	r.Scrapes += o.Scrapes
	r.Failed += o.Failed
	r.Bytes += o.Bytes
	r.Drawn += o.Drawn
	r.CPU += o.CPU
	r.Elapsed += o.Elapsed
}

// looker starts the monitors, which run where it does, and asks for metrics. It is ready
// when there was a first frame and a first answer.
func looker(c *child) error {
	var p lookParams
	if err := json.Unmarshal(c.params, &p); err != nil {
		return err
	}
	if p.CPU != anyCPU {
		return look(c, p)
	}
	// This thread is pinned, and so would be the processes that it starts.
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // with whose end they would end
		done <- look(c, p)
	}()
	return <-done
}

const lookEvery = 100 * time.Millisecond

func look(c *child, p lookParams) error {
	before, err := processTime()
	if err != nil {
		return err
	}
	var ms monitors
	defer ms.end()
	if len(p.Top) > 0 {
		if err := ms.startTop(p.Top); err != nil {
			return fmt.Errorf("%s: %w", p.Top[0], err)
		}
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	var r lookReport
	if len(p.Serve) > 0 {
		url, err := ms.startServe(p.Serve)
		if err != nil {
			return fmt.Errorf("%s: %w", p.Serve[0], err)
		}
		for until := time.Now().Add(patience); ; time.Sleep(lookEvery / 10) {
			n, err := scrape(url)
			if err == nil && n > 0 {
				break
			}
			if time.Now().After(until) {
				return fmt.Errorf("%s has not answered for %v: %w", url, patience, err)
			}
		}
		go func() {
			defer close(stopped)
			tick := time.NewTicker(lookEvery)
			defer tick.Stop()
			for {
				select {
				case <-stop:
					return
				case <-tick.C:
				}
				n, err := scrape(url)
				if err != nil {
					r.Failed++
					continue
				}
				r.Scrapes++
				r.Bytes += uint64(n)
			}
		}()
	} else {
		close(stopped)
	}
	for until := time.Now().Add(patience); len(p.Top) > 0 && ms.drawn.Load() == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(until) {
			return fmt.Errorf("%s has drawn nothing for %v", p.Top[0], patience)
		}
	}
	began := time.Now()
	if err := c.reply(nil); err != nil {
		return err
	}
	var end struct{}
	if !c.next(&end) {
		return nil
	}
	close(stop)
	<-stopped
	r.Elapsed = time.Since(began)
	after, err := processTime()
	if err != nil {
		return err
	}
	r.Drawn, r.CPU = ms.drawn.Load(), ms.end()+after-before
	return c.reply(&r)
}

// scrape asks for all metrics, as Prometheus does, and returns how many bytes they are.
func scrape(url string) (int64, error) {
	client := http.Client{Timeout: 5 * time.Second}
	res, err := client.Get(url + "/metrics")
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("GET %s/metrics: %s", url, res.Status)
	}
	return io.Copy(io.Discard, res.Body)
}

// drain reads what is drawn.
func drain(r io.Reader, n *atomic.Uint64) {
	buf := make([]byte, 1<<16)
	for {
		k, err := r.Read(buf)
		n.Add(uint64(k))
		if err != nil {
			return
		}
	}
}
