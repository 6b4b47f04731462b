package itch

import "bytes"

// magicSize is how many bytes sniff looks at.
const magicSize = 6

// sniff names the format that b begins like, or returns "" for one it does not
// know. None of these can begin a BinaryFILE: its first byte is the high half of
// a length, which is 0.
func sniff(b []byte) string {
	for _, m := range [...]struct{ magic, name string }{
		{"DBN", "a DBN file"},
		{"\x28\xb5\x2f\xfd", "a zstd file; unpack it, or use the DBN reader if it is .dbn.zst"},
		{"\x1f\x8b", "another gzip file inside the gzip file; unpack it once"},
		{"BZh", "a bzip2 file; unpack it first"},
		{"\xfd7zXZ\x00", "an xz file; unpack it first"},
		{"PK\x03\x04", "a zip file; unpack it first"},
		{"\xd4\xc3\xb2\xa1", "a packet capture (pcap)"},
		{"\xa1\xb2\xc3\xd4", "a packet capture (pcap)"},
		{"\x4d\x3c\xb2\xa1", "a packet capture (pcap)"},
		{"\x0a\x0d\x0d\x0a", "a packet capture (pcapng)"},
		{"PAR1", "a Parquet file"},
		{"ARROW1", "an Arrow file"},
		{"\x7fELF", "a program"},
	} {
		if bytes.HasPrefix(b, []byte(m.magic)) {
			return m.name
		}
	}
	return ""
}
