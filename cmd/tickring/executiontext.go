package main

import (
	"fmt"
	"strconv"
)

// appendText writes an execution for people:
//
//	8726 2023-12-25T23:00:00.006105003Z strategy 7 Trade PartiallyFilled Buy 3 @ 4821.25 order 8721 ClOrdID 12 cum 3 leaves 2 instrument 206222
func (e *execution) appendText(b []byte) []byte {
	b = strconv.AppendUint(b, e.ExecID, 10)
	if e.Time != nil {
		b = append(b, ' ')
		b = appendTime(b, uint64(e.Time.UnixNano()))
	}
	switch {
	case e.Session != "":
		b = append(append(b, ' '), e.Session...)
	case e.Strategy != 0:
		b = fmt.Appendf(b, " strategy %d", e.Strategy)
	default:
		b = append(b, " all"...)
	}
	switch {
	case e.Engaged != nil:
		b = append(b, killWords(*e.Engaged, e.Cancel)...)
	case e.Status != "":
		b = fmt.Appendf(b, " %s, epoch %d", e.Status, e.Epoch)
	case e.ExecType != "":
		b = fmt.Appendf(b, " %s %s", e.ExecType, e.OrdStatus)
	default:
		b = append(append(b, ' '), e.MsgType...)
	}
	if e.CxlRejResponseTo != "" {
		b = fmt.Appendf(b, " of %s, %s", e.CxlRejResponseTo, e.OrdStatus)
	}
	if e.RefMsgType != "" {
		b = fmt.Appendf(b, " of %s", e.RefMsgType)
	}
	if e.Side != "" {
		b = append(append(b, ' '), e.Side...)
	}
	switch {
	case e.LastPx != nil:
		b = fmt.Appendf(b, " %d @ %s", e.LastQty, e.LastPx)
	case e.OrdType != "":
		b = fmt.Appendf(b, " %d %s %s", e.OrderQty, e.OrdType, e.TimeInForce)
		if e.Price != nil {
			b = fmt.Appendf(b, " @ %s", e.Price)
		}
	}
	for _, id := range []struct {
		name string
		v    uint64
	}{{"order", e.OrderID}, {"ClOrdID", e.ClOrdID}, {"OrigClOrdID", e.OrigClOrdID}} {
		if id.v != 0 {
			b = fmt.Appendf(b, " %s %d", id.name, id.v)
		}
	}
	if e.CumQty != nil && e.OrderID != 0 {
		b = fmt.Appendf(b, " cum %d leaves %d", *e.CumQty, *e.LeavesQty)
	}
	if e.SecurityID != 0 {
		b = fmt.Appendf(b, " instrument %d", e.SecurityID)
	}
	if e.Text != "" {
		b = append(append(b, ": "...), e.Text...)
	}
	return b
}

func killWords(engaged, cancel bool) string {
	switch {
	case cancel:
		return " stopped by kill switch, open orders canceled"
	case engaged:
		return " stopped by kill switch"
	}
	return " released by kill switch"
}
