package serve

import (
	"net"
	"net/netip"
	"os"
	"strings"
)

// hosts are the names by which requests may call the server. A page from elsewhere cannot
// have a browser ask for it by one of these, even if its own name leads to this address
// (DNS rebinding).
type hosts struct {
	names  []string
	remote bool // any address will do, not only those of the loopback
}

func newHosts(names []string, remote bool) hosts {
	h := hosts{names: append([]string{"localhost"}, names...), remote: remote}
	if name, err := os.Hostname(); err == nil && remote {
		h.names = append(h.names, name)
	}
	return h
}

// has says whether the Host of a request is one of them, with whatever port: a tunnel has
// another.
func (h hosts) has(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
		if inner, ok := strings.CutPrefix(host, "["); ok && strings.HasSuffix(inner, "]") {
			name = strings.TrimSuffix(inner, "]")
		}
	}
	if addr, err := netip.ParseAddr(name); err == nil {
		return h.remote || addr.Unmap().IsLoopback()
	}
	name = strings.TrimSuffix(name, ".")
	for _, own := range h.names {
		if strings.EqualFold(name, own) {
			return true
		}
	}
	return false
}
