//go:build !linux

package ring

func (w *spikeWriter) where() (tid, cpu int) { return 0, -1 }

func processTime() (ns uint64, ok bool) { return 0, false }
