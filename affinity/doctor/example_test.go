package doctor_test

import (
	"fmt"
	"testing/fstest"

	"github.com/tickring/tickring/affinity"
	"github.com/tickring/tickring/affinity/doctor"
)

// A copy of another machine's files will do; doctor.Here is this machine.
func Example() {
	host := doctor.Host{Files: fstest.MapFS{
		"sys/devices/system/cpu/online":         {Data: []byte("0-3\n")},
		"sys/devices/system/cpu/isolated":       {Data: []byte("2-3\n")},
		"sys/devices/virtual/workqueue/cpumask": {Data: []byte("f\n")},
		"proc/sys/kernel/sched_rt_runtime_us":   {Data: []byte("-1\n")},
	}}
	report := doctor.Examine(host, affinity.Set{})
	for _, c := range report.Checks {
		switch c.Name {
		case "isolated", "workqueues", "RT throttling", "steal":
			fmt.Printf("%s: %s: %s\n", c.Name, c.Verdict, c.Value)
			if c.Mend != "" {
				fmt.Println("  " + c.Mend)
			}
		}
	}
	// Output:
	// isolated: good: isolated
	// steal: unknown: there is no /proc/stat
	//   ls -l /proc/stat
	// workqueues: warn: deferred work may come here
	//   echo 3 > /sys/devices/virtual/workqueue/cpumask
	// RT throttling: good: -1
}
