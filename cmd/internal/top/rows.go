package top

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tickring/tickring/ring"
	"github.com/tickring/tickring/ring/monitor"
)

// order is how the table is sorted.
type order struct {
	col     int
	reverse bool
}

// id names what an entry is of, from look to look. sub is empty for a ring.
type id struct{ ring, sub string }

func (e entry) id() id {
	if e.sub == nil {
		return id{ring: e.ring.Name}
	}
	return id{e.ring.Name, e.sub.Name}
}

// choice is what of a snapshot is in the table.
type choice struct {
	order  order
	window monitor.Span
	filter string // words that all have to match
	flat   bool   // subscribers only, of all rings together
	ring   string // this ring's subscribers only, if it is not empty
}

// entries lists what is in the table, in order. Subscribers are below their ring, and the
// ring whose first one comes first is first; but if the choice is flat.
func (c *choice) entries(snap *monitor.Snapshot) []entry {
	words := strings.Fields(strings.ToLower(c.filter))
	var groups [][]entry
	total := 0
	for i := range snap.Rings {
		r := &snap.Rings[i]
		if c.ring != "" && c.ring != r.Name {
			continue
		}
		var group []entry
		head := entry{ring: r}
		for j := range r.Subscribers {
			if e := (entry{r, &r.Subscribers[j]}); e.matches(words) {
				group = append(group, e)
			}
		}
		slices.SortStableFunc(group, c.compare)
		if c.ring == "" && !c.flat && (len(group) > 0 || head.matches(words)) {
			group = slices.Insert(group, 0, head)
		}
		if len(group) > 0 {
			groups = append(groups, group)
		}
		total += len(group)
	}
	all := make([]entry, 0, total)
	if c.flat {
		for _, g := range groups {
			all = append(all, g...)
		}
		slices.SortStableFunc(all, c.compare)
		return all
	}
	slices.SortStableFunc(groups, func(a, b []entry) int { return c.compare(c.leads(a), c.leads(b)) })
	for _, g := range groups {
		all = append(all, g...)
	}
	return all
}

// leads is the entry of a ring that decides where the ring stands.
func (c *choice) leads(group []entry) entry {
	best := group[0]
	if columns[c.order.col].rank == nil {
		return best
	}
	for _, e := range group[1:] {
		if c.compare(e, best) < 0 {
			best = e
		}
	}
	return best
}

// compare is below 0 if a stands before b. Names decide between equals, from a to z.
func (c *choice) compare(a, b entry) int {
	sign := 1
	if c.order.reverse {
		sign = -1
	}
	rank := columns[c.order.col].rank
	if rank == nil {
		return sign * byName(a, b)
	}
	if d := cmp.Compare(rank(b, c.window), rank(a, c.window)); d != 0 {
		return sign * d
	}
	return byName(a, b)
}

func byName(a, b entry) int {
	x, y := a.id(), b.id()
	return cmp.Or(strings.Compare(x.ring, y.ring), strings.Compare(x.sub, y.sub))
}

// matches says whether every word is somewhere in what the entry says in words.
func (e entry) matches(words []string) bool {
	if len(words) == 0 {
		return true
	}
	text := e.ring.Name + " " + e.ring.Publisher
	if e.sub != nil {
		text = e.ring.Name + "/" + e.sub.Name + " " + e.sub.State + " " + e.sub.Gate + " " + e.sub.Wait
	}
	text = strings.ToLower(text)
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

// tally counts what is in a snapshot.
type tally struct{ rings, subs, dead, stuck, broken, hung, absent int }

func tallyOf(snap *monitor.Snapshot) (t tally) {
	for i := range snap.Rings {
		r := &snap.Rings[i]
		t.rings++
		t.subs += len(r.Subscribers)
		switch {
		case r.Absent:
			t.absent++
		case r.Error != "":
			t.broken++
		case r.Publisher == ring.Dead.String():
			t.dead++
		case r.Publisher == ring.Hung.String():
			t.hung++
		}
		for j := range r.Subscribers {
			switch r.Subscribers[j].State {
			case monitor.StateDead:
				t.dead++
			case monitor.StateStuck:
				t.stuck++
			case monitor.StateBroken:
				t.broken++
			}
		}
	}
	return t
}
