package bench

import "runtime/debug"

const modulePath = "github.com/tickring/tickring"

// thisBuild says which tickring this is. A program that only uses the module has its
// version and no more.
func thisBuild() (version, commit, modified string) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return unknown, unknown, unknown
	}
	return buildOf(info)
}

func buildOf(info *debug.BuildInfo) (version, commit, modified string) {
	version, commit, modified = unknown, unknown, unknown
	if info.Main.Path != modulePath {
		for _, d := range info.Deps {
			if d.Path == modulePath {
				version = or(d.Version, unknown)
			}
		}
		return version, commit, modified
	}
	version = or(info.Main.Version, "(devel)")
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = yes
		case s.Key == "vcs.modified":
			modified = no
		}
	}
	return version, commit, modified
}
