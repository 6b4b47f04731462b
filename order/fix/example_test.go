package fix_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/tickring/tickring/order/fix"
	"github.com/tickring/tickring/order/venue"
)

// A session between the rings of a gateway and a counterparty.
func Example() {
	cfg, err := fix.ReadConfig(strings.NewReader(fix.Example), "broker.cfg")
	if err != nil {
		fmt.Println(err)
		return
	}
	cfg.Notify = func(e fix.Event) { fmt.Println(e.Text) }
	run := func(ctx context.Context) error {
		s, err := fix.New(cfg)
		if err != nil {
			return err
		}
		defer s.Close()
		_, err = venue.Run(ctx, venue.Config{Name: "broker", Gateway: "gw"}, s)
		return err
	}
	_ = run // as long as the session is wanted
	fmt.Println(cfg.Symbols[17077])
	// Output: ESH4
}
