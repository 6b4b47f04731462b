package page_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tickring/tickring/cmd/internal/serve"
	"github.com/tickring/tickring/ring"
	"github.com/tickring/tickring/ring/monitor"
)

// TestPage loads the page in a browser, each part in a tab of its own.
func TestPage(t *testing.T) {
	b := startBrowser(t)
	for _, part := range []struct {
		name string
		test func(*testing.T, *browser)
	}{
		{"rings", testRings},
		{"gone", testGone},
		{"states", testStates},
		{"many", testMany},
		{"looks", testLooks},
	} {
		t.Run(part.name, func(t *testing.T) {
			t.Parallel()
			part.test(t, b)
		})
	}
}

// start runs a server until the test ends or stop is called.
func start(t *testing.T, cfg serve.Config) (url string, stop func()) {
	t.Helper()
	if cfg.Listen == "" {
		cfg.Listen = "127.0.0.1:0"
	}
	cfg.Every = 50 * time.Millisecond
	s, err := serve.Listen(cfg)
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			cancel()
			must(t, <-done)
		}
	}
	t.Cleanup(stop)
	return s.URL(), stop
}

func get[T any](t *testing.T, url string) (v T) {
	t.Helper()
	answer, err := http.Get(url)
	must(t, err)
	defer answer.Body.Close()
	must(t, json.NewDecoder(answer.Body).Decode(&v))
	return v
}

// texts returns what elements show.
func texts(t *testing.T, tab *tab, selector string) []string {
	t.Helper()
	return eval[[]string](t, tab, fmt.Sprintf("[...document.querySelectorAll(%q)].map((e) => e.textContent)", selector))
}

// testRings shows real rings, with a publisher and a subscriber at work.
func testRings(t *testing.T, b *browser) {
	dir := t.TempDir()
	pub, err := ring.Create("es", ring.Config{Dir: dir, Capacity: 256 << 10, Schema: "text", Source: "<b>a feed</b>", Spikes: time.Hour})
	must(t, err)
	defer pub.Close()
	sub, err := ring.Open("es", ring.Options{Dir: dir, Name: "maker"})
	must(t, err)
	asleep, err := ring.Open("es", ring.Options{Dir: dir, Name: "asleep"})
	must(t, err)
	defer asleep.Close()
	other, err := ring.Create("nq", ring.Config{Dir: dir, Capacity: 256 << 10, Stamps: ring.StampNone})
	must(t, err)
	defer other.Close()

	end, ended := make(chan struct{}), make(chan struct{})
	defer func() { close(end); <-ended; sub.Close() }()
	go func() {
		defer close(ended)
		for {
			select {
			case <-end:
				return
			case <-time.After(time.Millisecond):
			}
			for i := range 10 {
				pub.RecordLate(time.Duration(i) * time.Microsecond)
				pub.Publish(1, []byte("ESH4 5023.25 x 2"))
			}
			for {
				if _, status := sub.Next(); status != ring.Message {
					break
				}
			}
		}
	}()

	url, _ := start(t, serve.Config{Monitor: monitor.Config{Dir: dir, Stuck: 100 * time.Millisecond}})
	tab := b.open(t, url, 1280, 800)
	tab.until(t, "document.querySelectorAll('#subs tbody tr').length === 2")
	if got, want := texts(t, tab, "#rings tbody tr > :first-child"), []string{"es", "nq"}; !slices.Equal(got, want) {
		t.Errorf("rings are %q, want %q", got, want)
	}
	if got, want := texts(t, tab, "#rings tbody .c-source")[0], "<b>a feed</b>"; got != want {
		t.Errorf("source is %q, want %q", got, want)
	}
	tab.until(t, "document.querySelector('#subs tbody tr .c-name').textContent === 'es/asleep'") // the worst first
	tab.until(t, "document.querySelector('#subs tbody tr .c-state').textContent === '▲ stuck'")
	tab.until(t, "document.querySelector('#subs tbody tr:nth-child(2) .c-state').textContent === '● reading'")
	tab.until(t, "document.querySelector('#subs tbody tr:nth-child(2) .c-rate').textContent.endsWith('k/s')")

	tab.click(t, "#subs tbody tr:nth-child(2) .c-rate")
	if got, want := eval[string](t, tab, "location.hash"), "#ring=es&sub=maker"; got != want {
		t.Errorf("the address has %q, want %q", got, want)
	}
	// As many points as the server has, for each window.
	const api = "api/v1/rings/es/subscribers/maker/"
	for _, window := range []string{"second", "minute", "start"} {
		tab.until(t, fmt.Sprintf(`(async () => {
			const drawn = document.querySelector('#curves .curve.%[1]s').getAttribute('d').match(/[ML]/g)?.length ?? 0;
			const curves = await (await fetch('%[2]scurves')).json();
			return drawn > 5 && drawn === curves.%[1]s.length;
		})()`, window, api))
	}
	tab.until(t, "document.querySelector('#windows tbody tr:last-child td').textContent !== '0'")
	testHeat(t, tab, url+api+"heat")

	// The publisher tells how late it is, and has had no spike.
	tab.click(t, "#rings tbody tr:first-child .c-rate")
	tab.until(t, "document.querySelector('#windows caption').textContent === \"The publisher's lateness, against its own pace\"")
	tab.until(t, "document.querySelector('#curves .curve.start').getAttribute('d').length > 50 && document.querySelector('#heat').width > 0")
	tab.until(t, "document.querySelector('#spikes-title').textContent === 'Spikes: 0 above 1 h 0 min'")

	// The ring goes, and one of its name comes.
	eval[bool](t, tab, "(location.hash = '#ring=es&sub=maker', true)")
	tab.until(t, "document.querySelector('#detail-title').textContent === 'es/maker' && document.querySelector('#health').checkVisibility()")
	tab.mayBeGone()
	must(t, pub.Close())
	must(t, ring.Remove(dir, "es"))
	tab.until(t, "document.querySelector('#detail .event').textContent.startsWith('There is no ring es any more. It was last seen at ')")
	tab.until(t, "document.querySelectorAll('#rings tbody tr').length === 1")
	eval[bool](t, tab, "(location.hash = '#ring=es', true)") // the ring itself, which has a publisher again
	anew, err := ring.Create("es", ring.Config{Dir: dir, Capacity: 256 << 10})
	must(t, err)
	defer anew.Close()
	tab.until(t, "document.querySelector('#health').checkVisibility() && document.querySelector('#health').textContent === '● live'")
	tab.clean(t, url)
}

// testHeat points at what is painted of a heat map, and at what is not, and compares what the
// page says with the server.
func testHeat(t *testing.T, tab *tab, url string) {
	t.Helper()
	tab.until(t, "document.querySelector('#heat').width > 0")
	const find = `(() => {
		const canvas = document.querySelector('#heat'), box = canvas.getBoundingClientRect();
		const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
		const found = [];
		for (let y = 20; y < canvas.height - 30; y++) {
			for (let x = canvas.width - 15; x > 60; x--) {
				const i = 4 * (y * canvas.width + x);
				const painted = data[i + 3] === 255 && Math.max(data[i], data[i + 1], data[i + 2]) - Math.min(data[i], data[i + 1], data[i + 2]) > 40;
				if (painted) { found.push([box.x + x, box.y + y]); break; }
			}
		}
		return found;
	})()`
	tab.until(t, find+".length > 3")
	for range 100 {
		points := eval[[][2]float64](t, tab, find)
		p := points[len(points)/2]
		tab.point(t, p[0], p[1])
		said := eval[string](t, tab, "document.querySelector('figure.heat .readout').innerText")
		var m, s, h int
		var low, high float64
		var lowUnit, highUnit string
		var count, all uint64
		n, _ := fmt.Sscanf(strings.NewReplacer(",", "", "\n", " ").Replace(said), "%d:%d:%d %f %s to %f %s %d of %d messages", &h, &m, &s, &low, &lowUnit, &high, &highUnit, &count, &all)
		if n != 9 {
			continue // the picture has moved on meanwhile
		}
		unit := map[string]float64{"ns": 1, "µs": 1e3, "ms": 1e6, "s": 1e9}[lowUnit]
		heat := get[monitor.Heat](t, url)
		for i, second := range heat.Counts {
			if at := heat.Start.Add(time.Duration(i) * time.Second); at.Second() != s || at.Minute() != m {
				continue
			}
			sum := uint64(0)
			for _, c := range second {
				sum += c
			}
			for j, c := range second {
				if c == count && count > 0 && sum == all && math.Abs(low*unit-float64(heat.Edges[j])) < 1 {
					return
				}
			}
		}
	}
	t.Error("what the page says of painted cells is never what the server has")
}

// testGone has the server end and come back.
func testGone(t *testing.T, b *browser) {
	source := makeRings(1, 1)
	url, stop := start(t, serve.Config{Source: source})
	tab := b.open(t, url, 1280, 800)
	tab.until(t, "document.querySelectorAll('#subs tbody tr').length === 1")
	tab.clean(t, url)
	stop()
	tab.until(t, "document.querySelector('#notice').innerText.startsWith('The server does not answer. Trying again each second. What you see is of ')")
	if !eval[bool](t, tab, "document.body.classList.contains('stale') && document.querySelectorAll('#subs tbody tr').length === 1") {
		t.Error("what was seen last does not stay, as of then")
	}
	source.change(func(s *monitor.Snapshot) { s.Rings = nil })
	start(t, serve.Config{Source: source, Listen: strings.Trim(strings.TrimPrefix(url, "http:"), "/")})
	tab.until(t, "document.querySelector('#notice').hidden && document.querySelector('#rings-none').innerText.startsWith('There are no rings')")
}

// testStates shows each state by its word, and texts as what they are.
func testStates(t *testing.T, b *browser) {
	source := makeStates()
	url, _ := start(t, serve.Config{Source: source})
	tab := b.open(t, url+"#ring=r00&sub=s0&only=r00&sort=name&order=up", 1280, 800)
	tab.until(t, "document.querySelectorAll('#spikes tbody tr').length === 12")
	if got, want := texts(t, tab, "#subs tbody .c-state"), []string{"● reading", "▲ stuck", "✕ dead, losing", "○ closed", "○ new", "✕ broken", "▲ demoted"}; !slices.Equal(got, want) {
		t.Errorf("states are %q, want %q", got, want)
	}
	if got, want := texts(t, tab, "#rings tbody .c-state"), []string{"● live", "✕ hung", "● live"}; !slices.Equal(got, want) {
		t.Errorf("publishers are %q, want %q", got, want)
	}
	if got, want := texts(t, tab, "#spikes .cause"), []string{"not explained", "busy", "frequency", "interrupt", "fault", "slept", "preempted", "gc", "steal", "throttled", "stopped", "unknown"}; !slices.Equal(got, want) {
		t.Errorf("causes are %q, want %q", got, want)
	}
	// Of six decades of time and a whole minute, one decade is painted, and one second of another.
	tab.until(t, "document.querySelector('#heat').width > 0")
	share := eval[float64](t, tab, `(() => {
		const canvas = document.querySelector('#heat');
		const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
		let painted = 0;
		for (let y = 14; y < canvas.height - 22; y++) for (let x = 52; x < canvas.width - 14; x++) {
			const i = 4 * (y * canvas.width + x);
			if (data[i + 3] === 255 && Math.max(data[i], data[i + 1], data[i + 2]) - Math.min(data[i], data[i + 1], data[i + 2]) > 40) painted++;
		}
		return painted / (canvas.height - 36) / (canvas.width - 66);
	})()`)
	if want := (1 + 1.0/60) / 4; share < want*0.97 || share > want*1.03 { // 1 µs to 10 ms are four decades
		t.Errorf("%.4f of the heat map is painted, want %.4f", share, want)
	}
	if got := texts(t, tab, "#spikes tbody tr:nth-child(2) td")[1]; !strings.Contains(got, hostile) || !strings.Contains(got, "3 in a row · 64 or more behind · thread 4711 · CPU 1") {
		t.Errorf("a spike is %q", got)
	}

	// The newest spikes, and all if they are wanted.
	source.change(func(s *monitor.Snapshot) {
		log := &s.Rings[0].Subscribers[1].Spikes
		log.Threshold, log.Spikes, log.Messages = 1, 30, 30
		for i := range uint64(30) {
			log.List = append(log.List, ring.Spike{Number: i + 1, Kind: ring.SpikeRead, Time: time.Now(), Seq: i + 1, Messages: 1, Latency: time.Millisecond})
		}
	})
	const shown = "[...document.querySelectorAll('#spikes tbody tr')].filter((row) => row.checkVisibility()).length"
	eval[bool](t, tab, "(location.hash = '#ring=r00&sub=s1&only=r00&sort=name&order=up', true)")
	tab.until(t, shown+" === 12 && document.querySelector('#spikes small').textContent.startsWith('message 30 ')")
	eval[bool](t, tab, "(document.querySelector('#spikes + button').click(), true)")
	tab.until(t, shown+" === 30")
	eval[bool](t, tab, "(history.back(), true)")
	tab.until(t, "document.querySelector('#detail-title').textContent === 'r00/s0'")

	tab.press(t, "Escape", "/", "s", "5", "Escape")
	tab.until(t, "document.querySelectorAll('#subs tbody tr').length === 1")
	tab.click(t, "#subs tbody a")
	tab.until(t, "!document.querySelector('#detail').hidden")
	if got := texts(t, tab, "#detail .event")[0]; got != hostile {
		t.Errorf("the error is %q, want %q", got, hostile)
	}
	if got := eval[string](t, tab, "location.hash"); got != "#ring=r00&sub=s5&only=r00&filter=s5&sort=name&order=up" {
		t.Errorf("the address has %q", got)
	}
	tab.call(t, "Page.reload", nil)
	tab.until(t, "document.querySelector('#detail-title')?.textContent === 'r00/s5' && document.querySelector('#filter').value === 's5'")

	// Of what cannot be read nothing is told but that.
	if got := texts(t, tab, "#subs tbody .c-lag, #subs tbody .c-lost, #subs tbody .c-p99"); !slices.Equal(got, []string{"–", "–", "–"}) || eval[bool](t, tab, "document.querySelector('#detail dl').checkVisibility()") {
		t.Errorf("of what is broken the page tells %q", got)
	}

	// The figures begin anew, for one reason and another.
	source.change(func(s *monitor.Snapshot) { s.Rings[0].Subscribers[6].Opened = time.Now() })
	eval[bool](t, tab, "(location.hash = '#ring=r00&sub=s6', true)")
	tab.until(t, "document.querySelector('#detail-title').textContent === 'r00/s6'")
	source.change(func(s *monitor.Snapshot) { s.Rings[0].Subscribers[6].Opened = time.Now() })
	tab.until(t, "document.querySelector('#detail .event').innerText.startsWith('It was opened anew at ')")
	source.change(func(s *monitor.Snapshot) { s.Rings[0].Replaced++ })
	tab.until(t, "document.querySelector('#detail .event').innerText.startsWith('The ring was replaced by a new file at ')")

	// The publisher tells nothing of itself, and a ring has no stamps.
	tab.click(t, "#rings tbody tr:first-child .c-source, #rings tbody tr:first-child a")
	tab.until(t, "document.querySelector('#detail').innerText.includes('How late the publisher is against its own pace is not recorded.')")
	if got := texts(t, tab, "#detail dd"); !slices.Contains(got, hostile) {
		t.Errorf("of the ring it says %q", got)
	}
	eval[bool](t, tab, "(location.hash = '#ring=r02&sub=s0', true)")
	tab.until(t, "document.querySelector('#detail').innerText.includes('the messages of r02 carry no stamps')")
	if eval[bool](t, tab, "'pwned' in window || document.images.length > 1 || document.scripts.length > 1") {
		t.Error("a text was taken for markup")
	}
	source.change(func(s *monitor.Snapshot) { s.Rings[1] = monitor.Ring{Name: "r01", Absent: true, Error: "no such ring"} })
	tab.until(t, "document.querySelector('#rings tbody tr:nth-child(2)').innerText.replace(/\\s+/g, ' ').startsWith('r01 ▲ absent – – ')")
	eval[bool](t, tab, "(location.hash = '#ring=r01', true)")
	tab.until(t, "document.querySelector('#detail .event').innerText === 'There is no ring r01 in this directory.'")
	eval[bool](t, tab, "(location.hash = '#ring=none', true)")
	tab.until(t, "document.querySelector('#detail .event').innerText === 'There is no ring none in this directory.'")
	tab.clean(t, url)
}

// testMany shows a thousand subscribers, and touches only what has changed.
func testMany(t *testing.T, b *browser) {
	source := makeRings(100, 10)
	url, _ := start(t, serve.Config{Source: source})
	tab := b.open(t, url, 1280, 800)
	tab.until(t, "document.querySelectorAll('#subs tbody tr').length === 1000")
	tab.until(t, "document.querySelector('#subs .c-trend path').getAttribute('d').match(/[ML]/g).length === 60") // what was before the page was opened
	eval[bool](t, tab, `(() => {
		window.touched = new Set();
		const row = (node) => (node.nodeType === 1 ? node : node.parentNode)?.closest('tr');
		new MutationObserver((all) => all.forEach((m) => {
			if (!m.target.closest?.('.c-trend')) [m.target, ...m.addedNodes].forEach((n) => touched.add(row(n)?.line.name ?? n.nodeName));
		})).observe(document.querySelector('#subs tbody'), { subtree: true, childList: true, attributes: true, characterData: true });
		return true;
	})()`)
	source.change(func(s *monitor.Snapshot) { s.Rings[0].Subscribers[7].Lag = 5000 })
	tab.until(t, "touched.size > 0")
	if got := eval[[]string](t, tab, "[...touched]"); !slices.Equal(got, []string{"r00/s7"}) {
		t.Errorf("the rows %q were touched, want r00/s7", got)
	}

	// What comes into sight is whole, and of now.
	source.change(func(s *monitor.Snapshot) { s.Rings[99].Subscribers[9].Lag = 70 })
	eval[bool](t, tab, "(document.querySelector('#subs').parentNode.scrollTop = 1e6, true)")
	tab.until(t, "document.querySelector('#subs tbody tr:last-child').innerText.replace(/\\s+/g, ' ').startsWith('r99/ s9 ● reading 100/s 70 ')")

	tab.click(t, "#subs thead .c-lag button")
	tab.until(t, "document.querySelector('#subs tbody .c-name').textContent === 'r00/s7'")
	if got := eval[string](t, tab, "document.querySelector('#subs th.c-lag').getAttribute('aria-sort')"); got != "descending" {
		t.Errorf("lag is sorted %q", got)
	}
	eval[bool](t, tab, "(document.querySelector('#subs tbody a').focus(), true)")
	tab.press(t, "ArrowDown", "End", "Home", "ArrowDown", "ArrowUp", "Enter")
	tab.until(t, "document.querySelector('#detail-title').textContent === 'r00/s7'")
	if n := eval[int](t, tab, "document.querySelectorAll('#subs tbody a:not([tabindex=\"-1\"])').length"); n != 1 {
		t.Errorf("Tab stops at %d of the subscribers", n)
	}

	// Rows do not change places under the hands of the user.
	source.change(func(s *monitor.Snapshot) { s.Rings[0].Subscribers[3].Lag = 9000 })
	tab.until(t, "[...document.querySelectorAll('#subs .c-lag')].some((e) => e.textContent === '9.00 k')")
	if got := texts(t, tab, "#subs tbody tr:first-child .c-name"); got[0] != "r00/s7" {
		t.Errorf("the first row is %q now", got)
	}
	eval[bool](t, tab, "(document.activeElement.blur(), true)")
	tab.until(t, "document.querySelector('#subs tbody .c-name').textContent === 'r00/s3'")

	// The curves are read out by the keys.
	tab.until(t, "document.querySelector('#curves .curve.start').getAttribute('d') !== ''")
	eval[bool](t, tab, "(document.querySelector('#curves').focus(), true)")
	tab.press(t, "ArrowRight", "ArrowRight")
	if got, want := eval[string](t, tab, "document.querySelector('#curves').parentNode.querySelector('.readout').innerText"), "90%\nlast second: 189 ns\nlast minute: 819 ns\nsince start: 5.86 µs"; got != want {
		t.Errorf("the curves are read out as %q, want %q", got, want)
	}
	// What is closed has the focus in the list, and what a link leads to is in sight.
	tab.press(t, "Escape", "Escape")
	tab.until(t, "document.querySelector('#detail').hidden && document.activeElement.textContent === 'r00/s7'")
	eval[bool](t, tab, "(location.hash = '#ring=r50&sub=s5&sort=name&order=up', true)")
	tab.until(t, `(() => {
		const row = document.querySelector('#subs tr.selected')?.getBoundingClientRect(), all = document.querySelector('#subs').parentNode.getBoundingClientRect();
		return row && row.top > all.top && row.bottom < all.bottom + 1;
	})()`)
	eval[bool](t, tab, "(history.back(), true)")
	tab.until(t, "document.querySelector('#detail').hidden")
	tab.clean(t, url)
}

// testLooks checks the page as a telephone and as the night have it: nothing is wider than
// the screen, and text stands out from what is behind it as WCAG asks (4.5 to 1).
func testLooks(t *testing.T, b *browser) {
	url, _ := start(t, serve.Config{Source: makeStates()})
	tab := b.open(t, url+"#ring=r00&sub=s0", 1280, 800)
	tab.until(t, "document.querySelectorAll('#spikes tbody tr').length === 12")
	const faint = `(() => {
		const rgb = (c) => c.match(/[\d.]+/g).map(Number);
		const light = (c) => rgb(c).slice(0, 3).map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
		const behind = (e) => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if ((rgb(c)[3] ?? 1) === 1) return c; } return 'rgb(255,255,255)'; };
		const bad = [];
		for (const e of document.querySelectorAll('body *')) {
			if (![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) || !e.checkVisibility()) continue;
			const style = getComputedStyle(e);
			const [a, b] = [light(e.namespaceURI.endsWith('svg') ? style.fill : style.color), light(behind(e))];
			if ((Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5) bad.push(e.textContent);
		}
		return bad;
	})()`
	for _, scheme := range []string{"light", "dark"} {
		tab.call(t, "Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}})
		if got := eval[[]string](t, tab, faint); len(got) > 0 {
			t.Errorf("%s: too faint: %q", scheme, got)
		}
	}
	tab.call(t, "Emulation.setDeviceMetricsOverride", map[string]any{"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": false})
	const wide = "[...document.querySelectorAll('body *')].filter((e) => e.checkVisibility() && !e.closest('.wide') && e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.outerHTML.slice(0, 200))"
	tab.until(t, "!document.querySelector('#lists').checkVisibility()")
	tab.until(t, wide+".length === 0")
	tab.click(t, ".close")
	tab.until(t, "document.querySelector('#lists').checkVisibility()")
	tab.until(t, wide+".length === 0")
	// Everything that can be used has a name, and tables are tables to who cannot see them.
	if got := eval[[]string](t, tab, "[...document.querySelectorAll('button, input, select, a, [tabindex]')].filter((e) => !(e.textContent || e.ariaLabel || e.getAttribute('aria-labelledby'))).map((e) => e.outerHTML)"); len(got) > 0 {
		t.Errorf("without a name: %q", got)
	}
	var tree struct {
		Nodes []struct {
			Role struct{ Value string } `json:"role"`
		} `json:"nodes"`
	}
	must(t, b.call(tab.session, "Accessibility.getFullAXTree", map[string]any{}, &tree))
	roles := map[string]int{}
	for _, n := range tree.Nodes {
		roles[n.Role.Value]++
	}
	for _, role := range []string{"table", "columnheader", "rowheader", "row", "cell"} {
		if roles[role] < 2 {
			t.Errorf("the page has %d of role %s: %v", roles[role], role, roles)
		}
	}
	tab.clean(t, url)
}
