// Package dbn reads and writes Databento Binary Encoding, versions 1, 2 and 3,
// plain and compressed with zstd, and fragments, which are records without a
// file header.
//
// A file is a header and then records. Every record begins with a RecordHeader,
// whose first byte is the length of the whole record in 4-byte words. Integers
// are little-endian, prices are in units of 1e-9, times are UNIX nanoseconds.
// The format is Databento's; its reference implementation and description are at
// https://github.com/databento/dbn and https://databento.com/docs.
//
// Reader hands out each record as the bytes that stand in the file, without a
// copy and without an allocation. MboMsg, TradeMsg, Mbp1Msg (tbbo too) and
// Mbp10Msg have the layout of their records byte for byte, so that AsMbo and its
// like are a change of type and not a conversion. Records of every other type go
// through whole:
//
//	r, err := dbn.NewReader(file, dbn.ReaderConfig{Name: path})
//	if err != nil {
//		return err
//	}
//	defer r.Close()
//	for {
//		rec, err := r.Next() // valid until the next call
//		if err == io.EOF {
//			break
//		}
//		if err != nil {
//			return err // what was read before it is good
//		}
//		if m, ok := dbn.AsMbo(rec); ok {
//			book.Apply(m)
//		}
//	}
//
// Nothing in a file is believed before it is checked: see FormatError and the
// Err values.
package dbn
