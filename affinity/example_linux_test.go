package affinity_test

import (
	"errors"
	"fmt"
	"os"

	"github.com/tickring/tickring/affinity"
)

func ExampleReserve() {
	dir, err := os.MkdirTemp("", "cpus")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	r, err := affinity.Reserve(dir, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = affinity.Reserve(dir, 0)
	fmt.Println(errors.Is(err, affinity.ErrReserved))
	fmt.Println(r.Release())
	// Output:
	// true
	// <nil>
}
