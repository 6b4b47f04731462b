package plot_test

import (
	"bytes"
	"fmt"

	"github.com/tickring/tickring/bench"
	"github.com/tickring/tickring/bench/plot"
)

func Example() {
	picture, err := plot.Curves("Round trip", []bench.Curve{
		{Name: "ring", Points: []bench.Point{{Percentile: 50, Ns: 150}, {Percentile: 99, Ns: 400}, {Percentile: 99.9, Ns: 9000}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	var svg bytes.Buffer
	fmt.Println(picture.Title(), picture.WriteSVG(&svg), bytes.Contains(svg.Bytes(), []byte("99.9%")))
	// Output: Round trip <nil> true
}
