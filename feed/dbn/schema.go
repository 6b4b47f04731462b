package dbn

import "fmt"

// Schema is the kind of data that was asked for when a file was made.
type Schema uint16

// Schemas of DBN.
const (
	SchemaMbo        Schema = 0
	SchemaMbp1       Schema = 1
	SchemaMbp10      Schema = 2
	SchemaTbbo       Schema = 3
	SchemaTrades     Schema = 4
	SchemaOhlcv1S    Schema = 5
	SchemaOhlcv1M    Schema = 6
	SchemaOhlcv1H    Schema = 7
	SchemaOhlcv1D    Schema = 8
	SchemaDefinition Schema = 9
	SchemaStatistics Schema = 10
	SchemaStatus     Schema = 11
	SchemaImbalance  Schema = 12
	SchemaOhlcvEod   Schema = 13
	SchemaCmbp1      Schema = 14
	SchemaCbbo1S     Schema = 15
	SchemaCbbo1M     Schema = 16
	SchemaTcbbo      Schema = 17
	SchemaBbo1S      Schema = 18
	SchemaBbo1M      Schema = 19

	// SchemaMixed: records of several types, as in live data.
	SchemaMixed Schema = 0xFFFF
)

// recordType returns the type of a schema's records, and false for SchemaMixed
// and unknown schemas.
func (s Schema) recordType() (RType, bool) {
	switch s {
	case SchemaMbo:
		return RTypeMbo, true
	case SchemaMbp1, SchemaTbbo:
		return RTypeMbp1, true
	case SchemaMbp10:
		return RTypeMbp10, true
	case SchemaTrades:
		return RTypeMbp0, true
	case SchemaOhlcv1S:
		return RTypeOhlcv1S, true
	case SchemaOhlcv1M:
		return RTypeOhlcv1M, true
	case SchemaOhlcv1H:
		return RTypeOhlcv1H, true
	case SchemaOhlcv1D:
		return RTypeOhlcv1D, true
	case SchemaDefinition:
		return RTypeDefinition, true
	case SchemaStatistics:
		return RTypeStatistics, true
	case SchemaStatus:
		return RTypeStatus, true
	case SchemaImbalance:
		return RTypeImbalance, true
	case SchemaOhlcvEod:
		return RTypeOhlcvEod, true
	case SchemaCmbp1:
		return RTypeCmbp1, true
	case SchemaCbbo1S:
		return RTypeCbbo1S, true
	case SchemaCbbo1M:
		return RTypeCbbo1M, true
	case SchemaTcbbo:
		return RTypeTcbbo, true
	case SchemaBbo1S:
		return RTypeBbo1S, true
	case SchemaBbo1M:
		return RTypeBbo1M, true
	}
	return RTypeNone, false
}

// String returns Databento's name of the schema ("mbo", "mbp-1", "tbbo" ...),
// "mixed", or for an unknown one its number, as "schema-99".
func (s Schema) String() string {
	if s == SchemaMixed {
		return "mixed"
	}
	if s == SchemaTbbo {
		return "tbbo"
	}
	if t, ok := s.recordType(); ok {
		return t.String()
	}
	return fmt.Sprintf("schema-%d", uint16(s))
}

// RecordName names a record of type t in a file of schema s: as t.String does,
// except that in a tbbo file a record of RTypeMbp1 is "tbbo".
func (s Schema) RecordName(t RType) string {
	if own, ok := s.recordType(); ok && own == t {
		return s.String()
	}
	return t.String()
}

// ParseSchema is the inverse of Schema.String. Its error wraps ErrSchema.
func ParseSchema(name string) (Schema, error) {
	for s := SchemaMbo; s <= SchemaBbo1M; s++ {
		if s.String() == name {
			return s, nil
		}
	}
	if name == SchemaMixed.String() {
		return SchemaMixed, nil
	}
	return SchemaMixed, fmt.Errorf("dbn: schema %q: %w: use mbo, mbp-1, mbp-10, tbbo, trades, ohlcv-1s, definition or another of Databento's names", name, ErrSchema)
}

// SType is a symbology: what kind of name a symbol is.
type SType uint8

// Symbologies of DBN.
const (
	STypeInstrumentID  SType = 0
	STypeRawSymbol     SType = 1
	STypeSmart         SType = 2 // no longer used
	STypeContinuous    SType = 3
	STypeParent        SType = 4
	STypeNasdaqSymbol  SType = 5
	STypeCmsSymbol     SType = 6
	STypeIsin          SType = 7
	STypeUsCode        SType = 8
	STypeBbgCompID     SType = 9
	STypeBbgCompTicker SType = 10
	STypeFigi          SType = 11
	STypeFigiTicker    SType = 12

	// STypeNone: not said, as in live data.
	STypeNone SType = 0xFF
)

// String returns Databento's name of the symbology ("raw_symbol" ...), "none", or
// for an unknown one its number, as "stype-99".
func (s SType) String() string {
	switch s {
	case STypeInstrumentID:
		return "instrument_id"
	case STypeRawSymbol:
		return "raw_symbol"
	case STypeSmart:
		return "smart"
	case STypeContinuous:
		return "continuous"
	case STypeParent:
		return "parent"
	case STypeNasdaqSymbol:
		return "nasdaq_symbol"
	case STypeCmsSymbol:
		return "cms_symbol"
	case STypeIsin:
		return "isin"
	case STypeUsCode:
		return "us_code"
	case STypeBbgCompID:
		return "bbg_comp_id"
	case STypeBbgCompTicker:
		return "bbg_comp_ticker"
	case STypeFigi:
		return "figi"
	case STypeFigiTicker:
		return "figi_ticker"
	case STypeNone:
		return "none"
	}
	return fmt.Sprintf("stype-%d", uint8(s))
}
