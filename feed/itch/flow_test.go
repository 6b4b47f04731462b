package itch

import (
	"container/heap"
	"encoding/binary"
	"math/rand/v2"
)

// flow makes a BinaryFILE with about n messages of a believable order flow: an
// opening book of live orders, most new orders short-lived and some long-lived,
// references that grow in steps of 4 as on the real exchange. It has no message
// that names an order which is not live.
func flow(seed uint64, n, live int) []byte {
	return append(openingBook(seed, live), dayFlow(seed, n, live)...)
}

const flowLocates = 2000

// openingBook adds the orders with references 4, 8, ... 4*live.
func openingBook(seed uint64, live int) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	var file []byte
	for i := 1; i <= live; i++ {
		file = AppendMessage(file, flowAdd(r, uint64(i)*4, 1_000))
	}
	return file
}

// bookOrders returns the orders of an openingBook.
func bookOrders(book []byte) []death {
	var all []death
	for len(book) > 0 {
		n := int(binary.BigEndian.Uint16(book))
		var a AddOrder
		_ = a.Decode(book[2 : 2+n])
		all = append(all, death{ref: a.OrderReferenceNumber, loc: a.StockLocate, shares: a.Shares})
		book = book[2+n:]
	}
	return all
}

func flowAdd(r *rand.Rand, ref, now uint64) *AddOrder {
	side := Buy
	if r.IntN(2) == 0 {
		side = Sell
	}
	return &AddOrder{
		Header:               Header{StockLocate: uint16(1 + r.IntN(flowLocates)), Timestamp: now},
		OrderReferenceNumber: ref,
		BuySellIndicator:     side,
		Shares:               uint32(1+r.IntN(10)) * 100,
		Stock:                NewAlpha8("ZVZZT"),
		Price:                Price4(100_000 + r.IntN(1_000)*100),
	}
}

// death is a live order and the message count at which it goes.
type death struct {
	at     int
	ref    uint64
	loc    uint16
	shares uint32
}

type deaths []death

func (d deaths) Len() int           { return len(d) }
func (d deaths) Less(i, j int) bool { return d[i].at < d[j].at }
func (d deaths) Swap(i, j int)      { d[i], d[j] = d[j], d[i] }
func (d *deaths) Push(x any)        { *d = append(*d, x.(death)) }
func (d *deaths) Pop() any {
	x := (*d)[len(*d)-1]
	*d = (*d)[:len(*d)-1]
	return x
}

// dayFlow goes on from openingBook of the same size. Half of the new orders live
// for about 1,000 messages, a third for 10,000, a tenth for 100,000; one in ten
// stays, and an old one of the book goes instead, chosen at random.
func dayFlow(seed uint64, n, live int) []byte {
	r := rand.New(rand.NewPCG(seed, 2))
	old := bookOrders(openingBook(seed, live))
	var (
		file  []byte
		due   deaths
		ref   = uint64(live) * 4
		count int
		now   = uint64(34_200_000_000_000)
	)
	next := func() uint64 {
		ref += 4
		if r.IntN(8) == 0 {
			ref += uint64(r.IntN(4)) * 4
		}
		return ref
	}
	born := func(o death) {
		life := 0.0
		switch u := r.IntN(100); {
		case u < 50:
			life = 1_000
		case u < 80:
			life = 10_000
		case u < 90:
			life = 100_000
		case len(old) > 0:
			i := r.IntN(len(old))
			old[i], o = o, old[i]
		}
		o.at = count + 1 + int(r.ExpFloat64()*life)
		heap.Push(&due, o)
	}
	header := func(loc uint16) Header {
		now += uint64(r.IntN(20_000))
		return Header{StockLocate: loc, Timestamp: now}
	}
	for count < n {
		if len(due) == 0 || due[0].at > count {
			a := flowAdd(r, next(), now)
			a.Header = header(a.StockLocate)
			file = AppendMessage(file, a)
			count++
			born(death{ref: a.OrderReferenceNumber, loc: a.StockLocate, shares: a.Shares})
			continue
		}
		d := heap.Pop(&due).(death)
		h := header(d.loc)
		switch u := r.IntN(100); {
		case u < 10:
			file = AppendMessage(file, &OrderReplace{Header: h, OriginalOrderReferenceNumber: d.ref, NewOrderReferenceNumber: next(), Shares: 100, Price: 100_500})
			count++
			born(death{ref: ref, loc: d.loc, shares: 100})
		case u < 14:
			file = AppendMessage(file, &OrderExecuted{Header: h, OrderReferenceNumber: d.ref, ExecutedShares: d.shares, MatchNumber: uint64(count)})
			count++
		case u < 20:
			file = AppendMessage(file, &OrderExecuted{Header: h, OrderReferenceNumber: d.ref, ExecutedShares: 50, MatchNumber: uint64(count)})
			file = AppendMessage(file, &OrderDelete{Header: h, OrderReferenceNumber: d.ref})
			count += 2
		case u < 22:
			file = AppendMessage(file, &OrderCancel{Header: h, OrderReferenceNumber: d.ref, CancelledShares: 50})
			file = AppendMessage(file, &Trade{Header: h, BuySellIndicator: Buy, Shares: 100, Stock: NewAlpha8("ZVZZT"), Price: 100_000})
			file = AppendMessage(file, &OrderDelete{Header: h, OrderReferenceNumber: d.ref})
			count += 3
		default:
			file = AppendMessage(file, &OrderDelete{Header: h, OrderReferenceNumber: d.ref})
			count++
		}
	}
	return file
}

func countMessages(file []byte) (n int) {
	for ; len(file) > 0; n++ {
		file = file[2+binary.BigEndian.Uint16(file):]
	}
	return n
}
