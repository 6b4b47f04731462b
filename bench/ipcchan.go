package bench

// chanEnd is an end of a way between two threads of one process: Go channels.
type chanEnd struct {
	out chan<- message
	in  <-chan message
}

// chanRoom is what a channel holds, in messages.
const chanRoom = 1024

var chanWay = way{
	name:    "Go channel, in one process",
	how:     "two goroutines on threads of their own; a buffer of 1024 messages",
	threads: newChanEnds,
}

func newChanEnds() (near, far end) {
	there, back := make(chan message, chanRoom), make(chan message, chanRoom)
	return &chanEnd{there, back}, &chanEnd{back, there}
}

func (c *chanEnd) send(m *message) error {
	c.out <- *m
	return nil
}

func (c *chanEnd) receive(m *message) error {
	*m = <-c.in
	return nil
}

// hangUp has nothing to do: a thread does not die alone.
func (c *chanEnd) hangUp() {}
func (c *chanEnd) close()  {}
