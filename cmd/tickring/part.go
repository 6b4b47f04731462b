package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/tickring/tickring/internal/text"
	"github.com/tickring/tickring/ring"
)

// ownPart is the part of a ring that stands for the publisher's own lateness. It is no name
// of a subscriber.
const ownPart = "@publisher"

// parsePart reads RING, RING:SUB or RING:@publisher. The part is empty if there is none.
func parsePart(arg string) (name, part string, err error) {
	name, part, parted := strings.Cut(arg, ":")
	if err := ring.CheckName(name); err != nil {
		return "", "", usagef("ring %s: %w", text.Clipped(name), err)
	}
	if parted && part != ownPart {
		if err := ring.CheckName(part); err != nil {
			return "", "", usagef("subscriber %s of ring %q: %w", text.Clipped(part), name, err)
		}
	}
	return name, part, nil
}

// partOf is the part that an argument and --sub name together; from is the argument.
func partOf(from, part, sub string) (string, error) {
	switch {
	case sub == "":
		return part, nil
	case part != "" && part != sub:
		return "", usagef("--sub %s is another subscriber than that of %s; name it once", sub, from)
	}
	if err := ring.CheckName(sub); err != nil {
		return "", usagef("invalid --sub: %w", err)
	}
	return sub, nil
}

// partsOf offers the parts of a ring that is named up to its colon. It is false if there is
// no colon yet.
func (a *app) partsOf(begun string) (parts []string, ok bool) {
	name, _, ok := strings.Cut(begun, ":")
	if !ok {
		return nil, false
	}
	info, _ := ring.Stat(a.dir, name)
	for _, s := range info.Subscribers {
		parts = append(parts, name+":"+s.Name)
	}
	if info.Late != nil {
		parts = append(parts, name+":"+ownPart)
	}
	return parts, true
}

// completePart offers rings, and the parts of one that is named up to its colon.
func (a *app) completePart(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	if parts, ok := a.partsOf(begun); ok && len(args) == 0 {
		return parts, cobra.ShellCompDirectiveNoFileComp
	}
	return a.completeRing(1)(cmd, args, begun)
}
