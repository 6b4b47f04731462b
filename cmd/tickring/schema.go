package main

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"

	"github.com/tickring/tickring/feed/dbn"
)

// A ring names what its messages are, in Config.Schema:
//
//	dbn1/mbo         DBN records: the version, and the schema of the file
//	dbn3/mbo+ts_out  ... each with the time it was sent at its end
//	itch-5.0         messages of Nasdaq TotalView-ITCH 5.0, without length prefix
//
// The type of a message is the record type of DBN, or the type letter of ITCH.

const itchSchema = "itch-5.0"

const tsOutSuffix = "+ts_out"

// dbnKind is a ring of DBN records.
type dbnKind struct {
	version uint8
	schema  dbn.Schema
	tsOut   bool
}

func (k dbnKind) String() string {
	s := fmt.Sprintf("dbn%d/%v", k.version, k.schema)
	if k.tsOut {
		s += tsOutSuffix
	}
	return s
}

// parseDBNKind is the inverse of String; it is false for all that is not DBN.
func parseDBNKind(s string) (dbnKind, bool) {
	s, tsOut := strings.CutSuffix(s, tsOutSuffix)
	rest, isDBN := strings.CutPrefix(s, "dbn")
	number, name, hasName := strings.Cut(rest, "/")
	version, err := strconv.ParseUint(number, 10, 8)
	if !isDBN || !hasName || err != nil {
		return dbnKind{}, false
	}
	schema, err := dbn.ParseSchema(name)
	if err != nil {
		return dbnKind{}, false
	}
	return dbnKind{uint8(version), schema, tsOut}, true
}

// schemaHash identifies a layout. Equal names are equal layouts: the hash is FNV-1a
// of the name.
func schemaHash(schema string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(schema)) // never fails
	return h.Sum64()
}
