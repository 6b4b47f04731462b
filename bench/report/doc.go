// Package report writes what benchmarks found as files: report.md for people, report.json
// for programs, and a picture of each distribution and of each set of rates as SVG and PNG.
//
//	r, err := report.New("dir")
//	...
//	err = r.Add(result)
//
// Files are written anew whenever something is added, so that they hold what there is
// whenever the run ends.
package report
