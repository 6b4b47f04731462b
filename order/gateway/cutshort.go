package gateway

// survive finds the ring that a fault in memory came from: its owner has cut its file short, or
// the gateway's own file there. That ends what the gateway has to do with that ring, but not the
// gateway, unless it is the venue's, or its own. err is the fault.
func (g *Gateway) survive(err error) error {
	for _, src := range g.sources.all {
		if !src.sub.Faulted(err) {
			continue
		}
		for _, in := range []*input{&g.urgent, &g.held} {
			if in.src == src {
				*in = input{}
			}
		}
		return g.lost(src, "its file was cut short")
	}
	if g.market.sub != nil && g.market.sub.Faulted(err) {
		g.market.close()
		return nil
	}
	return err
}
