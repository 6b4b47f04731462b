package fix

import (
	"fmt"
	"testing"

	"github.com/tickring/tickring/order"
)

// What the venue says that cannot be reported is told.
func TestVenueDiffers(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tell := func(what string) {
		t.Helper()
		r.until(what, r.heard(Unmatched, what))
	}
	r.open(1, 10)
	r.replace(2, 1, 20)
	r.wait(order.ExecPendingReplace)
	r.turn()
	r.next("G")
	r.c.say("9", "37=V1", "11=7-2", "41=7-1", "39=0", "434=2", "102=2")
	r.waitReject()
	r.c.report("7-2", "5", "0", "41=7-1", "14=0", "151=20", "6=0")
	tell("granted a replace that was refused")

	r.c.report("7-1", "D", "0", "38=5", "14=0", "151=5", "6=0", "378=3")
	tell("changed an order by itself")
	r.c.report("7-1", "D", "0", "38=10", "14=0", "151=10", "6=0", "378=1") // as every morning
	r.c.report("7-3", "I", "0", "14=0", "151=10", "6=0")
	tell("there is no such open order")
	if n := r.s.Counts().Unmatched; n != 3 {
		t.Errorf("%d unmatched", n)
	}
	r.quiet()
}

// A fill without LastPx has the price that AvgPx gives.
func TestFillWithoutLastPx(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.open(1, 10)
	r.c.report("7-1", "F", "1", "32=4", "14=4", "151=6", "6=5000.25")
	if er := r.wait(order.ExecTrade); er.LastQty != 4 || er.LastPx != 5_000_250_000_000 {
		t.Errorf("%+v", er)
	}
	r.c.report("7-1", "F", "1", "32=1", "31=0", "14=5", "151=5", "6=4000.2") // 0 is a price
	if er := r.wait(order.ExecTrade); er.LastPx != 0 {
		t.Errorf("%+v", er)
	}
}

// A Reject of a message of the session says nothing of the order that had its number before
// the numbers began anew.
func TestRejectOfAnotherType(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.buy(1, 10)
	r.wait(order.ExecPendingNew)
	r.turn()
	seq, _ := r.next("D").Header.GetInt(tagMsgSeqNum)
	r.c.say("3", fmt.Sprintf("45=%d", seq), "372=0", "373=5")
	r.quiet()
}

// A venue that does not know the order that a cancel names is asked for it.
func TestCancelOfAnUnknownOrder(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.open(1, 10)
	r.cancel(2, 1)
	r.wait(order.ExecPendingCancel)
	r.turn()
	r.next("F")
	r.c.say("9", "37=NONE", "11=7-2", "41=7-1", "39=8", "434=1", "102=1")
	if cr := r.waitReject(); cr.CxlRejReason != order.CxlUnknownOrder {
		t.Errorf("%+v", cr)
	}
	r.c.wants(r.next("H"), "11=7-1", "790=0")
	r.c.report("7-1", "I", "8", "790=0", "14=0", "151=0", "6=0", "103=5")
	if er := r.wait(order.ExecOrderStatus); er.Text != order.TextInDoubt {
		t.Errorf("%+v", er)
	}
}

// Both an order and its replace are without an answer after a restart. A venue that knows an
// order by its last ClOrdID only has it, though it does not know the first.
func TestUnansweredOrderAndReplace(t *testing.T) {
	t.Parallel()
	for _, there := range []bool{true, false} {
		t.Run(fmt.Sprint(there), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.buy(1, 10)
			r.replace(2, 1, 20)
			r.turn()
			r.next("D")
			r.next("G")
			r.ers = nil
			r.kill()
			r.start()
			r.wait(order.ExecOrderStatus)
			r.c.wants(r.next("H"), "11=7-1")
			r.c.wants(r.next("H"), "11=7-2")
			unknown := []string{"14=0", "151=0", "6=0", "103=5"}
			r.c.report("7-1", "I", "8", unknown...)
			if there {
				r.c.report("7-2", "I", "0", "14=0", "151=20", "6=0")
				r.wait(order.ExecNew)
				if er := r.wait(order.ExecReplaced); er.ClOrdID != 2 || er.LeavesQty != 20 {
					t.Errorf("%+v", er)
				}
				r.quiet()
				return
			}
			r.c.report("7-2", "I", "8", unknown...)
			if cr := r.waitReject(); cr.ClOrdID != 2 {
				t.Errorf("%+v", cr)
			}
			r.c.wants(r.next("H"), "11=7-1", "790=0")
			r.c.report("7-1", "I", "8", unknown...)
			r.wait(order.ExecRejected)
			r.quiet()
		})
	}
}

// An answer that comes again is that to a question of an earlier session.
func TestAnswerOfAnEarlierSession(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.open(1, 10)
	r.cancel(2, 1)
	r.wait(order.ExecPendingCancel)
	r.turn()
	r.next("F")
	r.kill()
	r.start()
	r.wait(order.ExecOrderStatus)
	r.next("H")
	r.c.report("7-1", "I", "0", "14=0", "151=10", "6=0", "97=Y")
	r.until("the answer to be read", func() bool { return r.s.Counts().Repeated == 0 && len(r.ers) > 0 || r.s.Counts().Repeated > 0 })
	if len(r.crs) > 0 {
		t.Fatalf("%+v", r.crs)
	}
	r.c.report("7-2", "4", "4", "41=7-1", "14=0", "151=0", "6=0")
	r.until("the cancel", func() bool { return len(r.ers) > 0 && r.ers[len(r.ers)-1].ExecType == order.ExecCanceled })
}
