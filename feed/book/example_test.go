package book_test

import (
	"fmt"

	"github.com/tickring/tickring/feed/book"
	"github.com/tickring/tickring/feed/dbn"
)

func Example() {
	books := book.New(book.Config{})
	apply := func(action dbn.Action, id uint64, side dbn.Side, price int64, size uint32) {
		books.Apply(&dbn.MboMsg{
			RecordHeader: dbn.RecordHeader{InstrumentID: 17077, PublisherID: 1},
			OrderID:      id, Action: action, Side: side, Price: price * 1e9, Size: size, Flags: dbn.FlagLast,
		})
	}
	apply(dbn.ActionAdd, 1, dbn.SideBid, 4800, 2)
	apply(dbn.ActionAdd, 2, dbn.SideBid, 4800, 5)
	apply(dbn.ActionAdd, 3, dbn.SideAsk, 4801, 1)
	apply(dbn.ActionModify, 1, dbn.SideBid, 4800, 3) // more: behind order 2 now

	b := books.Get(17077)
	bid, ask := b.BBO()
	fmt.Println(bid.Size, "at", bid.Price/1e9, "|", ask.Size, "at", ask.Price/1e9)
	orders, size := books.Ahead(b.Find(1))
	fmt.Println("before order 1:", orders, "order of", size)
	// Output:
	// 8 at 4800 | 1 at 4801
	// before order 1: 1 order of 5
}
