package order

// record is what has Size bytes in a ring.
type record interface {
	Request | ExecutionReport | OrderCancelReject | BusinessMessageReject | SessionStatus |
		KillSwitch | VenueStatus | Checkpoint
}

// The As functions say what record a message is. It must have exactly Size bytes, else they
// return false; the type of the message (MsgType) is the caller's to look at, and what the
// fields say is not checked. The record is the message's memory where that is possible, and
// is good as long as that is: copy what is kept.

// AsRequest returns the message as a Request.
func AsRequest(msg []byte) (*Request, bool) { return as[Request](msg) }

// AsExecutionReport returns the message as an ExecutionReport.
func AsExecutionReport(msg []byte) (*ExecutionReport, bool) { return as[ExecutionReport](msg) }

// AsOrderCancelReject returns the message as an OrderCancelReject.
func AsOrderCancelReject(msg []byte) (*OrderCancelReject, bool) { return as[OrderCancelReject](msg) }

// AsBusinessMessageReject returns the message as a BusinessMessageReject.
func AsBusinessMessageReject(msg []byte) (*BusinessMessageReject, bool) {
	return as[BusinessMessageReject](msg)
}

// AsSessionStatus returns the message as a SessionStatus.
func AsSessionStatus(msg []byte) (*SessionStatus, bool) { return as[SessionStatus](msg) }

// AsKillSwitch returns the message as a KillSwitch.
func AsKillSwitch(msg []byte) (*KillSwitch, bool) { return as[KillSwitch](msg) }

// AsVenueStatus returns the message as a VenueStatus.
func AsVenueStatus(msg []byte) (*VenueStatus, bool) { return as[VenueStatus](msg) }

// AsCheckpoint returns the message as a Checkpoint.
func AsCheckpoint(msg []byte) (*Checkpoint, bool) { return as[Checkpoint](msg) }

func as[T record](msg []byte) (*T, bool) {
	if len(msg) != Size {
		return nil, false
	}
	return view[T](msg), true
}

// The Bytes methods return a record as it travels: its own memory where that is possible,
// good as long as the record is not changed.

func (r *Request) Bytes() []byte               { return bytesOf(r) }
func (r *ExecutionReport) Bytes() []byte       { return bytesOf(r) }
func (r *OrderCancelReject) Bytes() []byte     { return bytesOf(r) }
func (r *BusinessMessageReject) Bytes() []byte { return bytesOf(r) }
func (r *SessionStatus) Bytes() []byte         { return bytesOf(r) }
func (r *KillSwitch) Bytes() []byte            { return bytesOf(r) }
func (r *VenueStatus) Bytes() []byte           { return bytesOf(r) }
func (r *Checkpoint) Bytes() []byte            { return bytesOf(r) }
