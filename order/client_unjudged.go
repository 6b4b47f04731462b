package order

// Sent is a request on its way.
type Sent struct {
	Request Request
	Type    MsgType
}

// unjudged are the requests that the gateway has not judged yet, as far as its ring was
// read. It judges them in turn, so they are a queue; and they have successive numbers in the
// strategy's ring, so the number of the first tells all. They lie in one piece: what is taken
// leaves a hole at the front, and when the end is reached the rest moves there.
type unjudged struct {
	sent  []Sent // [taken:] are the queue
	taken int
	first uint64 // number of sent[taken] in the strategy's ring
	most  int
}

// init makes room for most requests, which is what the ring has room for, so that pushing
// never allocates. Twice that, so that moving the rest is seldom.
func (u *unjudged) init(most int) {
	*u = unjudged{sent: make([]Sent, 0, 2*most), most: most}
}

func (u *unjudged) all() []Sent { return u.sent[u.taken:] }

func (u *unjudged) full() bool { return len(u.sent)-u.taken >= u.most }

// push appends the request that is message seq.
func (u *unjudged) push(seq uint64, typ MsgType, r *Request) {
	switch {
	case u.taken == len(u.sent):
		u.sent, u.taken, u.first = u.sent[:0], 0, seq
	case len(u.sent) == cap(u.sent):
		u.sent, u.taken = u.sent[:copy(u.sent, u.sent[u.taken:])], 0
	}
	u.sent = append(u.sent, Sent{*r, typ})
}

// judged takes out those up to message seq and returns how many they were.
func (u *unjudged) judged(seq uint64) int {
	n := len(u.sent) - u.taken
	if n == 0 || seq < u.first {
		return 0
	}
	n = int(min(uint64(n), seq-u.first+1))
	u.taken += n
	u.first += uint64(n)
	return n
}

// find returns the request that makes the order of this ClOrdID, or changes it.
func (u *unjudged) find(clOrdID uint64) *Request {
	all := u.all()
	for i := len(all) - 1; i >= 0; i-- { // the last are the likely ones
		if s := &all[i]; s.Request.ClOrdID == clOrdID && s.Type != MsgOrderCancelRequest {
			return &s.Request
		}
	}
	return nil
}
