//go:build !race

package main

// raceDetector: this is a build with -race.
const raceDetector = false
