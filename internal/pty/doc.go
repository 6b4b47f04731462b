// Package pty makes pseudo terminals, in which programs run that want one.
package pty

import "errors"

// ErrNone: there are no pseudo terminals here.
var ErrNone = errors.New("no pseudo terminal")
