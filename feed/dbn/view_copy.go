//go:build !(amd64 || arm64) || purego

package dbn

// viewIsDirect: view does not copy.
const viewIsDirect = false

// view returns a copy of rec as a T; the caller has checked the length.
func view[T MboMsg | TradeMsg | Mbp1Msg | Mbp10Msg](rec []byte) *T {
	m := new(T)
	any(m).(interface{ load([]byte) }).load(rec)
	return m
}
