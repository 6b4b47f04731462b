package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tickring/tickring/internal/text"
	"github.com/tickring/tickring/ring"
)

// gateFlag is gates, one for each time that the flag is given.
type gateFlag []ring.Gate

func (f *gateFlag) Type() string { return "NAME[,hold=TIME][,drop-dead][,owner=USER]" }

// String is for the help, and tells the names only.
func (f *gateFlag) String() string {
	var names []string
	for _, g := range *f {
		names = append(names, g.Name)
	}
	return strings.Join(names, " ")
}

func (f *gateFlag) Set(s string) error {
	g, err := parseGate(s)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(*f, func(o ring.Gate) bool { return o.Name == g.Name }) {
		return fmt.Errorf("gate %q is named twice", g.Name)
	}
	*f = append(*f, g)
	return nil
}

func parseGate(s string) (ring.Gate, error) {
	name, policy, more := strings.Cut(s, ",")
	g := ring.Gate{Name: name}
	if err := ring.CheckName(name); err != nil {
		return g, fmt.Errorf("gate %s: %w", text.Clipped(name), err)
	}
	for more {
		var word string
		word, policy, more = strings.Cut(policy, ",")
		key, value, _ := strings.Cut(word, "=")
		switch {
		case word == "drop-dead":
			g.DropDead = true
		case key == "hold":
			hold, err := time.ParseDuration(value)
			if err != nil || hold <= 0 {
				return g, fmt.Errorf("want hold= and a time above 0 such as 5s or 200ms; a gate without it holds for ever")
			}
			g.Hold = hold
		case key == "owner":
			if err := (*ownerFlag)(&g.Owner).Set(value); err != nil {
				return g, fmt.Errorf("owner %q: %w", value, err)
			}
		default:
			return g, fmt.Errorf("%q is none of hold=TIME, drop-dead and owner=USER", word)
		}
	}
	return g, nil
}

// completeGate offers the subscribers of the ring that was named, and after a comma the
// words of a policy.
func (a *app) completeGate(cmd *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
	comma := strings.LastIndexByte(begun, ',')
	if comma >= 0 {
		before := begun[:comma+1]
		return []string{before + "hold=", before + "drop-dead", before + "owner="}, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
	name := cmd.Flag("ring").Value.String()
	return a.subNames(name), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// policyText says how long a gate may hold the publisher.
func policyText(hold time.Duration, dropDead bool) string {
	text := "for ever"
	if hold > 0 {
		text = fmt.Sprintf("for %v at most", hold)
	}
	if dropDead {
		text += ", while a process has it open"
	}
	return text
}

// waitingText says how many messages a gate has not read.
func waitingText(n uint64) string {
	switch n {
	case 0:
		return "no messages wait for it"
	case 1:
		return "1 message waits for it"
	}
	return text.Messages(n) + " wait for it"
}
