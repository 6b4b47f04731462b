package risk

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/tickring/tickring/order"
)

// wide is limits that allow everything.
func wide() (Strategy, Instrument) {
	return Strategy{Bounds: unbounded(), MaxOrders: noOrders}, Instrument{Bounds: unbounded(), Multiplier: 1}
}

func TestCheck(t *testing.T) {
	buy := func(qty int32, price int64) Order {
		return Order{Price: price * 1e9, Qty: qty, Adds: qty, Side: order.Buy, OrdType: order.Limit}
	}
	sell := func(qty int32, price int64) Order { o := buy(qty, price); o.Side = order.Sell; return o }
	market := Market{Bid: 99 * 1e9, Ask: 101 * 1e9, Last: 100 * 1e9}
	type limits func(s *Strategy, i *Instrument)
	both := func(f func(b *Bounds)) []limits {
		return []limits{
			func(s *Strategy, i *Instrument) { f(&s.Bounds) },
			func(s *Strategy, i *Instrument) { f(&i.Bounds) },
		}
	}
	cases := []struct {
		name   string
		limits []limits
		m      Market
		x      Exposure
		o      Order
		want   order.Text
	}{
		{"quantity at the limit", both(func(b *Bounds) { b.MaxQty = 5 }), market, Exposure{}, buy(5, 100), order.TextNone},
		{"quantity above", both(func(b *Bounds) { b.MaxQty = 5 }), market, Exposure{}, buy(6, 100), order.TextMaxQty},
		{"notional at the limit", both(func(b *Bounds) { b.MaxNotional = Notional{0, 500 * 1e9} }), market, Exposure{}, buy(5, 100), order.TextNone},
		{"notional above", both(func(b *Bounds) { b.MaxNotional = Notional{0, 500*1e9 - 1} }), market, Exposure{}, buy(5, 100), order.TextMaxNotional},
		{"notional of a negative price", both(func(b *Bounds) { b.MaxNotional = Notional{0, 500*1e9 - 1} }), market, Exposure{}, sell(5, -100), order.TextMaxNotional},
		{"notional of a market order", both(func(b *Bounds) { b.MaxNotional = Notional{0, 500 * 1e9} }), market, Exposure{}, Order{Qty: 5, Adds: 5, Side: order.Buy, OrdType: order.Market}, order.TextMaxNotional},
		{"notional of a market order to sell", both(func(b *Bounds) { b.MaxNotional = Notional{0, 500 * 1e9} }), market, Exposure{}, Order{Qty: 5, Adds: 5, Side: order.Sell, OrdType: order.Market}, order.TextNone},
		{"notional of a stop order", both(func(b *Bounds) { b.MaxNotional = Notional{0, 500 * 1e9} }), market, Exposure{}, Order{Price: 101 * 1e9, Qty: 5, Adds: 5, Side: order.Buy, OrdType: order.Stop}, order.TextMaxNotional},
		{"market order, no market", both(func(*Bounds) {}), NoMarket(), Exposure{}, Order{Qty: 5, Adds: 5, Side: order.Buy, OrdType: order.Market}, order.TextNoMarket},
		{"stop order, no market", both(func(*Bounds) {}), NoMarket(), Exposure{}, Order{Price: 1, Qty: 5, Adds: 5, Side: order.Buy, OrdType: order.Stop}, order.TextNoMarket},
		{"limit order, no market, no collar", both(func(*Bounds) {}), NoMarket(), Exposure{}, buy(1, 100), order.TextNone},
		{"limit order, no market", both(func(b *Bounds) { b.Collar = 1 }), NoMarket(), Exposure{}, buy(1, 100), order.TextNoMarket},
		{"limit order, last trade only", both(func(b *Bounds) { b.Collar = 1e9 }), Market{NoPrice, NoPrice, 100 * 1e9}, Exposure{}, buy(1, 102), order.TextCollar},
		{"collar to buy, at it", both(func(b *Bounds) { b.Collar = 2e9 }), market, Exposure{}, buy(1, 103), order.TextNone},
		{"collar to buy, above", both(func(b *Bounds) { b.Collar = 2e9 - 1 }), market, Exposure{}, buy(1, 103), order.TextCollar},
		{"collar to sell, at it", both(func(b *Bounds) { b.Collar = 2e9 }), market, Exposure{}, sell(1, 97), order.TextNone},
		{"collar to sell, below", both(func(b *Bounds) { b.Collar = 2e9 - 1 }), market, Exposure{}, sell(1, 97), order.TextCollar},
		{"collar to buy, far below the market", both(func(b *Bounds) { b.Collar = 0 }), market, Exposure{}, buy(1, 1), order.TextNone},
		{"collar in ppm, at it", both(func(b *Bounds) { b.CollarPPM = 10_000 }), Market{NoPrice, 100 * 1e9, NoPrice}, Exposure{}, buy(1, 101), order.TextNone},
		{"collar in ppm, above", both(func(b *Bounds) { b.CollarPPM = 9_999 }), Market{NoPrice, 100 * 1e9, NoPrice}, Exposure{}, buy(1, 101), order.TextCollar},
		{"collar, prices of all sizes", both(func(b *Bounds) { b.CollarPPM = 1e9 }), Market{NoPrice, math.MinInt64, NoPrice}, Exposure{}, buy(1, 9_000_000_000), order.TextNone},
		{"position at the limit", both(func(b *Bounds) { b.MaxPosition = 10 }), market, Exposure{Net: 3, OpenBuy: 4, OpenSell: 100}, buy(3, 100), order.TextNone},
		{"position above", both(func(b *Bounds) { b.MaxPosition = 10 }), market, Exposure{Net: 3, OpenBuy: 4, OpenSell: 100}, buy(4, 100), order.TextPosition},
		{"short at the limit", both(func(b *Bounds) { b.MaxPosition = 10 }), market, Exposure{Net: -3, OpenSell: 4, OpenBuy: 100}, sell(3, 100), order.TextNone},
		{"short above", both(func(b *Bounds) { b.MaxPosition = 10 }), market, Exposure{Net: -3, OpenSell: 4}, sell(4, 100), order.TextPosition},
		{"out of a position that is too large", both(func(b *Bounds) { b.MaxPosition = 10 }), market, Exposure{Net: 50}, sell(60, 100), order.TextNone},
		{"replace to less, above the limit", both(func(b *Bounds) { b.MaxPosition = 10 }), market, Exposure{Net: 50, OpenBuy: 5}, Order{Price: 1, Qty: 3, Adds: -2, Side: order.Buy, OrdType: order.Limit, Replace: true}, order.TextNone},
		{"replace to more", both(func(b *Bounds) { b.MaxPosition = 10 }), market, Exposure{OpenBuy: 5}, Order{Price: 1, Qty: 11, Adds: 6, Side: order.Buy, OrdType: order.Limit, Replace: true}, order.TextPosition},
		{"sums beyond int64", both(func(b *Bounds) { b.MaxPosition = 10 }), market, Exposure{Net: math.MaxInt64, OpenBuy: math.MaxInt64}, buy(math.MaxInt32, 100), order.TextPosition},
		{"short sums beyond int64", both(func(b *Bounds) { b.MaxPosition = 10 }), market, Exposure{Net: -math.MaxInt64, OpenSell: math.MaxInt64}, sell(1, 100), order.TextPosition},
		{"open orders at the limit", []limits{func(s *Strategy, _ *Instrument) { s.MaxOrders = 3 }}, market, Exposure{Orders: 2}, buy(1, 1), order.TextNone},
		{"open orders above", []limits{func(s *Strategy, _ *Instrument) { s.MaxOrders = 3 }}, market, Exposure{Orders: 3}, buy(1, 1), order.TextOpenOrders},
		{"replace with all open orders", []limits{func(s *Strategy, _ *Instrument) { s.MaxOrders = 3 }}, market, Exposure{Orders: 3}, Order{Price: 1, Qty: 1, Side: order.Buy, OrdType: order.Limit, Replace: true}, order.TextNone},
	}
	for _, c := range cases {
		for n, set := range c.limits {
			t.Run(fmt.Sprint(c.name, " ", n), func(t *testing.T) {
				s, i := wide()
				set(&s, &i)
				if got := Check(&s, &i, &c.m, &c.x, &c.o); got != c.want {
					t.Errorf("%v, want %v", got, c.want)
				}
			})
		}
	}
	s, _ := wide()
	o := buy(1, 1)
	if got := Check(&s, nil, &market, &Exposure{}, &o); got != order.TextUnknownSecurity {
		t.Error(got)
	}
}

// Check with numbers of any size agrees with big integers.
func TestExact(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	size := func() int64 { return int64(rnd.Uint64()) >> rnd.IntN(64) }
	b := func(v int64) *big.Int { return big.NewInt(v) }
	found := map[order.Text]int{}
	for range 200_000 {
		s, i := wide()
		i.Multiplier = max(uint32(rnd.Uint64())>>rnd.IntN(32), 1)
		s.MaxNotional = Notional{rnd.Uint64() >> 1 >> rnd.IntN(63), rnd.Uint64()}
		i.Collar, s.CollarPPM = rnd.Uint64()>>1>>rnd.IntN(63), rnd.Uint64N(1e9)
		m := Market{Bid: size(), Ask: size(), Last: NoPrice}
		o := Order{Price: size(), Qty: max(int32(size())&math.MaxInt32, 1), Side: order.Side('1' + rnd.IntN(2)), OrdType: order.Limit}
		ref, beyond := b(m.Ask), new(big.Int)
		if beyond.Sub(b(o.Price), ref); o.Side == order.Sell {
			ref = b(m.Bid)
			beyond.Sub(ref, b(o.Price))
		}
		want := order.TextNone
		limit := new(big.Int).Lsh(new(big.Int).SetUint64(s.MaxNotional.Hi), 64)
		limit.Add(limit, new(big.Int).SetUint64(s.MaxNotional.Lo))
		money := new(big.Int).Mul(new(big.Int).Abs(b(o.Price)), b(int64(o.Qty)))
		money.Mul(money, b(int64(i.Multiplier)))
		if money.Cmp(limit) > 0 {
			want = order.TextMaxNotional
		}
		part := new(big.Int).Mul(beyond, b(1e6))
		whole := new(big.Int).Mul(new(big.Int).Abs(ref), new(big.Int).SetUint64(s.CollarPPM))
		if beyond.Sign() > 0 && (beyond.Cmp(new(big.Int).SetUint64(i.Collar)) > 0 || part.Cmp(whole) > 0) {
			want = order.TextCollar
		}
		if got := Check(&s, &i, &m, &Exposure{}, &o); got != want {
			t.Fatalf("%v, want %v: limits %+v %+v, market %+v, order %+v", got, want, s, i, m, o)
		}
		found[want]++
	}
	for _, text := range []order.Text{order.TextNone, order.TextMaxNotional, order.TextCollar} {
		if found[text] < 1000 {
			t.Errorf("only %d times %v", found[text], text)
		}
	}
}

// Over any time no more goes through than the rate and one burst, and as much as that if it
// is asked for.
func TestRate(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		r := Rate{Interval: 1 + rnd.Uint64N(1000), Burst: 1 + rnd.Uint64N(20)}
		start := rnd.Uint64N(1 << 62)
		now, paid, passed := start, uint64(0), uint64(0)
		for range 2000 {
			now += rnd.Uint64N(2 * r.Interval)
			if r.Exceeded(paid, now) {
				continue
			}
			paid = r.Count(paid, now)
			passed++
			if most := (now-start)/r.Interval + r.Burst; passed > most {
				t.Fatalf("%+v: %d passed in %d ns, at most %d may", r, passed, now-start, most)
			}
		}
		// A full burst at once, after a pause.
		now += r.Interval * (r.Burst + 1)
		n := uint64(0)
		for ; !r.Exceeded(paid, now); n++ {
			paid = r.Count(paid, now)
		}
		if n != r.Burst {
			t.Fatalf("%+v: %d at once", r, n)
		}
	}
	if (Rate{}).Exceeded(math.MaxUint64, 0) || (Rate{}).Count(5, 5) != 0 {
		t.Error("no limit has a limit")
	}
	if r := (Rate{Interval: 1e9, Burst: 2}); r.Count(math.MaxUint64, 1) != math.MaxUint64 || !r.Exceeded(math.MaxUint64, 1) {
		t.Error("the end of time")
	}
}

// BenchmarkCheck is all checks of an order, limits and market at hand.
func BenchmarkCheck(b *testing.B) {
	l, err := Parse("", []byte(Example))
	if err != nil {
		b.Fatal(err)
	}
	m := Market{Bid: 4999 * 1e9, Ask: 5000 * 1e9, Last: 5000 * 1e9}
	x := Exposure{Net: 10, OpenBuy: 5, OpenSell: 7, Orders: 3}
	var paid uint64
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		strategy := uint16(n&15 + 1)
		o := Order{Price: (4990 + int64(n&7)) * 1e9, Qty: int32(n&31 + 1), Adds: int32(n&31 + 1), Side: order.Side('1' + n&1), OrdType: order.Limit}
		if o.Side == order.Sell {
			o.Price += 10 * 1e9
		}
		s := l.Strategy(strategy)
		now := uint64(n) * 1e6
		if t := Check(s, l.Instrument(5602), &m, &x, &o); t != order.TextNone || s.Rate.Exceeded(paid, now) {
			b.Fatal(t)
		}
		paid = s.Rate.Count(paid, now)
	}
}
