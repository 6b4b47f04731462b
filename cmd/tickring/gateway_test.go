package main

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/tickring/tickring/order/risk"
)

func TestGatewayReloadsLimits(t *testing.T) {
	h := newHost(t)
	path := h.write("limits.yaml", []byte(risk.Example))
	p := h.start("gateway", "gw", "--venue", "vx", "--limits", path, "--capacity", "256KiB", "--json")
	p.await("going on after message 1 of ring gw")
	if err := os.WriteFile(path, []byte(risk.Example+"more: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.signal(syscall.SIGHUP)
	p.await("unknown name 'more'")
	if err := os.WriteFile(path, []byte(risk.Example), 0o600); err != nil {
		t.Fatal(err)
	}
	p.signal(syscall.SIGHUP)
	p.await("the limits were reloaded")
	p.signal(syscall.SIGTERM)
	var r gatewayReport
	p.want(exitOK).json(&r)
	if r.Gateway != "gw" || r.Requests != 0 || r.Checks == 0 || r.Error != "" {
		t.Errorf("%+v", r)
	}
}

func TestKillAndItsGateways(t *testing.T) {
	h := newHost(t)
	path := h.write("limits.yaml", []byte(risk.Example))
	h.run("kill", "gw").want(exitError).sentence("no such ring", `"gw"`)
	h.run("kill", "gw", "--strategy", "0").want(exitUsage)
	h.run("kill", "gw", "--cancel", "--release").want(exitUsage)

	start := func(more ...string) *process {
		return h.start(append([]string{"gateway", "gw", "--venue", "vx", "--limits", path}, more...)...)
	}
	first := start("--capacity", "256KiB")
	first.await("going on after message 1")
	standby := start("--standby", "--json")
	standby.await("standing by")
	var r killReport
	h.run("kill", "gw", "--strategy", "7", "--cancel", "--json").want(exitOK).json(&r)
	if r.Strategy != 7 || !r.Engaged || !r.Cancel || r.Seq == 0 {
		t.Errorf("%+v", r)
	}
	first.signal(syscall.SIGKILL)
	first.want(-1)
	standby.await("going on after message")
	h.run("kill", "gw", "--strategy", "7", "--release", "--json").want(exitOK).json(&r)
	if r.Engaged {
		t.Errorf("%+v", r)
	}
	standby.signal(syscall.SIGKILL)
	standby.want(-1)

	// Nobody answers; the next gateway does it.
	h.run("kill", "gw", "--wait", "100ms").want(exitError).sentence("has not answered", "gw.in.operator")
	last := start("--json")
	last.await("going on after message")
	h.run("kill", "gw", "--strategy", "8").want(exitOK)
	last.signal(syscall.SIGINT)
	var g gatewayReport
	last.want(exitOK).json(&g)
	if g.Commands != 2 {
		t.Errorf("%d commands, want the one that waited and the one that came", g.Commands)
	}
}

func TestGatewayUsage(t *testing.T) {
	h := newHost(t)
	good := h.write("limits.yaml", []byte(risk.Example))
	bad := h.write("bad.yaml", []byte("defaults: 5\ninstruments: {others: {}}\n"))
	h.run("gateway").want(exitUsage)
	h.run("gateway", "gw").want(exitUsage).sentence("--venue")
	h.run("gateway", "gw", "--venue", "vx").want(exitUsage).sentence("--limits")
	h.run("gateway", "a/b", "--venue", "vx", "--limits", good).want(exitUsage)
	h.run("gateway", "gw", "--venue", "a/b", "--limits", good).want(exitUsage)
	h.run("gateway", "gw", "--venue", "gw", "--limits", good).want(exitUsage).sentence("three rings")
	h.run("gateway", "gw", "--venue", "vx", "--limits", h.file("none.yaml")).want(exitError).sentence("none.yaml", "no such file")
	h.run("gateway", "gw", "--venue", "vx", "--limits", bad).want(exitError).sentence(bad + ":1: defaults: want 'name: value' lines")
	h.run("gateway", "gw", "--venue", "vx", "--limits", good, "--capacity", "12345").want(exitUsage)
	p := h.run("gateway", "--print-limits").want(exitOK)
	if !strings.Contains(p.stdout.String(), "max_notional") {
		t.Error("no example")
	}
}
