// Package replay drives messages from a source into a sink: at maximum speed,
// at the pace of the messages' own timestamps times a factor, or at a fixed
// rate.
//
// It knows no files and no rings. A [Source] hands out one message after the
// other; a [Sink] takes them; a *ring.Publisher is one. [Run] joins the two and
// allocates nothing per message.
//
// # Pacing
//
// The schedule is laid down once, when the first message has been read: with
// start as that moment and t0 as the first known timestamp, a message of time t
// is due at
//
//	start + (t - t0) / Speed          (Config.Speed)
//	start + n / Rate, n from 0        (Config.Rate)
//
// and is never sent before. The schedule is not moved when the replay falls
// behind: messages then leave back to back until it has caught up, and each of
// them is recorded as late as it is. A histogram that began anew after every
// stall would hide the stall from all messages but one (the omission is known as
// coordinated omission).
//
// A message left when Publish has returned, so a sink that blocks shows in the
// lateness of the very message that it held.
//
// A timestamp that is unknown, or earlier than one before it, cannot ask for a
// place in the past: such a message is due together with the one before it. One
// that is further ahead than Config.MaxGap ends the replay with [ErrGap] rather
// than hold it up for good: no market closes for that long, so it is most likely
// wrong.
//
// A paced message costs a look at the clock, some 50 ns; a schedule that is
// denser than that for long falls behind, and the histogram says so.
//
// # Waiting
//
// A wait spins on the monotonic clock, because a sleep ends a millisecond late
// as often as not. Only a wait longer than Config.SpinWithin sleeps, and only
// for the part that exceeds it: a core that spins through a lunch break is taken
// from the strategies that share the machine.
package replay
