package main

import (
	"encoding/binary"
	"testing"

	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/order/audit"
	"github.com/tickring/tickring/ring"
)

// TestAudit: rings that agree, that have something on its way, and that contradict each
// other. TestKills audits those of a session.
func TestAudit(t *testing.T) {
	h := newHost(t)
	h.start("audit", "gw", "--venue", "sim").want(exitError).sentence("gw", "no such ring")
	pubs := map[string]*ring.Publisher{}
	put := func(name string, typ order.MsgType, record any) {
		t.Helper()
		b := make([]byte, order.Size)
		if _, err := binary.Encode(b, binary.LittleEndian, record); err != nil {
			t.Fatal(err)
		}
		p := pubs[name]
		if p == nil {
			var err error
			if p, err = ring.Create(name, ring.Config{Dir: h.dir, Capacity: 1 << 18, Schema: order.Schema}); err != nil {
				t.Fatal(err)
			}
			pubs[name] = p
			t.Cleanup(func() { p.Close() })
		}
		if err := p.Publish(uint16(typ), b); err != nil {
			t.Fatal(err)
		}
	}
	r := order.Request{ClOrdID: 1, Origin: order.Origin{Seq: 1, Epoch: 1, Ring: 7}, OrderQty: 5, Price: 100, SecurityID: 1, Side: order.Buy, OrdType: order.Limit, TimeInForce: order.Day}
	put("gw.in.7", 'D', r)
	sub, err := ring.Open("gw.in.7", ring.Options{Dir: h.dir})
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	put("gw", order.MsgSessionStatus, order.SessionStatus{RingID: sub.RingID(), Epoch: 1, Ring: 7, Status: order.SessionUp})
	put("gw", 'D', r)
	var rep auditReport
	h.start("audit", "gw", "--venue", "sim", "--json").want(exitOK).json(&rep)
	if want := (audit.Counts{Sent: 1, Forwarded: 1, Open: 1}); !rep.Agree || rep.Total != want || rep.Figures.Unanswered != 1 || len(rep.Open) != 1 {
		t.Errorf("it says %+v", rep)
	}
	h.start("audit", "gw", "--venue", "sim").want(exitOK)

	h.start("audit", "gw", "--venue", "sim", "--at-rest", "--json").want(exitError).json(&rep)
	if rep.Agree || len(rep.Faults) != 1 || rep.Faults[0].Seq != 2 {
		t.Errorf("at rest it says %+v", rep)
	}
	follow := h.start("audit", "gw", "--venue", "sim", "--follow", "--json")
	put("gw", 'D', r)
	follow.want(exitError).json(&rep)
	if rep.Agree || rep.Faults[0].Seq != 3 {
		t.Errorf("it says %+v of a request that was forwarded twice", rep)
	}
	h.run("audit", "gw", "--venue", "a/b").want(exitUsage).sentence("--venue")
	h.run("audit", "gw", "--venue", "gw").want(exitError).sentence("not that of a venue")
	md, err := ring.Create("md", ring.Config{Dir: h.dir, Capacity: 1 << 18, Schema: "dbn3/mbo"})
	if err != nil {
		t.Fatal(err)
	}
	defer md.Close()
	h.run("audit", "gw", "--venue", "md").want(exitError).sentence("dbn3/mbo")
}
