package affinity

import "fmt"

// Disturbance is something that may take time away from a thread pinned to a CPU.
type Disturbance struct {
	Name string `json:"name"` // short and stable: quota, vm, cpu0, sched, tick, smt, irq, governor, small
	Text string `json:"text"` // one sentence: what it does and what helps
}

// Disturbs returns what may disturb a thread pinned to the CPU, as far as the
// kernel's files tell, roughly the worst first; nil for a CPU that is not online.
// A quiet machine has an empty list, and then measuring tells the rest.
func (t *Topology) Disturbs(cpu int) []Disturbance {
	c, ok := t.CPU(cpu)
	if !ok || !c.Online {
		return nil
	}
	var list []Disturbance
	add := func(name, format string, args ...any) {
		list = append(list, Disturbance{name, fmt.Sprintf(format, args...)})
	}
	if t.Quota > 0 {
		add("quota", "the cgroup grants %.3g CPUs of time, and when they are used up every thread stands still: remove the limit (cpu.max) and use a cpuset instead", t.Quota)
	}
	if !t.Isolated.Has(cpu) {
		add("sched", "the scheduler may run other tasks here: isolate the CPU with isolcpus= or an isolated cpuset partition")
	}
	if c.ID == 0 {
		add("cpu0", "the kernel does its housekeeping on CPU 0: take another one")
	}
	if others := c.Siblings.Minus(SetOf(cpu)); !others.Empty() {
		add("smt", "CPU %v shares this core's execution units: leave it idle or switch it off", others)
	}
	if c.Small {
		add("small", "this is one of the slower cores of a hybrid processor: take a large one")
	}
	if c.Governor != "" && c.Governor != "performance" {
		add("governor", "the cpufreq governor %q may slow the clock: set it to performance", c.Governor)
	}
	if c.IRQs > 0 {
		add("irq", "%d interrupt lines are routed here: move them through /proc/irq/*/smp_affinity_list or irqaffinity=", c.IRQs)
	}
	if !t.NohzFull.Has(cpu) {
		add("tick", "the timer interrupts even a lone task 100 to 1000 times a second: boot with nohz_full=")
	}
	if t.Info.Hypervisor {
		add("vm", "this is a virtual machine, whose host may take the CPU away at any time: dedicate host CPUs to it")
	}
	return list
}
