// client writes to the API servers of a fleet, and measures its control plane as an Envoy sees it.
//
//	client load       write a load to the hub and the members
//	client hold       connect, and measure the control plane's memory once all resources have come
//	client routes     new Ingresses, one by one
//	client endpoints  changed EndpointSlices, one by one
//	client weights    changed weights of members, one by one
//	client churn      changes at a steady rate
//	client loadin     write the whole load while connected
//	client cold       start a control plane, until all resources have come
//	client fanout     many Envoys, one changed endpoint
//	client secure     give each host of the load a certificate
//	client bare       take these certificates away
//	client handshakes new Ingresses with a certificate, one by one
//	client visit      one handshake with each host of the load
//
// It prints one JSON object: samples (milliseconds, one by one) and numbers.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// patience bounds each wait.
const patience = 180 * time.Second

// outcome is what a command prints.
type outcome struct {
	Samples map[string][]float64 `json:"samples"`
	Numbers map[string]float64   `json:"numbers"`
}

func newOutcome() outcome { return outcome{map[string][]float64{}, map[string]float64{}} }

func (o outcome) sample(name string, took time.Duration) {
	// A response that came before the API server's answer was read counts as 0.
	o.Samples[name] = append(o.Samples[name], max(0, float64(took.Microseconds())/1000))
}

// traffic notes the resources that have come since.
func (o outcome) traffic(before, after traffic) {
	bytes, messages := after.sum()
	bytesBefore, messagesBefore := before.sum()
	o.Numbers["bytes"] = float64(bytes - bytesBefore)
	o.Numbers["messages"] = float64(messages - messagesBefore)
}

// options are those of all commands.
type options struct {
	hub     string
	members string
	join    join
	pid     int
	held    size
	to      size
	n       int
	gap     time.Duration
	through string
	backend string
	clients int
	deaf    time.Duration
	wide    int
	secured bool
	command []string
}

func main() {
	commands := map[string]func(*options) (outcome, error){
		"load": load, "hold": hold, "routes": newRoutes, "endpoints": changedEndpoints, "weights": changedWeights,
		"churn":  churn,
		"loadin": loadIn, "cold": cold, "fanout": fanOut, "secure": secure, "bare": bare, "handshakes": newHandshakes,
		"visit": visit,
	}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: client COMMAND [FLAGS]; the first lines of main.go say which commands")
		os.Exit(2)
	}
	given := &options{}
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	flags.StringVar(&given.hub, "hub", "", "kubeconfig of the hub, in JSON")
	flags.StringVar(&given.members, "members", "", "kubeconfigs of the members, in JSON, with commas")
	flags.StringVar(&given.join.address, "xds", "127.0.0.1:18000", "where the control plane is")
	flags.StringVar(&given.join.gateway, "gateway", "mse/bench", "gateway to join")
	flags.StringVar(&given.join.node, "node", "bench", "node to come as")
	flags.BoolVar(&given.join.delta, "delta", true, "speak delta; false: the state of the world")
	flags.IntVar(&given.pid, "pid", 0, "process of the control plane")
	flags.Var(&given.held, "held", "load that is there, as HOSTS,SERVICES")
	flags.Var(&given.to, "to", "load that is to be there, as HOSTS,SERVICES")
	flags.IntVar(&given.n, "n", 200, "how many changes or rounds")
	flags.DurationVar(&given.gap, "gap", 0, "pause before each change; up to 50 ms are added unless it is 0")
	flags.StringVar(&given.through, "through", "", "HOST:PORT of an Envoy that is to answer as well")
	flags.StringVar(&given.backend, "backend", "198.18.0.1:8080", "the new Ingresses' endpoint")
	flags.IntVar(&given.clients, "clients", 100, "how many Envoys")
	flags.DurationVar(&given.deaf, "deaf", 0, "how long one more Envoy reads nothing; 0: there is none")
	flags.IntVar(&given.wide, "endpoints", 0, "endpoints that each Service gets; 0 leaves them")
	flags.BoolVar(&given.secured, "secured", false, "give each new host of the load a certificate")
	flags.Parse(os.Args[2:])
	given.command = flags.Args()
	result, err := commands[os.Args[1]](given)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(result)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", os.Args[1], err)
		os.Exit(1)
	}
}

func (s *size) String() string { return fmt.Sprintf("%d,%d", s.hosts, s.services) }

// Set reads HOSTS,SERVICES.
func (s *size) Set(text string) (err error) {
	hosts, services, _ := strings.Cut(text, ",")
	if s.hosts, err = strconv.Atoi(hosts); err == nil {
		s.services, err = strconv.Atoi(services)
	}
	return err
}

func (o *options) fleet() (*fleet, error) { return openFleet(o.hub, strings.Split(o.members, ",")) }

// joined connects, and waits until the present load has come.
func (o *options) joined() (*envoy, error) {
	joined, err := dial(o.join)
	if err != nil {
		return nil, err
	}
	if _, err := joined.wait(joined.whole(o.held), "the load"); err != nil {
		joined.close()
		return nil, err
	}
	settle(o.pid, joined)
	return joined, nil
}

// both opens the fleet and connects.
func (o *options) both() (*fleet, *envoy, error) {
	opened, err := o.fleet()
	if err != nil {
		return nil, nil, err
	}
	joined, err := o.joined()
	return opened, joined, err
}
