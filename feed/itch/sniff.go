package itch

import "bytes"

// magicSize is how many bytes sniff looks at.
const magicSize = 6

const getITCH = "get the data as a BinaryFILE"

// sniff names the format that b begins like and says what to do with it, or returns
// "" for one it does not know. None of these can begin a BinaryFILE: its first byte
// is the high half of a length, which is 0.
func sniff(b []byte) (name, advice string) {
	for _, m := range [...]struct{ magic, name, advice string }{
		{"DBN", "a DBN file", "read it as DBN"},
		{"\x28\xb5\x2f\xfd", "a zstd file", "decompress it with zstd -d, or read it as DBN if it holds that"},
		{"\x1f\x8b", "another gzip file inside the gzip file", "read the inner one"},
		{"BZh", "a bzip2 file", "decompress it with bzip2 -d"},
		{"\xfd7zXZ\x00", "an xz file", "decompress it with xz -d"},
		{"PK\x03\x04", "a zip file", "unpack it with unzip"},
		{"\xd4\xc3\xb2\xa1", "a packet capture (pcap)", getITCH},
		{"\xa1\xb2\xc3\xd4", "a packet capture (pcap)", getITCH},
		{"\x4d\x3c\xb2\xa1", "a packet capture (pcap)", getITCH},
		{"\x0a\x0d\x0d\x0a", "a packet capture (pcapng)", getITCH},
		{"PAR1", "a Parquet file", getITCH},
		{"ARROW1", "an Arrow file", getITCH},
		{"\x7fELF", "a program", "check that this is the right file"},
	} {
		if bytes.HasPrefix(b, []byte(m.magic)) {
			return m.name, m.advice
		}
	}
	return "", ""
}
