package dbn_test

import (
	"bytes"
	"fmt"
	"io"
	"log"

	"github.com/tickring/tickring/feed/dbn"
)

// A file is written to memory and read again.
func Example() {
	var file bytes.Buffer
	w, err := dbn.NewWriter(&file, dbn.Metadata{Dataset: "DEMO", Schema: dbn.SchemaMbo}, dbn.WriterConfig{Zstd: true})
	if err != nil {
		log.Fatal(err)
	}
	for _, m := range []dbn.MboMsg{
		{OrderID: 1, Action: dbn.ActionAdd, Side: dbn.SideBid, Price: 101_250_000_000, Size: 10},
		{OrderID: 2, Action: dbn.ActionAdd, Side: dbn.SideAsk, Price: 101_500_000_000, Size: 4},
		{OrderID: 1, Action: dbn.ActionCancel, Side: dbn.SideBid, Price: 101_250_000_000, Size: 10},
	} {
		if err := w.WriteMbo(&m); err != nil {
			log.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}

	r, err := dbn.NewReader(&file, dbn.ReaderConfig{})
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	fmt.Println(r.Metadata().Dataset, r.Metadata().Schema)
	for {
		rec, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			log.Fatal(err)
		}
		if m, ok := dbn.AsMbo(rec); ok {
			fmt.Printf("%c%c order %d: %d at %.2f\n", m.Action, m.Side, m.OrderID, m.Size, float64(m.Price)/1e9)
		}
	}
	// Output:
	// DEMO mbo
	// AB order 1: 10 at 101.25
	// AA order 2: 4 at 101.50
	// CB order 1: 10 at 101.25
}
