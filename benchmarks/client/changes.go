package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	ownNamespace = "probe"
	ownService   = "backend"
	ownDomain    = ".probe.example"
)

// pause waits before a change. Its jitter avoids a rhythm with other periodic work.
func pause(gap time.Duration) {
	if gap > 0 {
		time.Sleep(gap + time.Duration(rand.Int64N(int64(50*time.Millisecond))))
	}
}

// newRoutes creates Ingresses of one host, each after the route of the last one has come. It
// measures from the API server's 201 until the route has come. The Cluster exists already.
func newRoutes(given *options) (outcome, error) {
	result := newOutcome()
	fleet, joined, err := given.both()
	if err != nil {
		return result, err
	}
	defer joined.close()
	if err := ownBackend(fleet, given.backend); err != nil {
		return result, err
	}
	run := fmt.Sprintf("r%d", os.Getpid())
	name := func(i int) string { return fmt.Sprintf("%s-%06d", run, i) }
	defer everywhere(writers, 0, given.n+1, func(i int) error { return fleet.hub.deleteIngress(ownNamespace, name(i)) })
	create := func(i int) (answered, came time.Time, err error) {
		seen := joined.watch(routes, []byte(name(i)+ownDomain))
		if err = fleet.hub.createIngress(ownNamespace, name(i), name(i)+ownDomain, ownService); err != nil {
			return answered, came, err
		}
		answered = time.Now()
		if given.through != "" {
			if err = untilAnswered(given.through, name(i)+ownDomain); err != nil {
				return answered, came, err
			}
			result.sample("answered", time.Since(answered))
		}
		came, err = joined.wait(seen, "the route "+name(i))
		return answered, came, err
	}
	if _, _, err := create(given.n); err != nil { // the first one also creates the Cluster, and is not measured
		return result, err
	}
	clear(result.Samples)
	settle(given.pid, joined)
	meter, before := startMeter(given.pid), joined.seen()
	for i := range given.n {
		pause(given.gap)
		answered, came, err := create(i)
		if err != nil {
			return result, err
		}
		result.sample("route", came.Sub(answered))
	}
	meter.read(result.Numbers, "")
	result.traffic(before, joined.seen())
	return result, nil
}

func ownBackend(fleet *fleet, backend string) error {
	host, portText, _ := strings.Cut(backend, ":")
	port, err := strconv.Atoi(portText)
	if err != nil {
		return err
	}
	member := fleet.members[0]
	for _, server := range []*apiServer{fleet.hub, member} {
		if err := server.createNamespace(ownNamespace); err != nil {
			return err
		}
	}
	if err := member.createService(ownNamespace, ownService); err != nil {
		return err
	}
	if err := member.createSlice(ownNamespace, ownService, port, host); err != nil {
		return err
	}
	return member.updateSlice(ownNamespace, ownService, port, host)
}

// untilAnswered asks an Envoy for a host until it answers 200.
func untilAnswered(envoy, host string) error {
	request, err := http.NewRequest("GET", "http://"+envoy+"/", nil)
	if err != nil {
		return err
	}
	request.Host = host
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			continue
		}
		io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
		if answer.StatusCode == http.StatusOK {
			return nil
		}
	}
	return fmt.Errorf("%s is not answered by %s", host, envoy)
}

// changedEndpoints replaces one of the two endpoints of Services of the load, one by one, and
// measures from the API server's 200 until the address has come.
func changedEndpoints(given *options) (outcome, error) {
	result := newOutcome()
	fleet, joined, err := given.both()
	if err != nil {
		return result, err
	}
	defer joined.close()
	settle(given.pid, joined) // the cost of connecting is not measured
	meter, before := startMeter(given.pid), joined.seen()
	for range given.n {
		pause(given.gap)
		i, address := rand.IntN(given.held.services), freshAddress()
		seen := joined.watch(assignments, addressMark(address))
		if err := fleet.replaceEndpoint(i, address); err != nil {
			return result, err
		}
		answered := time.Now()
		came, err := joined.wait(seen, "the endpoint "+address)
		if err != nil {
			return result, err
		}
		result.sample("endpoint", came.Sub(answered))
	}
	meter.read(result.Numbers, "")
	result.traffic(before, joined.seen())
	return result, nil
}

// replaceEndpoint gives Service i a new first endpoint.
func (f *fleet) replaceEndpoint(i int, address string) error {
	addresses := endpointsOf(i, 2)
	addresses[0] = address
	return f.memberOf(i).updateSlice(namespaceOf(i), nameOf(i), 8080, addresses...)
}

// changedWeights gives the members other weights for the first host of the load, again and again, and
// measures from the API server's 200 until the assignment has come. The first weights, which make a
// Cluster, are not measured.
func changedWeights(given *options) (outcome, error) {
	result := newOutcome()
	fleet, joined, err := given.both()
	if err != nil {
		return result, err
	}
	defer joined.close()
	namespace, name := namespaceOf(0), nameOf(0)
	defer fleet.hub.patchIngress(namespace, name, weightsOf("null", "null"))
	change := func(i int) error {
		first := 1 + i%99
		seen := joined.watch(assignments, fmt.Appendf(nil, "%s/%s/80#%s", namespace, name, name))
		weights := weightsOf(strconv.Quote(strconv.Itoa(first)), strconv.Quote(strconv.Itoa(100-first)))
		if err := fleet.hub.patchIngress(namespace, name, weights); err != nil {
			return err
		}
		answered := time.Now()
		came, err := joined.wait(seen, "the weights")
		result.sample("weight", came.Sub(answered))
		return err
	}
	if err := change(0); err != nil {
		return result, err
	}
	clear(result.Samples)
	settle(given.pid, joined)
	meter, before := startMeter(given.pid), joined.seen()
	for i := range given.n {
		pause(given.gap)
		if err := change(i + 1); err != nil {
			return result, err
		}
	}
	meter.read(result.Numbers, "")
	result.traffic(before, joined.seen())
	return result, nil
}

func weightsOf(first, second string) string {
	return fmt.Sprintf(`{"metadata":{"annotations":{"fleetgate.dev/cluster-weight.c1":%s,`+
		`"fleetgate.dev/cluster-weight.c2":%s}}}`, first, second)
}

// churn makes five changes a second for n seconds: half of them changed EndpointSlices, a quarter
// new Ingresses, and a quarter deleted Ingresses. It restores the load at the end.
func churn(given *options) (outcome, error) {
	result := newOutcome()
	fleet, joined, err := given.both()
	if err != nil {
		return result, err
	}
	defer joined.close()
	var mutex sync.Mutex
	var watching sync.WaitGroup
	note := func(name string, answered time.Time, seen <-chan time.Time) {
		watching.Go(func() {
			came, err := joined.wait(seen, name)
			mutex.Lock()
			defer mutex.Unlock()
			if err != nil { // such as an endpoint that was replaced again before it was sent
				result.Numbers["unseen"]++
				return
			}
			result.sample(name, came.Sub(answered))
		})
	}
	const perSecond = 5
	run := fmt.Sprintf("c%d", os.Getpid())
	settle(given.pid, joined)
	meter, before := startMeter(given.pid), joined.seen()
	ticker := time.NewTicker(time.Second / perSecond)
	defer ticker.Stop()
	gone := map[int]bool{}
	created := map[string]int{}
	for x := range perSecond * given.n {
		i := anyBut(gone, given.held.hosts)
		switch x % 4 {
		case 0, 2:
			address := freshAddress()
			seen := joined.watch(assignments, addressMark(address))
			err = fleet.replaceEndpoint(i, address)
			note("endpoint", time.Now(), seen)
		case 1:
			name := fmt.Sprintf("%s-%06d", run, x)
			seen := joined.watch(routes, []byte(name+ownDomain))
			err = fleet.hub.createIngress(namespaceOf(i), name, name+ownDomain, nameOf(i))
			created[name] = i
			note("route", time.Now(), seen)
		case 3:
			err = fleet.hub.deleteIngress(namespaceOf(i), nameOf(i))
			gone[i] = true
		}
		if err != nil {
			return result, err
		}
		<-ticker.C
	}
	meter.read(result.Numbers, "")
	result.traffic(before, joined.seen())
	for name, i := range created {
		if err := fleet.hub.deleteIngress(namespaceOf(i), name); err != nil {
			return result, err
		}
	}
	for i := range gone {
		if err := fleet.hub.createIngress(namespaceOf(i), nameOf(i), hostOf(i), nameOf(i)); err != nil {
			return result, err
		}
	}
	watching.Wait()
	_, err = joined.wait(joined.whole(given.held), "the load as it was")
	return result, err
}

// anyBut picks a number below a bound, without Services whose Ingress is deleted: no Envoy has them.
func anyBut(gone map[int]bool, bound int) int {
	for {
		if i := rand.IntN(bound); !gone[i] {
			return i
		}
	}
}
