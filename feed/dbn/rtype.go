package dbn

import "fmt"

// The record types that are passed through whole. See also RTypeMbo and its
// neighbours.
const (
	RTypeOhlcv         RType = 0x11 // of any interval; no longer written
	RTypeStatus        RType = 0x12
	RTypeDefinition    RType = 0x13
	RTypeImbalance     RType = 0x14
	RTypeError         RType = 0x15 // from a live gateway
	RTypeSymbolMapping RType = 0x16
	RTypeSystem        RType = 0x17 // from a live gateway, heartbeats too
	RTypeStatistics    RType = 0x18
	RTypeOhlcv1S       RType = 0x20
	RTypeOhlcv1M       RType = 0x21
	RTypeOhlcv1H       RType = 0x22
	RTypeOhlcv1D       RType = 0x23
	RTypeOhlcvEod      RType = 0x24
	RTypeCmbp1         RType = 0xB1
	RTypeCbbo1S        RType = 0xC0
	RTypeCbbo1M        RType = 0xC1
	RTypeTcbbo         RType = 0xC2
	RTypeBbo1S         RType = 0xC3
	RTypeBbo1M         RType = 0xC4

	// RTypeNone is no record's type: RecordType returns it for bytes that are too
	// short to have one.
	RTypeNone RType = 0xFF
)

// Sizes in bytes, without ts_out.
const (
	HeaderSize = 16  // RecordHeader
	MboSize    = 56  // MboMsg
	TradeSize  = 48  // TradeMsg
	Mbp1Size   = 80  // Mbp1Msg
	Mbp10Size  = 368 // Mbp10Msg

	// TsOutSize is what the send time adds to every record of a file with ts_out:
	// a u64 of UNIX nanoseconds at the record's end.
	TsOutSize = 8
	// MaxRecordSize is the most that the length byte can say.
	MaxRecordSize = 255 * wordSize

	wordSize = 4 // of RecordHeader.Length
)

// Versions of DBN.
const (
	minVersion = 1
	MaxVersion = 3 // the newest that this package reads and writes
)

// kind is what is known of a record type. The sizes are those of versions 1, 2
// and 3.
type kind struct {
	name string
	size [MaxVersion]int
}

func same(name string, size int) kind {
	return kind{name, [MaxVersion]int{size, size, size}}
}

// kindOf has no name for a type that DBN does not define.
func kindOf(t RType) kind {
	switch t {
	case RTypeMbp0:
		return same("trades", TradeSize)
	case RTypeMbp1:
		return same("mbp-1", Mbp1Size)
	case RTypeMbp10:
		return same("mbp-10", Mbp10Size)
	case RTypeMbo:
		return same("mbo", MboSize)
	case RTypeOhlcv:
		return same("ohlcv", 56)
	case RTypeOhlcv1S:
		return same("ohlcv-1s", 56)
	case RTypeOhlcv1M:
		return same("ohlcv-1m", 56)
	case RTypeOhlcv1H:
		return same("ohlcv-1h", 56)
	case RTypeOhlcv1D:
		return same("ohlcv-1d", 56)
	case RTypeOhlcvEod:
		return same("ohlcv-eod", 56)
	case RTypeStatus:
		return same("status", 40)
	case RTypeDefinition:
		return kind{"definition", [MaxVersion]int{360, 400, 520}}
	case RTypeImbalance:
		return same("imbalance", 112)
	case RTypeError:
		return kind{"error", [MaxVersion]int{80, 320, 320}}
	case RTypeSymbolMapping:
		return kind{"symbol-mapping", [MaxVersion]int{80, 176, 176}}
	case RTypeSystem:
		return kind{"system", [MaxVersion]int{80, 320, 320}}
	case RTypeStatistics:
		return kind{"statistics", [MaxVersion]int{64, 64, 80}}
	case RTypeCmbp1:
		return same("cmbp-1", 80)
	case RTypeCbbo1S:
		return same("cbbo-1s", 80)
	case RTypeCbbo1M:
		return same("cbbo-1m", 80)
	case RTypeTcbbo:
		return same("tcbbo", 80)
	case RTypeBbo1S:
		return same("bbo-1s", 80)
	case RTypeBbo1M:
		return same("bbo-1m", 80)
	}
	return kind{}
}

// Known says whether DBN defines the type. A record of an unknown type is passed
// through whole, with no check of its length beyond that of its header.
func (t RType) Known() bool { return kindOf(t).name != "" }

// String returns the name of the schema whose records have this type ("mbo",
// "trades", "mbp-1", "ohlcv-1s", "definition" ...), "error", "symbol-mapping" or
// "system", or for an unknown type its number, as "rtype-0x7f". A tbbo record has
// the type, and so the name, of mbp-1: Schema.RecordName tells them apart.
func (t RType) String() string {
	if k := kindOf(t); k.name != "" {
		return k.name
	}
	return fmt.Sprintf("rtype-0x%02x", uint8(t))
}

// RecordSize returns the size in bytes, without ts_out, of a record of type t in
// a file of this DBN version, and false for an unknown type or version.
func RecordSize(t RType, version uint8) (int, bool) {
	k := kindOf(t)
	if k.name == "" || version < minVersion || version > MaxVersion {
		return 0, false
	}
	return k.size[version-1], true
}

// RecordType returns the type of the record that rec begins with, or RTypeNone.
func RecordType(rec []byte) RType {
	if len(rec) < HeaderSize {
		return RTypeNone
	}
	return RType(rec[1])
}
