package order

import "errors"

// The errors of this package. They come wrapped with what was found and where; test with
// errors.Is.
var (
	// ErrJournal: a gateway's ring contradicts itself, or what was folded from it before.
	ErrJournal = errors.New("the gateway's ring contradicts itself")
	// ErrTransition: the order is in no state for this.
	ErrTransition = errors.New("not a legal transition of the order")
)
