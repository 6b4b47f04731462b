package book

func (s *Books) newOrder() Ref {
	if r := s.free; r != 0 {
		s.free = s.orders[r].next
		return r
	}
	s.orders = append(s.orders, order{})
	return Ref(len(s.orders) - 1)
}

func (s *Books) freeOrder(r Ref) {
	s.orders[r].next = s.free
	s.free = r
}

func (s *Books) newLevel() uint32 {
	if n := s.freeLv; n != 0 {
		s.freeLv = uint32(s.levels[n].head)
		s.levels[n] = level{}
		return n
	}
	s.levels = append(s.levels, level{})
	return uint32(len(s.levels) - 1)
}

func (s *Books) freeLevel(n uint32) {
	s.levels[n].head = Ref(s.freeLv)
	s.freeLv = n
}
