package bench

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/tickring/tickring/affinity"
	"github.com/tickring/tickring/internal/gaps"
	"github.com/tickring/tickring/internal/mem"
	"github.com/tickring/tickring/ring"
)

const (
	claimBlocks = 32 // that a piece has
	claimListen = 10 * time.Millisecond
	// atBlock is how many lines fewer than two blocks short of the ring a gate that lags
	// is behind: it stands a little after the start of a block then, and each claim finds
	// that what it knew of the gate is not enough.
	atBlock = 8
)

// Claims measures what subscribers cost the publisher. As in [Session.Latency], no garbage
// is collected while threads spin. If ctx ends, the result is what there was until then.
//
// Errors: [ErrChild], and those of rings.
func (s *Session) Claims(ctx context.Context, config Claims) (*ClaimsResult, error) {
	if config.Duration <= 0 {
		config.Duration = 8 * time.Second
	}
	r := &ClaimsResult{Run: s.run("claims", "every")}
	r.Ring.Subscriber = "as named"
	if err := s.claims(ctx, config, r); err != nil {
		return nil, fmt.Errorf("bench: claims: %w", err)
	}
	s.finish(ctx, &r.Run)
	return r, nil
}

// crier is the publisher of a crowd.
type crier struct {
	crowd
	p     *ring.Publisher
	block int    // messages in a block
	lag   uint64 // messages that the gates are behind
	batch []ring.Outgoing

	costs          []float64 // ns a message, piece by piece
	nobody, one    []float64 // the same as parts of other costs
	claims         []uint64  // ns
	dist           *dist
	claiming, sent uint64 // ns in claims; messages
}

func (s *Session) newCrier(dir string, i int) (*crier, error) {
	c := &crier{crowd: crowds[i], dist: newDist()}
	config := ring.Config{Dir: dir, Capacity: s.setup.Capacity}
	for g := range c.gates {
		config.Gates = append(config.Gates, ring.Gate{Name: gateName(g)})
	}
	p, err := ring.Create(ringOfCrowd(i), config)
	if err != nil {
		return nil, err
	}
	c.p, c.block = p, int(p.Block()/lineSize)
	if c.behind {
		c.lag = (p.Capacity()-2*p.Block())/lineSize - atBlock
	}
	payload := make([]byte, mem.LinePayload)
	for range c.block {
		c.batch = append(c.batch, ring.Outgoing{Data: payload})
	}
	return c, nil
}

// wholeBlock publishes a block as one batch, so that the publisher stands at a block's end
// then, wherever it stood before.
func (c *crier) wholeBlock(l *lines) error {
	err := c.p.PublishBatch(c.batch)
	for err == ring.ErrBackPressure && !l.gone.Load() {
		c.closer(l)
		err = c.p.PublishBatch(c.batch)
	}
	return err
}

// again publishes a message that could not be published, if that was because of gates.
func (c *crier) again(l *lines, msg []byte, err error) error {
	for err == ring.ErrBackPressure && !l.gone.Load() {
		c.closer(l)
		err = c.p.Publish(0, msg)
	}
	return err
}

// closer lets the gates read a block more than they should. A publisher that stood still
// for seconds within a block does not stand where it should: there is a time frame in that
// block, or a part of it was left out, and the gates are further behind by that.
func (c *crier) closer(l *lines) { l.step(max(c.p.Seq(), c.lag+1) - c.lag + uint64(c.block)) }

// fill brings the ring to where gates can be as far behind as they are to be.
func (c *crier) fill() error {
	for n := int(c.lag)/c.block - 1; n > 0; n-- {
		if err := c.p.PublishBatch(c.batch); err != nil {
			return err
		}
	}
	return nil
}

// claimPiece publishes blocks, and returns what all messages but those of the first block
// took, in ticks, and stores what their claims took.
func (s *Session) claimPiece(c *crier, l *lines, claims []uint64) (total uint64, err error) {
	var msg [mem.LinePayload]byte
	readOn := func() {
		if seq := c.p.Seq(); c.gates > 0 && seq > c.lag {
			l.step(seq - c.lag)
		}
	}
	if err := c.wholeBlock(l); err != nil {
		return 0, err
	}
	readOn()
	for i := range claims {
		began := s.clock.Now()
		if err := c.p.Publish(0, msg[:]); err != nil {
			if err = c.again(l, msg[:], err); err != nil {
				return 0, err
			}
		}
		claimed := s.clock.Now()
		for range c.block - 1 {
			if err := c.p.Publish(0, msg[:]); err != nil {
				if err = c.again(l, msg[:], err); err != nil {
					return 0, err
				}
			}
		}
		total += s.clock.Now() - began
		claims[i] = claimed - began
		readOn()
	}
	l.step(0)
	return total, nil
}

// turnOf measures a piece.
func (s *Session) turnOf(o *other, i int, c *crier, l *lines, claims []uint64) error {
	if err := o.send(crowdCommand{i}); err != nil {
		return err
	}
	if err := o.receive(nil); err != nil {
		return err
	}
	var total uint64
	err := affinity.On(s.setup.CPUs[0], func() (err error) {
		total, err = s.claimPiece(c, l, claims)
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", c.name, err)
	}
	messages := uint64(len(claims) * c.block)
	c.sent += messages
	c.costs = append(c.costs, float64(s.scale.Ns(total))/float64(messages))
	for _, t := range claims {
		ns := s.scale.Ns(t)
		c.dist.record(ns)
		c.claims = append(c.claims, ns)
		c.claiming += ns
	}
	return o.receive(nil)
}

func (s *Session) claims(ctx context.Context, config Claims, r *ClaimsResult) error {
	dir, err := s.subdir("claims")
	if err != nil {
		return err
	}
	l, err := openLines(dir+"/lines", lineSize)
	if err != nil {
		return err
	}
	defer l.close()
	var all []*crier
	for i := range crowds {
		c, err := s.newCrier(dir, i)
		if err != nil {
			return err
		}
		defer c.p.Close()
		all = append(all, c)
	}
	o, err := s.start("crowd", s.setup.CPUs[1], crowdParams{Dir: dir, Lines: dir + "/lines", Scale: uint64(s.scale)})
	if err != nil {
		return err
	}
	defer o.close()
	l.gone = &o.gone
	for _, c := range all {
		if err := c.fill(); err != nil {
			return err
		}
	}
	listener := newEar(s.setup.CPUs[0], s.clock)
	claims := make([]uint64, claimBlocks)
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	for began := time.Now(); time.Since(began) < config.Duration && ctx.Err() == nil; {
		s.progress("claims", int(time.Since(began)), int(config.Duration))
		runtime.GC()
		for i, c := range all {
			if err := s.turnOf(o, i, c, l, claims); err != nil {
				return err
			}
			last := func(c *crier) float64 { return c.costs[len(c.costs)-1] }
			c.nobody = append(c.nobody, last(c)/last(all[0]))
			c.one = append(c.one, last(c)/last(all[c.crowd.one]))
		}
		err := affinity.On(s.setup.CPUs[0], func() error {
			listener.Listen(s.scale.Ticks(uint64(claimListen)), s.scale.Ticks(uint64(gaps.Least)))
			return nil
		})
		if err != nil {
			return err
		}
		listener.count(s.scale)
	}
	if listener.Heard > 0 {
		r.Noise = listener.noise(s.scale)
	}
	for _, c := range all {
		r.Crowds = append(r.Crowds, c.result(r.Noise))
	}
	r.say()
	return nil
}

func (c *crier) result(noise Noise) Crowd {
	r := Crowd{
		Name:      c.name,
		Nobody:    spreadOf(c.nobody),
		One:       spreadOf(c.one),
		Claims:    c.dist.sum(),
		Histogram: ranges(c.claims),
		Messages:  c.sent,
	}
	if len(c.costs) > 0 {
		r.Cost = median(c.costs)
	}
	r.Long = from(r.Histogram, longClaim)
	if noise.Seconds > 0 {
		r.LongByNoise = float64(from(noise.Histogram, longClaim)) / noise.Seconds * float64(c.claiming) / 1e9
	}
	return r
}

// say says what long claims mean.
func (r *ClaimsResult) say() {
	var claims, long int64
	for _, c := range r.Crowds {
		claims += c.Claims.Samples
		long += c.Long
	}
	if long == 0 || r.Noise.Seconds == 0 {
		return
	}
	r.Notes = append(r.Notes, fmt.Sprintf("%d of %d claims took 20 µs or more. A thread that does nothing but spin on the publisher's CPU missed as much %.0f times a second in this run, up to %s: a claim that is interrupted by the timer, another task or the hypervisor has that in its time.",
		long, claims, float64(from(r.Noise.Histogram, longClaim))/r.Noise.Seconds, nsText(r.Noise.Gaps.Max)))
}
