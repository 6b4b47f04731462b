package itch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// pattern returns a message of type t in which each byte after the letter
// differs from its neighbours, so that a field read from the wrong place shows.
func pattern(t Type) []byte {
	b := make([]byte, t.Size())
	b[0] = byte(t)
	for i := 1; i < len(b); i++ {
		b[i] = byte(i*7 + int(t))
	}
	return b
}

func TestTypesAndSizes(t *testing.T) {
	if n := len(Types()); n != 23 {
		t.Fatalf("%d types, want 23", n)
	}
	known := 0
	for i := range sizes {
		if sizes[i] != 0 {
			known++
		}
	}
	if known != 23 {
		t.Fatalf("%d types have a size, want 23", known)
	}
	for _, ty := range Types() {
		m := newMessage(ty)
		if m == nil || m.Type() != ty {
			t.Errorf("type %v: no struct, or one of another type", ty)
			continue
		}
		if n := len(m.Append(nil)); n != ty.Size() {
			t.Errorf("type %v: encodes to %d bytes, want %d", ty, n, ty.Size())
		}
		if ty.Size() > MaxMessageSize {
			t.Errorf("type %v is longer than MaxMessageSize", ty)
		}
	}
	if Type('z').Size() != 0 {
		t.Error("type z has a size")
	}
}

func TestRoundTripBytes(t *testing.T) {
	for _, ty := range Types() {
		want := pattern(ty)
		m, err := Decode(want)
		if err != nil {
			t.Errorf("type %v: %v", ty, err)
			continue
		}
		prefix := []byte("prefix")
		got := m.Append(prefix)
		if !bytes.HasPrefix(got, prefix) || !bytes.Equal(got[len(prefix):], want) {
			t.Errorf("type %v:\n got %x\nwant %x", ty, got[len(prefix):], want)
		}
		if !bytes.Equal(AppendMessage(nil, m), AppendFrame(nil, want)) {
			t.Errorf("type %v: AppendMessage and AppendFrame differ", ty)
		}
	}
}

// TestFieldOffsets reads each field straight from the bytes, at the place where
// the fields before it end, and compares with what Decode made of it. An
// encoder and a decoder that swap two fields in the same way do not pass.
func TestFieldOffsets(t *testing.T) {
	for _, ty := range Types() {
		b := pattern(ty)
		m, err := Decode(b)
		if err != nil {
			t.Fatal(err)
		}
		v := reflect.ValueOf(m).Elem()
		h := v.Field(0).Interface().(Header)
		if h.StockLocate != binary.BigEndian.Uint16(b[1:]) || h.StockLocate != StockLocate(b) ||
			h.TrackingNumber != binary.BigEndian.Uint16(b[3:]) ||
			h.Timestamp != binary.BigEndian.Uint64(b[3:])&(1<<48-1) || h.Timestamp != Timestamp(b) {
			t.Errorf("type %v: header %+v of %x", ty, h, b[:HeaderSize])
		}
		off := HeaderSize
		for i := 1; i < v.NumField(); i++ {
			f, name := v.Field(i), v.Type().Field(i).Name
			n := int(f.Type().Size())
			raw := b[off : off+n]
			var ok bool
			switch f.Kind() {
			case reflect.Array:
				got := make([]byte, n)
				reflect.Copy(reflect.ValueOf(got), f)
				ok = bytes.Equal(got, raw)
			default:
				var want uint64
				for _, c := range raw {
					want = want<<8 | uint64(c)
				}
				ok = f.Uint() == want
			}
			if !ok {
				t.Errorf("type %v: field %s at offset %d: got %v, bytes % x", ty, name, off, f, raw)
			}
			off += n
		}
		if off != ty.Size() {
			t.Errorf("type %v: fields end at %d, size is %d", ty, off, ty.Size())
		}
	}
}

// TestKnownMessage is one message spelled out by hand.
func TestKnownMessage(t *testing.T) {
	want := []byte{'U', 0x12, 0x34, 0, 7, 0x1f, 0x1a, 0xce, 0xd9, 0xf0, 0x00,
		0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 0, 100, 0, 0x0f, 0x42, 0x40}
	m := OrderReplace{
		Header:                       Header{StockLocate: 0x1234, TrackingNumber: 7, Timestamp: 34_200_000_000_000},
		OriginalOrderReferenceNumber: 256, NewOrderReferenceNumber: 260, Shares: 100, Price: 1_000_000,
	}
	got := m.Append(nil)
	if !bytes.Equal(got, want) {
		t.Fatalf("\n got %x\nwant %x", got, want)
	}
	if m.Price.String() != "100.0000" || m.Price.Nano() != 100_000_000_000 {
		t.Errorf("price %v, nano %d", m.Price, m.Price.Nano())
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, ty := range Types() {
		good := pattern(ty)
		for _, b := range [][]byte{nil, good[:len(good)-1], append(bytes.Clone(good), 0), good[:1]} {
			if err := newMessage(ty).Decode(b); !errors.Is(err, ErrLength) {
				t.Errorf("type %v, %d bytes: %v, want ErrLength", ty, len(b), err)
			}
		}
		other := bytes.Clone(good)
		other[0] = 'z'
		if err := newMessage(ty).Decode(other); !errors.Is(err, ErrUnknownType) {
			t.Errorf("type %v given type z: %v, want ErrUnknownType", ty, err)
		}
	}
	if _, err := Decode(nil); !errors.Is(err, ErrLength) {
		t.Errorf("Decode(nil): %v", err)
	}
	if _, err := Decode([]byte("zzz")); !errors.Is(err, ErrUnknownType) {
		t.Errorf("Decode of type z: %v", err)
	}
}

func TestDecodeAllocatesNothing(t *testing.T) {
	b := pattern(TypeAddOrder)
	var m AddOrder
	buf := make([]byte, 0, 64)
	if n := testing.AllocsPerRun(100, func() {
		if m.Decode(b) != nil {
			t.Error("decode failed")
		}
		buf = AppendMessage(buf[:0], &m)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestAlpha(t *testing.T) {
	for _, s := range []string{"", "A", "AAPL", "BRK.B", "12345678"} {
		if got := NewAlpha8(s).String(); got != s {
			t.Errorf("NewAlpha8(%q) reads %q", s, got)
		}
	}
	if a := NewAlpha8("AAPL"); string(a[:]) != "AAPL    " {
		t.Errorf("padding: %q", a[:])
	}
	if NewAlpha4("TOOLONG").String() != "TOOL" || NewAlpha2("").String() != "" || NewAlpha2("Z ").String() != "Z" {
		t.Error("cutting or padding is wrong")
	}
}

func TestText(t *testing.T) {
	for p, want := range map[Price4]string{0: "0.0000", 1: "0.0001", 12_345: "1.2345", 1 << 31: "214748.3648"} {
		if p.String() != want {
			t.Errorf("Price4(%d) = %s, want %s", uint32(p), p, want)
		}
	}
	if s := Price8(123_456_789_012).String(); s != "1234.56789012" {
		t.Errorf("Price8: %s", s)
	}
	if TypeOperationalHalt.String() != "h" || Type(0).String() != "0x00" || Type(0xfe).String() != "0xfe" {
		t.Error("Type.String is wrong")
	}
	if s := strings.Join([]string{Buy.String(), Char(' ').String(), Char('1').String(), Char(7).String()}, ","); s != "B, ,1,0x07" {
		t.Errorf("Char.String: %s", s)
	}
}

func FuzzDecode(f *testing.F) {
	for _, ty := range Types() {
		f.Add(pattern(ty))
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Decode(b)
		if err != nil {
			return
		}
		if got := m.Append(nil); !bytes.Equal(got, b) {
			t.Errorf("\n got %x\nwant %x", got, b)
		}
	})
}

func BenchmarkDecodeAppend(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	msg := pattern(TypeAddOrder)
	msg[30] = byte(r.Uint32())
	var m AddOrder
	buf := make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		_ = m.Decode(msg)
		buf = AppendMessage(buf[:0], &m)
	}
}
