package bench_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"

	"github.com/tickring/tickring/bench"
	"github.com/tickring/tickring/bench/report"
)

// A program that measures is its own other process: Setup.Command starts it once more, and
// then it calls Child and nothing else.
func Example() {
	if len(os.Args) > 1 && os.Args[1] == "child" {
		if err := bench.Child(os.Stdin, os.Stdout); err != nil {
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	s, err := bench.Open(bench.Setup{Command: []string{os.Args[0], "child"}})
	if err != nil {
		log.Fatal(err) // fewer than two CPUs, for example
	}
	defer s.Close()
	r, err := s.RTT(ctx, bench.RTT{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("p50 %.0f ns, %.2f times what the machine allows\n", r.RTT.P50, r.Ratio.P50)
	if r.Machine.Noisy {
		fmt.Println("on a noisy machine:", r.Machine.Reasons)
	}
	if r.Interrupted {
		fmt.Println("in part: the run was interrupted")
	}
}

// The same as files: Markdown, JSON and pictures.
func Example_report() {
	s, err := bench.Open(bench.Setup{})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	out, err := report.New("report")
	if err != nil {
		log.Fatal(err)
	}
	r, err := s.Limit(context.Background(), bench.Limit{})
	if err != nil {
		log.Fatal(err)
	}
	if err := out.Add(r); err != nil {
		log.Fatal(err)
	}
	fmt.Println("see", out.Path())
}
