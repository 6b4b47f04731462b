package dbn

import (
	"bytes"
	"fmt"
	"strings"
)

// Beginnings of files.
const (
	zstdMagic = "\x28\xB5\x2F\xFD"
	gzipMagic = "\x1F\x8B"
	// A zstd file may begin with frames that carry no data: 0x184D2A50 to 5F.
	zstdSkipMagic = "\x2A\x4D\x18"
	dbzMagic      = "DBZ" // in such a frame, after its length
	dbzAt         = 8
)

func isZstd(b []byte) bool {
	return bytes.HasPrefix(b, []byte(zstdMagic)) ||
		len(b) >= 4 && b[0]&0xF0 == 0x50 && string(b[1:4]) == zstdSkipMagic
}

// isDBZ knows the format that came before DBN. Its header is in a zstd frame that
// decoders skip, so that it would pass for a fragment.
func isDBZ(b []byte) bool {
	return isZstd(b) && len(b) >= dbzAt+len(dbzMagic) && string(b[dbzAt:dbzAt+len(dbzMagic)]) == dbzMagic
}

// isCutMagic says whether b is a whole input that ends within the magic of a DBN
// file or a zstd frame.
func isCutMagic(b []byte) bool {
	return len(b) < len(magic) && strings.HasPrefix(magic, string(b)) ||
		len(b) < len(zstdMagic) && strings.HasPrefix(zstdMagic, string(b))
}

// looksLike says what the input that begins with b may be, and what to do with it:
// ErrForm if it is data in another form, else ErrNotDBN. It is only asked about
// inputs that are not DBN. unpacked: b comes out of a zstd stream.
func looksLike(b []byte, unpacked bool) (detail string, kind error) {
	isITCH := len(b) >= 3 && b[0] == 0 && strings.IndexByte("SRHYLVWKJhAFECXDUPQBINO", b[2]) >= 0
	isGzip := bytes.HasPrefix(b, []byte(gzipMagic))
	switch {
	case isDBZ(b):
		return "it is DBZ, the format before DBN: convert it with Databento's dbn tool", ErrForm
	case isZstd(b) && unpacked:
		return "it is compressed twice with zstd: decompress it once with zstd -d", ErrForm
	case isGzip && unpacked:
		return "it is compressed with gzip and then with zstd: decompress it with zstd -d and then with gzip -d", ErrForm
	case isGzip:
		return "it is compressed with gzip: decompress it, or read it as ITCH if it is that", ErrForm
	case isITCH && unpacked:
		return "it is a Nasdaq ITCH BinaryFILE compressed with zstd: decompress it with zstd -d and read it as ITCH", ErrForm
	case isITCH:
		return "it looks like Nasdaq ITCH (BinaryFILE): read it as that", ErrForm
	case len(b) > 0 && (b[0] == '{' || b[0] == '[') && isText(b):
		return "it looks like JSON: get the data in the encoding dbn", ErrNotDBN
	case isText(b):
		return fmt.Sprintf("it is text that begins with %q: get the data in the encoding dbn", b[:min(len(b), 12)]), ErrNotDBN
	}
	return fmt.Sprintf("it begins with the bytes % x: check that this is the right file", b[:min(len(b), 8)]), ErrNotDBN
}

func isText(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\t' && c != '\n' && c != '\r' || c == 0x7F {
			return false
		}
	}
	return len(b) > 0
}
