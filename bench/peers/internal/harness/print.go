package harness

import (
	"encoding/json"
	"os"

	"github.com/tickring/tickring/bench/peers/internal/result"
)

func print(r result.Result) error {
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(append(line, '\n'))
	return err
}
