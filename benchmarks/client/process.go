package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// usage is a process's CPU in seconds so far, and its present and highest memory in MiB.
type usage struct{ cpu, rss, peak float64 }

// usageOf reads /proc, which counts CPU in ticks of 10 ms. A process that has ended has no usage.
func usageOf(pid int) (used usage) {
	stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	// The command's name may hold anything, so fields count from its closing parenthesis.
	if _, after, found := strings.Cut(string(stat), ") "); found {
		fields := strings.Fields(after)
		used.cpu = (number(fields[11]) + number(fields[12])) / 100
	}
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(status)) {
		fields := strings.Fields(line)
		switch {
		case len(fields) < 2:
		case fields[0] == "VmRSS:":
			used.rss = number(fields[1]) / 1024
		case fields[0] == "VmHWM:":
			used.peak = number(fields[1]) / 1024
		}
	}
	return used
}

// busy gives the CPU seconds of the whole machine so far, which show the work of other processes.
func busy() float64 {
	stat, _ := os.ReadFile("/proc/stat")
	line, _, _ := strings.Cut(string(stat), "\n")
	fields := strings.Fields(line)
	total := 0.0
	// user nice system idle iowait irq softirq steal; user includes guests
	for _, column := range []int{1, 2, 3, 6, 7, 8} {
		if column < len(fields) {
			total += number(fields[column]) / 100
		}
	}
	return total
}

func number(text string) float64 {
	value, _ := strconv.ParseFloat(text, 64)
	return value
}

// meter measures a process from now on.
type meter struct {
	pid      int
	at       time.Time
	cpu, own float64
	machine  float64
}

// startMeter resets the highest memory of the process to its present one.
func startMeter(pid int) meter {
	os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0)
	return meter{pid, time.Now(), usageOf(pid).cpu, usageOf(os.Getpid()).cpu, busy()}
}

// read writes the usage since the start, under names with a prefix.
func (m meter) read(to map[string]float64, prefix string) {
	used := usageOf(m.pid)
	wall := time.Since(m.at).Seconds()
	to[prefix+"cpu_s"] = used.cpu - m.cpu
	to[prefix+"rss_mib"] = used.rss
	to[prefix+"peak_mib"] = used.peak
	to[prefix+"wall_s"] = wall
	to[prefix+"client_cpu_s"] = usageOf(os.Getpid()).cpu - m.own
	to[prefix+"busy_cores"] = (busy() - m.machine) / wall
}

// settle returns once the process has been almost idle for a second, and no response has come. So
// the work that was left (statuses, the garbage of its start) is no part of the next measurement.
func settle(pid int, joined *envoy) {
	const step, steps = 250 * time.Millisecond, 4
	end := time.Now().Add(patience)
	for quiet := 0; quiet < steps && time.Now().Before(end); {
		cpu, before := usageOf(pid).cpu, joined.seen()
		time.Sleep(step)
		if usageOf(pid).cpu-cpu <= 0.0201 && joined.seen() == before {
			quiet++
		} else {
			quiet = 0
		}
	}
}
