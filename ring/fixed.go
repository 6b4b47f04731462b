package ring

import (
	"fmt"
	"hash/fnv"
	"io"
	"reflect"
)

// A type can be a message if its bytes mean the same in every process. This file looks
// at that, once, when a typed publisher or subscriber is made.

// LayoutHash returns a number that identifies how a T lies in memory: names, kinds, sizes
// and offsets of its fields, through arrays and nested structs; the names of types are
// no part of it. As [Config.SchemaHash] it keeps programs that were built with different
// versions of T apart. It is not 0.
//
// A T with a method SchemaHash() uint64 is identified by what that returns: for rings that
// carry several types of one schema, or whose schema has a hash of its own.
//
// Errors: [ErrType] if T is not of a fixed size or holds pointers.
func LayoutHash[T any]() (uint64, error) {
	t := reflect.TypeFor[T]()
	h := fnv.New64a()
	if err := describe(h, t, t.String()); err != nil {
		return 0, err
	}
	if own, ok := any(new(T)).(interface{ SchemaHash() uint64 }); ok {
		return own.SchemaHash(), nil
	}
	return max(h.Sum64(), 1), nil
}

// describe writes what a value of type t looks like. It refuses a type whose bytes mean
// nothing in another process; path is where it was found.
func describe(w io.Writer, t reflect.Type, path string) error {
	why := "it points into the memory of one process"
	switch k := t.Kind(); k {
	case reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64,
		reflect.Float32, reflect.Float64, reflect.Complex64, reflect.Complex128:
		io.WriteString(w, k.String())
		return nil
	case reflect.Array:
		fmt.Fprintf(w, "[%d]", t.Len())
		if t.Len() == 0 {
			return nil
		}
		return describe(w, t.Elem(), path+"[]")
	case reflect.Struct:
		fmt.Fprintf(w, "%d{", t.Size())
		for i := range t.NumField() {
			f := t.Field(i)
			fmt.Fprintf(w, "%s@%d ", f.Name, f.Offset)
			if err := describe(w, f.Type, path+"."+f.Name); err != nil {
				return err
			}
			io.WriteString(w, ";")
		}
		io.WriteString(w, "}")
		return nil
	case reflect.String:
		why = "it points to its bytes; use an array of bytes"
	case reflect.Slice:
		why = "it points to its elements; use an array"
	case reflect.Uintptr:
		why = "it is an address in one process; use a uint64 if it is a number"
	}
	return fmt.Errorf("%w: %s cannot be shared, its type is %v: %s", ErrType, path, t, why)
}

// checkType says whether a T can be a message of a ring: with a layout that all
// processes share, not empty, not larger than largest, and the one that hash, the ring's
// schema hash, stands for.
func checkType[T any](largest int, hash uint64) error {
	t := reflect.TypeFor[T]()
	own, err := LayoutHash[T]()
	switch {
	case err != nil:
		return err
	case t.Size() == 0:
		return fmt.Errorf("%w: a %v has no bytes; publish an empty message", ErrType, t)
	case t.Size() > uintptr(largest):
		return fmt.Errorf("%w: a %v has %d bytes, and this ring carries messages of up to %d", ErrTooLarge, t, t.Size(), largest)
	case own != hash && own != 0 && hash != 0:
		return fmt.Errorf("%w: %v has layout hash %#x, and the ring's schema %#x; build publisher and subscribers with the same %v, or give the ring another SchemaHash", ErrSchema, t, own, hash, t)
	}
	return nil
}
