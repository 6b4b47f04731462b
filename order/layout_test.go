package order

import (
	"encoding/binary"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestLayoutDocument holds docs/orders.md and the structs together: the same fields at the same
// offsets in the same order, and nothing more in either.
func TestLayoutDocument(t *testing.T) {
	text, err := os.ReadFile("../docs/orders.md")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile(`(?m)^\| (0x[0-9a-f]+) \| (\d+) \| (\w+) \|`)
	for _, v := range everyStruct() {
		typ := reflect.TypeOf(v)
		_, section, ok := strings.Cut(string(text), "\n### "+typ.Name()+"\n")
		if !ok {
			t.Errorf("docs/orders.md has no section %q", typ.Name())
			continue
		}
		section, _, _ = strings.Cut(section, "\n#")
		var documented, real []string
		for _, m := range row.FindAllStringSubmatch(section, -1) {
			var off, size int
			fmt.Sscanf(m[1], "0x%x", &off)
			fmt.Sscan(m[2], &size)
			documented = append(documented, fmt.Sprintf("%#x %d %s", off, size, m[3]))
		}
		for i := range typ.NumField() {
			if f := typ.Field(i); f.Name != "_" {
				real = append(real, fmt.Sprintf("%#x %d %s", f.Offset, f.Type.Size(), f.Name))
			}
		}
		if !slices.Equal(documented, real) {
			t.Errorf("%s\ndocumented: %s\nin the code: %s", typ.Name(), strings.Join(documented, "; "), strings.Join(real, "; "))
		}
	}
	for _, fact := range []string{
		fmt.Sprintf("of the rows: %d", CheckpointLayout),
		fmt.Sprintf("Every record has %d bytes", Size),
		"schema `" + Schema + "`",
		fmt.Sprintf("%d bytes for each input, %d for each position", rowSize[Session](), rowSize[Position]()),
		fmt.Sprintf("%d for each open order", rowSize[Order]()),
		fmt.Sprintf("1 to 0x%X strategies, 0x%X the operator, 0x%X the venue", MaxStrategy, RingOperator, RingVenue),
		fmt.Sprintf("types 0x%x to 0x%x", uint16(MsgCheckpointSessions), uint16(MsgCheckpointRequests)),
	} {
		if !strings.Contains(string(text), fact) {
			t.Errorf("docs/orders.md does not say %q", fact)
		}
	}
}

func everyStruct() []any {
	return []any{Request{}, ExecutionReport{}, OrderCancelReject{}, BusinessMessageReject{}, SessionStatus{}, KillSwitch{}, VenueStatus{},
		Checkpoint{}, Origin{}, Session{}, Position{}, Order{}, Pending{}, Unanswered{}}
}

// No struct has a hole that no field names, nor a field that a copy of bytes would not do for.
func TestNoHoles(t *testing.T) {
	for _, v := range everyStruct() {
		typ := reflect.TypeOf(v)
		if n := binary.Size(v); n != int(typ.Size()) {
			t.Errorf("%s has %d bytes, its fields %d", typ.Name(), typ.Size(), n)
		}
		for i := range typ.NumField() {
			if f := typ.Field(i); f.Offset%uintptr(f.Type.Align()) != 0 {
				t.Errorf("%s.%s is not on its boundary", typ.Name(), f.Name)
			}
		}
	}
}

// A record travels as its bytes and comes back as it was; what is not of its size is none.
func TestWire(t *testing.T) {
	r := Request{ClOrdID: 0x0102030405060708, OrigClOrdID: 2, MdSeq: 3, Price: -4, Origin: Origin{5, 6, 7}, OrderQty: 8, SecurityID: 9, TTL: 10,
		Side: Buy, OrdType: Stop, TimeInForce: GTC, Flags: CancelOnDisconnect}
	b := r.Bytes()
	if len(b) != Size || b[0] != 8 || b[7] != 1 || b[52] != '1' || binary.LittleEndian.Uint32(b[48:]) != 10 {
		t.Errorf("% x", b)
	}
	odd := append([]byte{0}, b...)[1:] // at an odd address
	if back, ok := AsRequest(odd); !ok || *back != r {
		t.Errorf("%+v", back)
	}
	for n := range 2 * Size {
		msg := make([]byte, n)
		_, a := AsRequest(msg)
		_, b := AsExecutionReport(msg)
		_, c := AsOrderCancelReject(msg)
		_, d := AsBusinessMessageReject(msg)
		_, e := AsSessionStatus(msg)
		_, f := AsKillSwitch(msg)
		_, g := AsVenueStatus(msg)
		_, h := AsCheckpoint(msg)
		for _, ok := range []bool{a, b, c, d, e, f, g, h} {
			if ok != (n == Size) {
				t.Fatalf("%d bytes: %t", n, ok)
			}
		}
	}
}

func TestNames(t *testing.T) {
	for _, c := range []struct {
		ring   string
		number uint16
		ok     bool
	}{
		{"gw.in.1", 1, true}, {"gw.in.65279", MaxStrategy, true}, {"gw.in.operator", RingOperator, true},
		{"gw.in.65280", 0, false}, {"gw.in.0", 0, false}, {"gw.in.07", 0, false}, {"gw.in.+7", 0, false}, {"gw.in.", 0, false},
		{"gw", 0, false}, {"other.in.7", 0, false}, {"gw.in.7.x", 0, false},
	} {
		n, ok := InputNumber("gw", c.ring)
		if n != c.number || ok != c.ok {
			t.Errorf("%s: %d, %t", c.ring, n, ok)
		}
		if ok && InputRing("gw", n) != c.ring {
			t.Errorf("%d: %s, want %s", n, InputRing("gw", n), c.ring)
		}
	}
	for i := range TextVenue {
		if (i+1).String() == "" || strings.HasPrefix((i+1).String(), "reason ") {
			t.Errorf("Text %d has no words", i+1)
		}
	}
}
