// Package top shows what a monitor sees of all rings in a terminal, as text that is drawn
// again with every look.
//
// [Model] is a function of the looks and of the keys pressed, without a clock or a terminal.
// [Run] gives it both; [Frame] draws once.
package top

import "github.com/tickring/tickring/cmd/internal/noquery"

var _ = noquery.Over()
