//go:build !(amd64 || arm64) || purego

package dbn

// viewIsDirect: view does not copy.
const viewIsDirect = false

// Bytes returns the record: a copy in this build, m's own memory in the others. It
// relies on m.Length and m.RType there, unlike Append.
func (m *MboMsg) Bytes() []byte { return m.Append(nil) }

// view returns a copy of rec as a T; the caller has checked the length.
func view[T MboMsg | TradeMsg | Mbp1Msg | Mbp10Msg](rec []byte) *T {
	m := new(T)
	any(m).(interface{ load([]byte) }).load(rec)
	return m
}
