package doctor

// clockRows are about how time is told.
func clockRows() []row {
	return []row{
		{
			name: "clock source", want: "tsc (arch_sys_counter on arm64)",
			why:  "Reading any other clock of x86 takes longer, up to microseconds and a system call, and means that the kernel found the TSC unfit.",
			mend: "find out why (dmesg | grep -i tsc), and boot with tsc=reliable if it is fit",
			look: func(m *machine) finding {
				const name = "sys/devices/system/clocksource/clocksource0/current_clocksource"
				value, err := m.line(name)
				switch {
				case err != nil:
					return m.unread(name, err)
				case value == "kvm-clock" || value == "hyperv_clocksource_tsc_page": // read without a system call
					return finding{verdict: Warn, value: value + ", the hypervisor's", mend: "boot with clocksource=tsc tsc=reliable, if the check TSC is good"}
				}
				return oneOf(value, Bad, "tsc", "arch_sys_counter")
			},
		},
		{
			name: "TSC", want: "constant, nonstop, with RDTSCP",
			why:  "tickring stamps messages with this counter; one that changes its rate or stops in idle states is no clock.",
			mend: "use a processor, or a model of the virtual machine, that has an invariant TSC (QEMU: -cpu host,+invtsc)",
			look: (*machine).lookTSC,
		},
	}
}

func (m *machine) lookTSC() finding {
	const name = "proc/cpuinfo"
	text, err := m.line(name)
	if err != nil {
		return m.unread(name, err)
	}
	flags, x86 := cpuFlags(text)
	if !x86 {
		if m.Topology.Info.Model == "" && text == "" {
			return unknown("/"+name+" is empty", "cat /"+name)
		}
		return none("not an x86 processor")
	}
	if m.Topology.Info.RDTSCP {
		flags["rdtscp"] = true
	}
	missing := ""
	for _, f := range []string{"constant_tsc", "nonstop_tsc", "rdtscp"} {
		if !flags[f] {
			missing += " " + f
		}
	}
	if missing != "" {
		return bad("without%s", missing)
	}
	return good("constant, nonstop, with RDTSCP")
}
