package mem

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// TestHooksCostNothing: a build without the tag hooks has no hook: no variable, and no
// call where a shared word is loaded or stored, here or in package ring.
func TestHooksCostNothing(t *testing.T) {
	if Portable {
		t.Skip("what it builds depends on no tag of this build: once is enough")
	}
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("needs the go command")
	}
	symbols := map[string]*regexp.Regexp{
		"internal/mem": regexp.MustCompile(`internal/mem\.(Hook|hook)\n`),
		"ring":         regexp.MustCompile(`internal/mem\.(Hook|hook|load|store|swap|load32|increment)\n`), // not inlined
	}
	for tags, want := range map[string]bool{"": false, "hooks": true} {
		for pkg, hooks := range symbols {
			archive := filepath.Join(t.TempDir(), "a")
			run := func(arg ...string) []byte {
				out, err := exec.Command("go", arg...).CombinedOutput()
				if err != nil {
					t.Fatalf("go %v: %v\n%s", arg, err, out)
				}
				return out
			}
			run("build", "-tags", tags, "-o", archive, "github.com/tickring/tickring/"+pkg)
			if found := hooks.FindAll(run("tool", "nm", archive), -1); len(found) > 0 != want {
				t.Errorf("package %s, tags %q: symbols of hooks %q, want some: %t", pkg, tags, found, want)
			}
		}
	}
}
