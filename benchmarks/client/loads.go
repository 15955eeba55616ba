package main

import (
	"os"
	"os/exec"
	"syscall"
	"time"
)

// load writes a load to the API servers, while no control plane runs.
func load(given *options) (outcome, error) {
	result := newOutcome()
	fleet, err := given.fleet()
	if err != nil {
		return result, err
	}
	begun := time.Now()
	if err := fleet.shrink(given.held, given.to); err != nil {
		return result, err
	}
	if err := fleet.grow(given.held, given.to, false); err != nil {
		return result, err
	}
	if given.wide > 0 {
		err = fleet.widen(given.to.services, given.wide)
	}
	result.Numbers["wall_s"] = time.Since(begun).Seconds()
	return result, err
}

// hold connects until all resources have come, and measures the control plane's memory then.
func hold(given *options) (outcome, error) {
	result := newOutcome()
	joined, err := given.joined()
	if err != nil {
		return result, err
	}
	defer joined.close()
	startMeter(given.pid).read(result.Numbers, "")
	result.traffic(traffic{}, joined.seen())
	return result, nil
}

// loadIn writes the load while connected, and measures until all resources have come.
func loadIn(given *options) (outcome, error) {
	result := newOutcome()
	fleet, joined, err := given.both()
	if err != nil {
		return result, err
	}
	defer joined.close()
	meter, before := startMeter(given.pid), joined.seen()
	begun := time.Now()
	complete := joined.whole(given.to)
	if err := fleet.grow(given.held, given.to, given.secured); err != nil {
		return result, err
	}
	written := time.Now()
	came, err := joined.wait(complete, "the load")
	if err != nil {
		return result, err
	}
	settle(given.pid, joined) // statuses are part of the work
	meter.read(result.Numbers, "")
	result.traffic(before, joined.seen())
	result.Numbers["written_s"] = written.Sub(begun).Seconds()
	result.Numbers["lag_s"] = max(0, came.Sub(written).Seconds())
	return result, nil
}

// cold starts a control plane, and measures until a client that tries to connect each 10 ms has all
// resources. Then it ends the control plane.
func cold(given *options) (outcome, error) {
	result := newOutcome()
	process := exec.Command(given.command[0], given.command[1:]...)
	process.Stdout, process.Stderr = os.Stderr, os.Stderr
	process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	machine, begun := busy(), time.Now()
	if err := process.Start(); err != nil {
		return result, err
	}
	defer end(process)
	for {
		joined, err := dial(given.join)
		if err == nil {
			var came time.Time
			came, err = joined.wait(joined.whole(given.held), "the load")
			if err == nil {
				defer joined.close()
				used := usageOf(process.Process.Pid)
				result.sample("all", came.Sub(begun))
				result.Numbers["cpu_s"], result.Numbers["peak_mib"] = used.cpu, used.peak
				result.Numbers["busy_cores"] = (busy() - machine) / time.Since(begun).Seconds()
				return result, nil
			}
			joined.close()
		}
		if time.Since(begun) > patience {
			return result, err
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func end(process *exec.Cmd) {
	process.Process.Signal(syscall.SIGTERM)
	timer := time.AfterFunc(20*time.Second, func() { process.Process.Kill() })
	defer timer.Stop()
	process.Wait()
}
