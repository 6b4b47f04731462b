package page_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for what has to come. It is not an expectation.
const patience = 2 * time.Minute

// browser is a chromium without a window, driven by the DevTools protocol: JSON on two pipes,
// each message ended by a zero byte.
type browser struct {
	to *os.File

	mu      sync.Mutex
	last    int
	answers map[int]chan message
	tabs    map[string]*tab // by session
	ended   error
}

type message struct {
	ID      int             `json:"id,omitempty"`
	Session string          `json:"sessionId,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  any             `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *struct {
		Message string `json:"message"`
	} `json:"error,omitempty"`
}

// startBrowser starts one, which ends with the test. It skips the test if there is none.
func startBrowser(t *testing.T) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("there is no chromium to load the page in")
	}
	profile, err := os.MkdirTemp("", "tickring-page-")
	if err != nil {
		t.Fatal(err)
	}
	hears, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	from, says, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars", "--lang=en-US", "--remote-debugging-pipe", "--user-data-dir="+profile, "about:blank")
	cmd.ExtraFiles = []*os.File{hears, says} // 3 and 4
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	hears.Close()
	says.Close()
	b := &browser{to: to, answers: map[int]chan message{}, tabs: map[string]*tab{}}
	go b.read(from)
	t.Cleanup(func() {
		kill := time.AfterFunc(patience, func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
		b.call("", "Browser.close", nil, nil) // it waits for its children
		cmd.Wait()
		kill.Stop()
		to.Close()
		from.Close()
		os.RemoveAll(profile)
	})
	return b
}

func (b *browser) read(from *os.File) {
	r := bufio.NewReader(from)
	for {
		line, err := r.ReadBytes(0)
		if err != nil {
			b.mu.Lock()
			b.ended = fmt.Errorf("the browser has ended: %w", err)
			for _, answer := range b.answers {
				close(answer)
			}
			b.answers = nil
			b.mu.Unlock()
			return
		}
		var m message
		var params json.RawMessage
		m.Params = &params
		if json.Unmarshal(line[:len(line)-1], &m) != nil {
			continue
		}
		b.mu.Lock()
		answer, tab := b.answers[m.ID], b.tabs[m.Session]
		delete(b.answers, m.ID)
		b.mu.Unlock()
		switch {
		case answer != nil:
			answer <- m
		case tab != nil:
			tab.event(m.Method, params)
		}
	}
}

// call sends a command and reads its result into result, if that is not nil.
func (b *browser) call(session, method string, params, result any) error {
	b.mu.Lock()
	if b.ended != nil {
		b.mu.Unlock()
		return b.ended
	}
	b.last++
	m := message{ID: b.last, Session: session, Method: method, Params: params}
	answer := make(chan message, 1)
	b.answers[m.ID] = answer
	line, err := json.Marshal(m)
	if err == nil {
		_, err = b.to.Write(append(line, 0))
	}
	b.mu.Unlock()
	if err != nil {
		return err
	}
	select {
	case m, ok := <-answer:
		switch {
		case !ok:
			return b.ended
		case m.Error != nil:
			return fmt.Errorf("%s: %s", method, m.Error.Message)
		case result == nil:
			return nil
		}
		return json.Unmarshal(m.Result, result)
	case <-time.After(patience):
		return fmt.Errorf("%s: no answer", method)
	}
}

// tab is a page that was loaded.
type tab struct {
	b       *browser
	session string

	mu       sync.Mutex
	gone     bool     // what the page asks for may be gone: the browser then says 404 by itself
	errors   []string // that the page or the browser wrote to the console, and exceptions
	requests []string // URLs
}

// open loads a page in a new tab. Its timers run five times as fast as they are meant to.
func (b *browser) open(t *testing.T, url string, width, height int) *tab {
	t.Helper()
	var target struct {
		ID string `json:"targetId"`
	}
	var attached struct {
		Session string `json:"sessionId"`
	}
	must(t, b.call("", "Target.createTarget", map[string]any{"url": "about:blank", "width": width, "height": height, "newWindow": true}, &target))
	must(t, b.call("", "Target.attachToTarget", map[string]any{"targetId": target.ID, "flatten": true}, &attached))
	tab := &tab{b: b, session: attached.Session}
	b.mu.Lock()
	b.tabs[tab.session] = tab
	b.mu.Unlock()
	t.Cleanup(func() { b.call("", "Target.closeTarget", map[string]any{"targetId": target.ID}, nil) })
	for _, domain := range []string{"Runtime", "Log", "Network", "Page"} {
		tab.call(t, domain+".enable", nil)
	}
	tab.call(t, "Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false})
	tab.call(t, "Page.addScriptToEvaluateOnNewDocument", map[string]any{"source": "{const slow = setTimeout; window.setTimeout = (f, ms) => slow(f, ms / 5);}"})
	tab.call(t, "Page.navigate", map[string]any{"url": url})
	return tab
}

func (tab *tab) call(t *testing.T, method string, params any) {
	t.Helper()
	must(t, tab.b.call(tab.session, method, params, nil))
}

func (tab *tab) event(method string, params json.RawMessage) {
	var p struct {
		Type    string                                        `json:"type"`
		Args    []struct{ Value, Description any }            `json:"args"`
		Entry   struct{ Level, Text, URL string }             `json:"entry"`
		Details struct{ Exception struct{ Description any } } `json:"exceptionDetails"`
		Request struct{ URL string }                          `json:"request"`
	}
	if json.Unmarshal(params, &p) != nil {
		return
	}
	tab.mu.Lock()
	defer tab.mu.Unlock()
	switch {
	case method == "Runtime.consoleAPICalled" && (p.Type == "error" || p.Type == "warning" || p.Type == "assert"):
		tab.errors = append(tab.errors, fmt.Sprint(p.Args))
	case method == "Log.entryAdded" && tab.gone && strings.Contains(p.Entry.Text, "status of 404"):
	case method == "Log.entryAdded" && p.Entry.Level == "error":
		tab.errors = append(tab.errors, p.Entry.Text+" "+p.Entry.URL)
	case method == "Runtime.exceptionThrown":
		tab.errors = append(tab.errors, fmt.Sprint(p.Details.Exception.Description))
	case method == "Network.requestWillBeSent":
		tab.requests = append(tab.requests, p.Request.URL)
	}
}

// mayBeGone says that from now on the page may ask for what is not there any more.
func (tab *tab) mayBeGone() {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	tab.gone = true
}

// clean checks that the page has complained of nothing, and asked nobody but its server.
func (tab *tab) clean(t *testing.T, origin string) {
	t.Helper()
	tab.mu.Lock()
	defer tab.mu.Unlock()
	if len(tab.errors) > 0 {
		t.Errorf("the console has %q", tab.errors)
	}
	if len(tab.requests) == 0 {
		t.Error("no request was seen")
	}
	for _, url := range tab.requests {
		if !strings.HasPrefix(url, origin) && url != "about:blank" {
			t.Errorf("the page asked for %s, which is not below %s", url, origin)
		}
	}
}

// eval returns what an expression of JavaScript, or its promise, comes to.
func eval[T any](t *testing.T, tab *tab, expression string) T {
	t.Helper()
	v, err := tryEval[T](tab, expression)
	must(t, err)
	return v
}

func tryEval[T any](tab *tab, expression string) (v T, err error) {
	var result struct {
		Result  struct{ Value json.RawMessage }
		Details *struct {
			Text      string
			Exception struct{ Description string }
		} `json:"exceptionDetails"`
	}
	err = tab.b.call(tab.session, "Runtime.evaluate", map[string]any{"expression": expression, "awaitPromise": true, "returnByValue": true}, &result)
	switch {
	case err != nil:
		return v, err
	case result.Details != nil:
		return v, fmt.Errorf("%s: %s %s", expression, result.Details.Text, result.Details.Exception.Description)
	case result.Result.Value == nil:
		return v, errors.New(expression + ": undefined")
	}
	return v, json.Unmarshal(result.Result.Value, &v)
}

// until waits for an expression to be true.
func (tab *tab) until(t *testing.T, expression string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		yes, err := tryEval[bool](tab, "Boolean("+expression+")")
		if yes {
			return
		}
		select {
		case <-ctx.Done():
			body, _ := tryEval[string](tab, "document.body.innerText")
			t.Fatalf("%s did not become true (%v) of the page\n%s", expression, err, body)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// click presses and lets go of the mouse in the middle of an element.
func (tab *tab) click(t *testing.T, selector string) {
	t.Helper()
	at := eval[[2]float64](t, tab, fmt.Sprintf("(() => { const b = document.querySelector(%q).getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; })()", selector))
	for _, kind := range []string{"mousePressed", "mouseReleased"} {
		tab.call(t, "Input.dispatchMouseEvent", map[string]any{"type": kind, "x": at[0], "y": at[1], "button": "left", "clickCount": 1})
	}
}

func (tab *tab) point(t *testing.T, x, y float64) {
	t.Helper()
	tab.call(t, "Input.dispatchMouseEvent", map[string]any{"type": "mouseMoved", "x": x, "y": y})
}

// press presses keys: single characters, or names as KeyboardEvent.key has them.
func (tab *tab) press(t *testing.T, keys ...string) {
	t.Helper()
	codes := map[string]int{"Enter": 13, "Escape": 27, "End": 35, "Home": 36, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Tab": 9}
	for _, key := range keys {
		down := map[string]any{"type": "keyDown", "key": key, "windowsVirtualKeyCode": codes[key]}
		switch {
		case key == "Enter":
			down["text"] = "\r"
		case len(key) == 1:
			down["text"] = key
		}
		tab.call(t, "Input.dispatchKeyEvent", down)
		tab.call(t, "Input.dispatchKeyEvent", map[string]any{"type": "keyUp", "key": key, "windowsVirtualKeyCode": codes[key]})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
