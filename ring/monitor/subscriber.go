package monitor

import (
	"time"

	"github.com/tickring/tickring/ring"
)

// watchedSub is what the monitor remembers of a subscriber.
type watchedSub struct {
	series
	seen    time.Duration // the last poll that saw it
	flow    rates         // of messages read, and lost
	cursor  uint64
	opened  time.Time
	known   bool          // the words above are those of the last poll
	moved   time.Duration // when the cursor was seen to be another one
	behind  bool          // it had something to read at the last poll
	waiting time.Duration // since when it has been seen to have, and not moved
}

func (u *watchedSub) poll(m *Monitor, t poll, i *ring.SubSight, r *ring.Sight) Subscriber {
	s := Subscriber{Name: i.Name, Gate: GateWord(i.Gate), Hold: i.Hold, DropDead: i.DropDead, LagTime: -1}
	if i.Err != nil {
		s.State, s.Error = StateBroken, i.Err.Error()
		u.flow, u.known = rates{}, false
		u.begin()
		s.Second, s.Minute, s.Start = u.series.poll(m, t, nil)
	} else {
		s.PID, s.Cursor, s.LagTime = i.PID, i.Cursor, i.Unread
		s.Delivered, s.Bytes, s.Lost, s.Overruns = i.Messages, i.Bytes, i.Lost, i.Overruns
		s.Wait, s.Sleeps, s.Negative, s.TooLong = i.Wait, i.Sleeps, i.Negative, i.TooLong
		if i.Opened.UnixNano() != 0 {
			s.Opened = i.Opened
		}
		if r.Err == nil && i.Cursor > 0 && r.Last >= i.Cursor {
			s.Lag = r.Last - i.Cursor + 1
		}
		if !u.known || !i.Opened.Equal(u.opened) {
			u.flow = rates{}
		}
		u.flow.add(t.now, i.Messages, i.Lost)
		s.Rate, s.LostRate = u.flow.perSecond()
		u.move(t, i, s.Lag)
		s.Moved = t.now - u.moved
		s.State = u.state(m, t, i)
		s.Second, s.Minute, s.Start = u.series.poll(m, t, &measured{i.Latencies, i.Opened, i.Max})
	}
	s.Trend = u.trend
	if s.Trend == nil {
		s.Trend = []int64{}
	}
	s.Spikes = spikes(i.Spikes)
	return s
}

// move remembers when the subscriber moved last, and since when it could have.
func (u *watchedSub) move(t poll, i *ring.SubSight, lag uint64) {
	if !u.known || i.Cursor != u.cursor || !i.Opened.Equal(u.opened) {
		u.moved, u.waiting = t.now, t.now
	}
	if lag == 0 || !u.behind { // what it has not read may have come just now
		u.waiting = t.now
	}
	u.behind = lag > 0
	u.known, u.cursor, u.opened = true, i.Cursor, i.Opened
}

func (u *watchedSub) state(m *Monitor, t poll, i *ring.SubSight) string {
	if i.Active && t.now-u.waiting >= m.cfg.Stuck {
		return StateStuck
	}
	return StateOf(&i.SubscriberInfo)
}

// spikes makes a list that is there, be it empty.
func spikes(l ring.SpikeLog) ring.SpikeLog {
	if l.List == nil {
		l.List = []ring.Spike{}
	}
	return l
}
