package risk

import _ "embed"

// Example is a file of limits with all that it can have, explained.
//
//go:embed limits.yaml
var Example string
