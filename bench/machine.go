package bench

// Machine is what a result depends on besides tickring.
type Machine struct {
	CPU string `json:"cpu"`
}

func (s *Session) machine() Machine { return Machine{CPU: s.topology.Info.Model} }
