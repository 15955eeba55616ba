package main

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// atOnce bounds how many Envoys connect at the same time.
const atOnce = 64

// fanOut connects many Envoys, which hold all resources, and changes endpoints one by one. It
// measures until the first and until the last Envoy has each. With -deaf it measures once more,
// beside an Envoy that does not read.
func fanOut(given *options) (outcome, error) {
	result := newOutcome()
	fleet, lead, err := given.both()
	if err != nil {
		return result, err
	}
	defer lead.close()
	connecting := startMeter(given.pid)
	alone := usageOf(given.pid).rss
	envoys, err := given.crowd(lead)
	for _, each := range envoys {
		defer each.close()
	}
	if err != nil {
		return result, err
	}
	connecting.read(result.Numbers, "connect_")
	settle(given.pid, lead)
	result.Numbers["envoy_mib"] = (usageOf(given.pid).rss - alone) / float64(len(envoys))
	meter, cpu := startMeter(given.pid), 0.0
	bytes := received(envoys)
	for range given.n {
		before := usageOf(given.pid).cpu
		first, last, err := changeFor(envoys, fleet, rand.IntN(given.held.services))
		if err != nil {
			return result, err
		}
		result.sample("first", first)
		result.sample("last", last)
		time.Sleep(500 * time.Millisecond) // the control plane still reads acknowledgements
		cpu += usageOf(given.pid).cpu - before
	}
	meter.read(result.Numbers, "")
	result.Numbers["cpu_s"] = cpu
	result.Numbers["bytes"] = float64(received(envoys) - bytes)
	if given.deaf > 0 {
		err = given.besideDeaf(envoys, fleet, result)
	}
	return result, err
}

// besideDeaf changes endpoints while one more Envoy reads nothing, and waits until that one has been
// deaf for as long as it was asked to be.
func (o *options) besideDeaf(envoys []*envoy, fleet *fleet, result outcome) error {
	as := o.join
	as.node += "-deaf"
	deaf, err := dialDeaf(as)
	if err != nil {
		return err
	}
	defer deaf.close()
	end := time.Now().Add(o.deaf)
	for range o.n {
		_, last, err := changeFor(envoys, fleet, rand.IntN(o.held.services))
		if err != nil {
			return err
		}
		result.sample("last_beside_deaf", last)
		time.Sleep(500 * time.Millisecond)
	}
	time.Sleep(time.Until(end))
	result.Numbers["cut_off"] = 0
	if deaf.wasCutOff() {
		result.Numbers["cut_off"] = 1
	}
	return nil
}

// crowd connects all Envoys, and returns when each of them has as many resources as the lead.
func (o *options) crowd(lead *envoy) ([]*envoy, error) {
	subscription, counts := lead.carries()
	envoys := make([]*envoy, o.clients)
	err := everywhere(atOnce, 0, o.clients, func(i int) error {
		as := o.join
		as.node = fmt.Sprintf("%s-%d", as.node, i)
		joined, err := dialLight(as, subscription)
		if err != nil {
			return err
		}
		envoys[i] = joined
		_, err = joined.wait(joined.received(counts), "what the lead holds")
		return err
	})
	for i, each := range envoys {
		if each == nil {
			envoys = envoys[:i]
			break
		}
	}
	return envoys, err
}

// changeFor changes an endpoint and measures until the first and the last Envoy have it.
func changeFor(envoys []*envoy, fleet *fleet, service int) (first, last time.Duration, err error) {
	address := freshAddress()
	var seen []<-chan time.Time
	for _, each := range envoys {
		seen = append(seen, each.watch(assignments, addressMark(address)))
	}
	if err := fleet.replaceEndpoint(service, address); err != nil {
		return 0, 0, err
	}
	answered := time.Now()
	first = patience
	for i, each := range envoys {
		came, err := each.wait(seen[i], "the endpoint "+address)
		if err != nil {
			return 0, 0, err
		}
		first, last = min(first, came.Sub(answered)), max(last, came.Sub(answered))
	}
	return first, last, nil
}

func received(envoys []*envoy) (total int) {
	for _, each := range envoys {
		bytes, _ := each.seen().sum()
		total += bytes
	}
	return total
}
