package risk

import (
	"fmt"
	"io"
	"os"
)

// maxFile is more than any file of limits has.
const maxFile = 16 << 20

// Load reads limits from a file. Its errors are those of the file or wrap [ErrLimits].
func Load(path string) (*Limits, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("risk: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("risk: %w", err)
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("%w: %s: longer than %d bytes", ErrLimits, path, maxFile)
	}
	return Parse(path, data)
}
