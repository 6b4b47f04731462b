package order

import "unsafe"

// A record of another size does not compile.
const (
	_ = -(unsafe.Sizeof(Request{}) ^ Size)
	_ = -(unsafe.Sizeof(ExecutionReport{}) ^ Size)
	_ = -(unsafe.Sizeof(OrderCancelReject{}) ^ Size)
	_ = -(unsafe.Sizeof(BusinessMessageReject{}) ^ Size)
	_ = -(unsafe.Sizeof(SessionStatus{}) ^ Size)
	_ = -(unsafe.Sizeof(KillSwitch{}) ^ Size)
	_ = -(unsafe.Sizeof(VenueStatus{}) ^ Size)
	_ = -(unsafe.Sizeof(Checkpoint{}) ^ Size)
)
