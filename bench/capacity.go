package bench

import "fmt"

// What a ring can be made with; see [ring.Config].
const (
	leastCapacity = 256 << 10
	mostCapacity  = 1 << 40
)

// checkCapacity is done before anything is made of that size. 0 is the default.
func checkCapacity(n uint64) error {
	if n == 0 || n&(n-1) == 0 && n >= leastCapacity && n <= mostCapacity {
		return nil
	}
	return fmt.Errorf("%w: rings of %d bytes; a ring has a power of two from 256 KiB to 1 TiB", ErrConfig, n)
}
