package ring

// Ready says whether Next would return something else than Empty, but for the end of the
// ring that was told already: there is a message, or something has changed. It costs some
// loads and makes no system call. With a look at Epoch or Publisher before it, it tells
// whether everything that a publisher had to say was read.
func (s *Subscriber) Ready() bool { return s.region != nil && !s.quiet() }
