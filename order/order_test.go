package order

import (
	"errors"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// The order of the table: 100 to buy, 40 of them filled if it says so, with a request pending if
// it says so.
const (
	isNew      = 1 << iota // accepted by the venue
	isPartly               // and 40 filled
	isCancel               // a cancel is pending, ClOrdID 11
	isReplace              // a replace to 150 at 7 is pending, ClOrdID 11
	isClosed               // filled
	isTooSmall             // a replace to 30 is pending
)

func tableOrder(kind int) Order {
	o := Order{OrderID: 5, ClOrdID: 10, Price: 6, Priority: 5, SecurityID: 3, OrderQty: 100, Strategy: 2, Side: Buy, OrdType: Limit, TimeInForce: Day}
	if kind&(isNew|isPartly) != 0 {
		o.Venue = VenueAnswered | VenueAccepted
	}
	if kind&isPartly != 0 {
		o.CumQty, o.Paid = 40, mul(6, 40)
	}
	if kind&isCancel != 0 {
		o.Pending = Pending{ClOrdID: 11, Seq: 9, Kind: PendingCancel}
	}
	if kind&isReplace != 0 {
		o.Pending = Pending{ClOrdID: 11, Seq: 9, Price: 7, OrderQty: 150, Kind: PendingReplace, Epoch: 4}
	}
	if kind&isTooSmall != 0 {
		o.Pending = Pending{ClOrdID: 11, Seq: 9, Price: 6, OrderQty: 30, Kind: PendingReplace}
	}
	if kind&isClosed != 0 {
		o.CumQty, o.Closed = 100, StatusFilled
	}
	return o
}

func report(clOrdID uint64, t ExecType, s OrdStatus, last, cum, leaves int32) ExecutionReport {
	er := ExecutionReport{ClOrdID: clOrdID, OrderID: 5, ExecType: t, OrdStatus: s, LastQty: last, CumQty: cum, LeavesQty: leaves, SecurityID: 3, Strategy: 2, Side: Buy}
	if last != 0 {
		er.LastPx = 6
	}
	return er
}

// TestTransitions has every report in every state of an order: the status after it, or 0 if it
// is illegal.
func TestTransitions(t *testing.T) {
	for _, c := range []struct {
		name string
		kind int
		er   ExecutionReport
		want OrdStatus
	}{
		{"accepted", 0, report(10, ExecNew, StatusNew, 0, 0, 100), StatusNew},
		{"on its way", 0, report(10, ExecPendingNew, StatusPendingNew, 0, 0, 100), StatusPendingNew},
		{"refused", 0, report(10, ExecRejected, StatusRejected, 0, 0, 0), StatusRejected},
		{"filled at once", 0, report(10, ExecTrade, StatusFilled, 100, 100, 0), StatusFilled},
		{"partly filled at once", 0, report(10, ExecTrade, StatusPartiallyFilled, 1, 1, 99), StatusPartiallyFilled},
		{"expired at once", 0, report(10, ExecExpired, StatusExpired, 0, 0, 0), StatusExpired},
		{"canceled at once", 0, report(10, ExecCanceled, StatusCanceled, 0, 0, 0), StatusCanceled},
		{"accepted with a cancel behind it", isCancel, report(10, ExecNew, StatusNew, 0, 0, 100), StatusPendingCancel},
		{"refused with a cancel behind it", isCancel, report(10, ExecRejected, StatusRejected, 0, 0, 0), StatusRejected},
		{"refused for its cancel", isCancel, report(11, ExecRejected, StatusRejected, 0, 0, 0), 0},

		{"accepted twice", isNew, report(10, ExecNew, StatusNew, 0, 0, 100), 0},
		{"on its way after it was accepted", isNew, report(10, ExecPendingNew, StatusPendingNew, 0, 0, 100), 0},
		{"refused after it was accepted", isNew, report(10, ExecRejected, StatusRejected, 0, 0, 0), 0},
		{"partly filled", isNew, report(10, ExecTrade, StatusPartiallyFilled, 60, 60, 40), StatusPartiallyFilled},
		{"filled", isPartly, report(10, ExecTrade, StatusFilled, 60, 100, 0), StatusFilled},
		{"overfilled", isPartly, report(10, ExecTrade, StatusFilled, 61, 101, 0), 0},
		{"overfilled beyond an int32", isPartly, report(10, ExecTrade, StatusFilled, math.MaxInt32, math.MinInt32+39, 0), 0},
		{"filled by nothing", isPartly, report(10, ExecTrade, StatusPartiallyFilled, 0, 40, 60), 0},
		{"filled by less than nothing", isPartly, report(10, ExecTrade, StatusPartiallyFilled, -1, 39, 61), 0},
		{"filled, status New", isPartly, report(10, ExecTrade, StatusNew, 1, 41, 59), 0},
		{"filled, status PartiallyFilled", isPartly, report(10, ExecTrade, StatusPartiallyFilled, 60, 100, 0), 0},
		{"partly filled, status Filled", isPartly, report(10, ExecTrade, StatusFilled, 1, 41, 59), 0},
		{"CumQty too large", isPartly, report(10, ExecTrade, StatusPartiallyFilled, 1, 42, 59), 0},
		{"LeavesQty too large", isPartly, report(10, ExecTrade, StatusPartiallyFilled, 1, 41, 60), 0},
		{"the same fill again", isPartly, report(10, ExecTrade, StatusPartiallyFilled, 40, 40, 60), 0},
		{"canceled by the venue", isPartly, report(10, ExecCanceled, StatusCanceled, 0, 40, 0), StatusCanceled},
		{"canceled, LeavesQty", isPartly, report(10, ExecCanceled, StatusCanceled, 0, 40, 60), 0},
		{"canceled, status New", isPartly, report(10, ExecCanceled, StatusNew, 0, 40, 0), 0},
		{"canceled with a fill", isPartly, report(10, ExecCanceled, StatusCanceled, 1, 41, 0), 0},
		{"expired", isPartly, report(10, ExecExpired, StatusExpired, 0, 40, 0), StatusExpired},
		{"its state", isPartly, report(10, ExecOrderStatus, StatusPartiallyFilled, 0, 40, 60), StatusPartiallyFilled},
		{"its state, a fill unknown here", isPartly, report(10, ExecOrderStatus, StatusPartiallyFilled, 0, 50, 50), 0},
		{"its state, closed", isPartly, report(10, ExecOrderStatus, StatusCanceled, 0, 40, 60), 0},
		{"replaced, but nothing is pending", isPartly, report(10, ExecReplaced, StatusPartiallyFilled, 0, 40, 60), 0},
		{"a cancel on its way that nobody sent", isPartly, report(10, ExecPendingCancel, StatusPendingCancel, 0, 40, 60), 0},

		{"canceled as asked", isPartly | isCancel, report(11, ExecCanceled, StatusCanceled, 0, 40, 0), StatusCanceled},
		{"canceled before it was asked", isPartly | isCancel, report(10, ExecCanceled, StatusCanceled, 0, 40, 0), StatusCanceled},
		{"filled before the cancel", isPartly | isCancel, report(10, ExecTrade, StatusFilled, 60, 100, 0), StatusFilled},
		{"partly filled before the cancel", isPartly | isCancel, report(10, ExecTrade, StatusPendingCancel, 6, 46, 54), StatusPendingCancel},
		{"filled by a cancel", isPartly | isCancel, report(11, ExecTrade, StatusPartiallyFilled, 6, 46, 54), 0},
		{"a cancel on its way", isPartly | isCancel, report(11, ExecPendingCancel, StatusPendingCancel, 0, 40, 60), StatusPendingCancel},
		{"a replace on its way that is a cancel", isPartly | isCancel, report(11, ExecPendingReplace, StatusPendingReplace, 0, 40, 60), 0},
		{"replaced by a cancel", isPartly | isCancel, report(11, ExecReplaced, StatusPartiallyFilled, 0, 40, 60), 0},
		{"expired by a cancel", isPartly | isCancel, report(11, ExecExpired, StatusExpired, 0, 40, 0), 0},

		{"replaced", isPartly | isReplace, report(11, ExecReplaced, StatusPartiallyFilled, 0, 40, 110), StatusPartiallyFilled},
		{"replaced, not filled", isNew | isReplace, report(11, ExecReplaced, StatusNew, 0, 0, 150), StatusNew},
		{"replaced before it was accepted", isReplace, report(11, ExecReplaced, StatusNew, 0, 0, 150), StatusNew},
		{"replaced with the old quantity", isPartly | isReplace, report(11, ExecReplaced, StatusPartiallyFilled, 0, 40, 60), 0},
		{"replaced under the old ClOrdID", isPartly | isReplace, report(10, ExecReplaced, StatusPartiallyFilled, 0, 40, 110), 0},
		{"a replace on its way", isPartly | isReplace, report(11, ExecPendingReplace, StatusPendingReplace, 0, 40, 60), StatusPendingReplace},
		{"filled before the replace", isPartly | isReplace, report(10, ExecTrade, StatusFilled, 60, 100, 0), StatusFilled},
		{"filled beyond, before the replace", isPartly | isReplace, report(10, ExecTrade, StatusPartiallyFilled, 61, 101, 49), 0},
		{"replaced to less than is filled", isPartly | isTooSmall, report(11, ExecReplaced, StatusFilled, 0, 40, -10), 0},
		{"replaced to just what is filled", isTooSmall, report(11, ExecReplaced, StatusNew, 0, 0, 30), StatusNew},
		{"replace answered by the end of the order", isPartly | isReplace, report(11, ExecCanceled, StatusCanceled, 0, 40, 0), StatusCanceled},

		{"filled again", isClosed, report(10, ExecTrade, StatusFilled, 1, 101, 0), 0},
		{"canceled after it was filled", isClosed, report(10, ExecCanceled, StatusCanceled, 0, 100, 0), 0},
		{"its state after it was filled", isClosed, report(10, ExecOrderStatus, StatusNew, 0, 100, 0), 0},
		{"an unknown ExecType", isNew, report(10, 'Z', StatusNew, 0, 0, 100), 0},
		{"another order's ClOrdID", isNew, report(12, ExecTrade, StatusPartiallyFilled, 1, 1, 99), 0},
	} {
		o := tableOrder(c.kind)
		before := o
		err := o.Report(&c.er)
		switch {
		case c.want == 0:
			if !errors.Is(err, ErrTransition) || o != before {
				t.Errorf("%s: %v, changed: %t", c.name, err, o != before)
			}
		case err != nil:
			t.Errorf("%s: %v", c.name, err)
		case o.OrdStatus() != c.want || o.Open() != c.want.Open():
			t.Errorf("%s: %s, want %s", c.name, o.OrdStatus(), c.want)
		case !o.Open() && o.LeavesQty() != 0 || o.CumQty != c.er.CumQty || o.LeavesQty() != c.er.LeavesQty:
			t.Errorf("%s: CumQty %d, LeavesQty %d", c.name, o.CumQty, o.LeavesQty())
		}
		// Of another order, instrument, side or strategy nothing is believed.
		for i, other := range []func(*ExecutionReport){
			func(er *ExecutionReport) { er.OrderID++ },
			func(er *ExecutionReport) { er.SecurityID++ },
			func(er *ExecutionReport) { er.Side = Sell },
			func(er *ExecutionReport) { er.Strategy++ },
		} {
			o, er := before, c.er
			other(&er)
			if err := o.Report(&er); !errors.Is(err, ErrTransition) || o != before {
				t.Errorf("%s, other %d: %v", c.name, i, err)
			}
		}
	}
}

// A replace takes effect as a whole, and takes the order's place in the queue only if it moves
// the price or wants more.
func TestReplaced(t *testing.T) {
	for _, c := range []struct {
		price    int64
		qty      int32
		priority uint64
	}{{7, 100, 9}, {6, 101, 9}, {6, 100, 5}, {6, 41, 5}, {6, 40, 5}} {
		o := tableOrder(isPartly | isReplace)
		o.Pending.Price, o.Pending.OrderQty, o.Pending.Flags, o.Pending.MdSeq = c.price, c.qty, CancelOnDisconnect, 77
		er := report(11, ExecReplaced, StatusPartiallyFilled, 0, 40, c.qty-40)
		if c.qty == 40 {
			er.OrdStatus = StatusFilled
		}
		if err := o.Report(&er); err != nil {
			t.Fatal(err)
		}
		want := tableOrder(isPartly)
		want.ClOrdID, want.Price, want.OrderQty, want.Priority, want.Flags, want.MdSeq, want.Epoch = 11, c.price, c.qty, c.priority, CancelOnDisconnect, 77, 4
		if c.qty == 40 {
			want.Closed = StatusFilled
		}
		if o != want {
			t.Errorf("%+v: %+v", c, o)
		}
	}
}

// A refusal gives the order back as it was, and only the pending request can be refused.
func TestCancelReject(t *testing.T) {
	for _, kind := range []int{isCancel, isNew | isCancel, isPartly | isCancel, isReplace, isPartly | isReplace} {
		o := tableOrder(kind)
		cr := OrderCancelReject{ClOrdID: 11, OrigClOrdID: 10, OrderID: 5, SecurityID: 3, Strategy: 2, CxlRejResponseTo: ToCancel}
		if kind&isReplace != 0 {
			cr.CxlRejResponseTo = ToReplace
		}
		for i, bad := range []func(*OrderCancelReject){
			func(cr *OrderCancelReject) { cr.ClOrdID = 10 },
			func(cr *OrderCancelReject) { cr.OrigClOrdID = 11 },
			func(cr *OrderCancelReject) { cr.OrderID = 6 },
			func(cr *OrderCancelReject) { cr.SecurityID = 4 },
			func(cr *OrderCancelReject) { cr.CxlRejResponseTo ^= 3 },
		} {
			before, bent := o, cr
			bad(&bent)
			if err := o.CancelReject(&bent); !errors.Is(err, ErrTransition) || o != before {
				t.Errorf("kind %d, bent %d: %v", kind, i, err)
			}
		}
		if err := o.CancelReject(&cr); err != nil {
			t.Fatal(err)
		}
		want := tableOrder(kind &^ (isCancel | isReplace))
		want.Venue |= VenueAnswered
		if o != want {
			t.Errorf("kind %d: %+v", kind, o)
		}
		if err := o.CancelReject(&cr); !errors.Is(err, ErrTransition) {
			t.Errorf("kind %d, again: %v", kind, err)
		}
	}
}

// What is in doubt stays so until the venue says something certain.
func TestInDoubt(t *testing.T) {
	doubt := report(10, ExecOrderStatus, StatusPendingNew, 0, 0, 100)
	doubt.Text = TextInDoubt
	for _, c := range []struct {
		er   ExecutionReport
		want OrdStatus
	}{
		{report(10, ExecOrderStatus, StatusNew, 0, 0, 100), StatusNew},
		{report(10, ExecNew, StatusNew, 0, 0, 100), StatusNew},
		{report(10, ExecRejected, StatusRejected, 0, 0, 0), StatusRejected},
		{report(10, ExecTrade, StatusPartiallyFilled, 1, 1, 99), StatusPartiallyFilled},
	} {
		o := tableOrder(0)
		if err := o.Report(&doubt); err != nil || !o.InDoubt() || o.OrdStatus() != StatusPendingNew {
			t.Fatalf("%v: in doubt %t, %s", err, o.InDoubt(), o.OrdStatus())
		}
		if err := o.Report(&c.er); err != nil || o.InDoubt() || o.OrdStatus() != c.want {
			t.Errorf("%v: in doubt %t, %s, want %s", err, o.InDoubt(), o.OrdStatus(), c.want)
		}
	}
}

func TestAvgPx(t *testing.T) {
	for _, c := range []struct {
		fills [][2]int64 // price, quantity
		want  int64
	}{
		{nil, 0},
		{[][2]int64{{5, 1}}, 5},
		{[][2]int64{{5, 1}, {6, 1}}, 6},    // 5.5
		{[][2]int64{{-5, 1}, {-6, 1}}, -6}, // -5.5
		{[][2]int64{{1, 1}, {2, 2}}, 2},    // 1.67
		{[][2]int64{{1, 2}, {2, 1}}, 1},    // 1.33
		{[][2]int64{{math.MaxInt64, math.MaxInt32}}, math.MaxInt64},
		{[][2]int64{{math.MinInt64, math.MaxInt32}}, math.MinInt64},
		{[][2]int64{{math.MaxInt64, 1000}, {math.MinInt64, 1000}}, -1}, // -0.5
	} {
		var o Order
		for _, f := range c.fills {
			o.CumQty += int32(f[1])
			o.Paid = o.Paid.Add(mul(f[0], f[1]))
		}
		if got := o.AvgPx(); got != c.want {
			t.Errorf("%v: %d, want %d", c.fills, got, c.want)
		}
	}
}

func TestInt128(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	e9 := big.NewInt(1_000_000_000)
	number := func() int64 { return int64(rng.Uint64()) >> rng.UintN(64) }
	sum, want := Int128{}, new(big.Int)
	for range 20000 {
		a, b := number(), number()
		product := new(big.Int).Mul(big.NewInt(a), big.NewInt(b))
		p := mul(a, b)
		if toBig(p).Cmp(product) != 0 {
			t.Fatalf("%d * %d = %s", a, b, toBig(p))
		}
		if q := mul(b, number()); p.Cmp(q) != toBig(p).Cmp(toBig(q)) {
			t.Fatalf("%s compared to %s: %d", p, q, p.Cmp(q))
		}
		if rng.UintN(2) == 0 {
			sum, want = sum.Add(p), want.Add(want, product)
		} else {
			sum, want = sum.Sub(p), want.Sub(want, product)
		}
		if want.BitLen() > 120 {
			sum, want = Int128{}, new(big.Int)
		}
		if toBig(sum).Cmp(want) != 0 {
			t.Fatalf("%s, want %s", toBig(sum), want)
		}
		back, ok := new(big.Rat).SetString(sum.String())
		if !ok || back.Cmp(new(big.Rat).SetFrac(want, e9)) != 0 {
			t.Fatalf("%s is written as %s", want, sum)
		}
		f, _ := new(big.Float).SetInt(want).Float64()
		if got := sum.Float64(); math.Abs(got-f/1e9) > 1e-12*math.Abs(got) {
			t.Fatalf("%s is %g as a float", sum, got)
		}
	}
	for s, v := range map[string]Int128{"0": {}, "0.000000001": {Lo: 1}, "-0.000000001": {Lo: math.MaxUint64, Hi: -1}, "-12.5": mul(-12_500_000_000, 1),
		"-170141183460469231731687303715.884105728": {Hi: math.MinInt64}, "170141183460469231731687303715.884105727": {Lo: math.MaxUint64, Hi: math.MaxInt64}} {
		if v.String() != s {
			t.Errorf("%s, want %s", v, s)
		}
	}
}
