package venue

import (
	"unsafe"

	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/ring"
)

// Reports takes what a venue reports in one call. It fills in each Origin itself; all other
// fields are the venue's. It does not allocate.
type Reports struct {
	room int
	n    int
	over bool // more was reported than there was room for
	recs [MaxReports]record
	out  [MaxReports]ring.Outgoing
}

// record has the size and alignment of every record.
type record [order.Size / 8]uint64

// NewReports returns an empty Reports with room for MaxReports.
func NewReports() *Reports { return &Reports{room: MaxReports} }

// Room is how many more reports there is room for.
func (r *Reports) Room() int { return r.room - r.n }

// Len is how many reports there are.
func (r *Reports) Len() int { return r.n }

// Report reports an ExecutionReport. More than there is room for ends the runner with
// ErrReports.
func (r *Reports) Report(er order.ExecutionReport) {
	if p := r.next(order.MsgExecutionReport); p != nil {
		*(*order.ExecutionReport)(unsafe.Pointer(p)) = er
	}
}

// CancelReject reports an OrderCancelReject, as Report does.
func (r *Reports) CancelReject(cr order.OrderCancelReject) {
	if p := r.next(order.MsgOrderCancelReject); p != nil {
		*(*order.OrderCancelReject)(unsafe.Pointer(p)) = cr
	}
}

// Reset makes r empty, with room for so many reports, at most MaxReports.
func (r *Reports) Reset(room int) {
	r.n, r.over, r.room = 0, false, min(max(room, 0), MaxReports)
}

// Execution returns report i if it is an ExecutionReport, CancelRejection if it is an
// OrderCancelReject, and nil otherwise: for venues' own tests.
func (r *Reports) Execution(i int) *order.ExecutionReport {
	if order.MsgType(r.out[i].Type) != order.MsgExecutionReport {
		return nil
	}
	return (*order.ExecutionReport)(unsafe.Pointer(&r.recs[i]))
}

// CancelRejection: see Execution.
func (r *Reports) CancelRejection(i int) *order.OrderCancelReject {
	if order.MsgType(r.out[i].Type) != order.MsgOrderCancelReject {
		return nil
	}
	return (*order.OrderCancelReject)(unsafe.Pointer(&r.recs[i]))
}

// setOrigin says which input the reports are about.
func (r *Reports) setOrigin(o order.Origin) {
	for i := range r.n {
		if er := r.Execution(i); er != nil {
			er.Origin = o
		} else {
			r.CancelRejection(i).Origin = o
		}
	}
}

func (r *Reports) next(typ order.MsgType) *record {
	if r.n == r.room {
		r.over = true
		return nil
	}
	p := &r.recs[r.n]
	r.out[r.n] = ring.Outgoing{Type: uint16(typ), Data: unsafe.Slice((*byte)(unsafe.Pointer(p)), order.Size)}
	r.n++
	return p
}
