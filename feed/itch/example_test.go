package itch_test

import (
	"bytes"
	"fmt"
	"io"
	"time"

	"github.com/tickring/tickring/feed/dbn"
	"github.com/tickring/tickring/feed/itch"
)

// session is a small file of its own making: an order, an execution of a part of
// it, and a delete of an order that was never added.
func session() []byte {
	h := itch.Header{StockLocate: 13, Timestamp: uint64(9*time.Hour + 30*time.Minute)}
	var file []byte
	for _, m := range []itch.Message{
		&itch.SystemEvent{Header: itch.Header{Timestamp: h.Timestamp}, EventCode: itch.EventStartOfMarketHours},
		&itch.AddOrder{Header: h, OrderReferenceNumber: 4, BuySellIndicator: itch.Buy, Shares: 300, Stock: itch.NewAlpha8("ZVZZT"), Price: 10_0100},
		&itch.OrderExecuted{Header: h, OrderReferenceNumber: 4, ExecutedShares: 100, MatchNumber: 1},
		&itch.OrderDelete{Header: h, OrderReferenceNumber: 8},
	} {
		file = itch.AppendMessage(file, m)
	}
	return itch.AppendFrame(file, nil) // the end of the session
}

func Example() {
	rd, err := itch.NewReader(bytes.NewReader(session()), itch.ReaderConfig{Name: "small.itch50"})
	if err != nil {
		fmt.Println(err)
		return
	}
	midnight := time.Date(2019, time.January, 30, 0, 0, 0, 0, time.FixedZone("EST", -5*3600))
	norm := itch.NewNormalizer(itch.NormalizerConfig{PublisherID: 2, Midnight: uint64(midnight.UnixNano())})

	var out [itch.MaxRecords]dbn.MboMsg
	for {
		msg, err := rd.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, r := range out[:norm.Apply(msg, &out)] {
			fmt.Printf("%s  %c %c  order %d  %d @ %.2f\n", time.Unix(0, int64(r.TsEvent)).UTC().Format(time.DateTime),
				r.Action, r.Side, r.OrderID, r.Size, float64(r.Price)/1e9)
		}
	}
	s := norm.Stats()
	fmt.Println(s.Messages, "messages,", s.Records, "records,", s.LiveOrders, "live order; ended by its marker:", rd.SessionEnded())
	for _, a := range s.First {
		fmt.Println(a)
	}
	// Output:
	// 2019-01-30 14:30:00  A B  order 4  300 @ 10.01
	// 2019-01-30 14:30:00  T A  order 0  100 @ 10.01
	// 2019-01-30 14:30:00  F B  order 4  100 @ 10.01
	// 2019-01-30 14:30:00  C B  order 4  100 @ 10.01
	// 4 messages, 4 records, 1 live order; ended by its marker: true
	// message 4 (D) at offset 85: unknown order reference: 8
}

// Raw messages can be decoded into their structs.
func ExampleDecode() {
	rd, err := itch.NewReader(bytes.NewReader(session()), itch.ReaderConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for {
		msg, err := rd.Next()
		if err != nil {
			break
		}
		m, err := itch.Decode(msg)
		if err != nil {
			fmt.Println(err)
			return
		}
		switch m := m.(type) {
		case *itch.AddOrder:
			fmt.Println(m.Stock, m.BuySellIndicator, m.Shares, "@", m.Price)
		case *itch.OrderExecuted:
			fmt.Println("executed", m.ExecutedShares, "of order", m.OrderReferenceNumber)
		}
	}
	// Output:
	// ZVZZT B 300 @ 10.0100
	// executed 100 of order 4
}
