package affinity

import "testing"

func TestDelays(t *testing.T) {
	m := tree{"proc/self/task/1/schedstat": "5 100 1", "proc/self/task/2/schedstat": "5 200 1"}
	root := m.write(t)
	d := newDelays(root)
	defer d.Close()
	want := func(what string, ns int64) {
		t.Helper()
		if got := d.Longest(); int64(got) != ns {
			t.Errorf("%s: %d, want %d", what, got, ns)
		}
	}
	want("at first", 0)
	tree{"proc/self/task/1/schedstat": "9 130 2", "proc/self/task/2/schedstat": "9 210 2"}.rewrite(t, root)
	want("the longest", 30)
	want("nothing since", 0)
	tree{"proc/self/task/1/schedstat": "", "proc/self/task/3/schedstat": "1 9000 1"}.rewrite(t, root)
	for range delaysPerList { // until it is seen
		want("one has ended, and one is new", 0)
	}
	tree{"proc/self/task/2/schedstat": "9 211 3", "proc/self/task/3/schedstat": "1 9007 1"}.rewrite(t, root)
	want("the new one", 7)
	if n := testing.AllocsPerRun(delaysPerList/2, func() { d.Longest() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	none := newDelays(root + "/nowhere")
	if got := none.Longest(); got != 0 {
		t.Error(got)
	}
	none.Close()
}
