package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
)

// The load: host i is Ingress i on the hub, with Service i and its EndpointSlice of two endpoints
// in one of the members by turns. 100 objects of a kind share a namespace.
const (
	ingressClass  = "bench"
	loadDomain    = ".load.example"
	loadNamespace = "load-"
	perNamespace  = 100
	writers       = 16
)

// size is the size of the load. Hosts beyond the Services share them: host i uses Service i modulo
// their number, and its Ingress is in the namespace of that Service.
type size struct{ hosts, services int }

func (s size) serviceOf(host int) int {
	if host < s.services {
		return host
	}
	return host % s.services
}

// fleet is a hub and its members.
type fleet struct {
	hub     *apiServer
	members []*apiServer
}

func openFleet(hub string, members []string) (*fleet, error) {
	server, err := openServer(hub)
	if err != nil {
		return nil, err
	}
	opened := &fleet{hub: server}
	for _, path := range members {
		member, err := openServer(path)
		if err != nil {
			return nil, err
		}
		opened.members = append(opened.members, member)
	}
	return opened, nil
}

// memberOf gives the member of Service i.
func (f *fleet) memberOf(i int) *apiServer { return f.members[i%len(f.members)] }

func namespaceOf(i int) string { return fmt.Sprintf("%s%03d", loadNamespace, i/perNamespace) }
func nameOf(i int) string      { return fmt.Sprintf("s%06d", i) }
func hostOf(i int) string      { return fmt.Sprintf("h%06d%s", i, loadDomain) }

// endpointsOf gives the first addresses of Service i.
func endpointsOf(i, count int) []string {
	var addresses []string
	for j := range count {
		addresses = append(addresses, fmt.Sprintf("10.%d.%d.%d", 16+j, i/250, 1+i%250))
	}
	return addresses
}

// freshAddress gives an address that no endpoint has had, with rare exceptions between runs.
func freshAddress() string {
	n := fresh.Add(1) + firstFresh
	return fmt.Sprintf("11.%d.%d.%d", n/62500%250, n/250%250, 1+n%250)
}

var (
	fresh      atomic.Int64
	firstFresh = rand.Int64N(15_000_000)
)

func (s *apiServer) createNamespace(name string) error {
	body := fmt.Sprintf(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":%q}}`, name)
	return s.do("POST", "/api/v1/namespaces", body, http.StatusConflict)
}

func (s *apiServer) createService(namespace, name string) error {
	body := fmt.Sprintf(`{"apiVersion":"v1","kind":"Service","metadata":{"name":%q},"spec":{"selector":{"app":%q},`+
		`"ports":[{"name":"http","port":80,"targetPort":8080}]}}`, name, name)
	return s.do("POST", "/api/v1/namespaces/"+namespace+"/services", body, http.StatusConflict)
}

func (s *apiServer) deleteService(namespace, name string) error {
	return s.do("DELETE", "/api/v1/namespaces/"+namespace+"/services/"+name, "", http.StatusNotFound)
}

const endpointSlices = "/apis/discovery.k8s.io/v1/namespaces/%s/endpointslices"

func (s *apiServer) createSlice(namespace, service string, port int, addresses ...string) error {
	path := fmt.Sprintf(endpointSlices, namespace)
	return s.do("POST", path, sliceOf(service, port, addresses), http.StatusConflict)
}

func (s *apiServer) updateSlice(namespace, service string, port int, addresses ...string) error {
	path := fmt.Sprintf(endpointSlices+"/%s-1", namespace, service)
	return s.do("PUT", path, sliceOf(service, port, addresses))
}

func sliceOf(service string, port int, addresses []string) string {
	var endpoints []string
	for _, address := range addresses {
		endpoints = append(endpoints, fmt.Sprintf(
			`{"addresses":[%q],"conditions":{"ready":true,"serving":true,"terminating":false}}`, address))
	}
	return fmt.Sprintf(`{"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"name":"%s-1",`+
		`"labels":{"kubernetes.io/service-name":%q}},"addressType":"IPv4",`+
		`"ports":[{"name":"http","port":%d,"protocol":"TCP"}],"endpoints":[%s]}`,
		service, service, port, strings.Join(endpoints, ","))
}

const ingresses = "/apis/networking.k8s.io/v1/namespaces/%s/ingresses"

// createIngress declares one host with the path / to port 80 of a Service.
func (s *apiServer) createIngress(namespace, name, host, service string) error {
	return s.createIngressWith(namespace, name, host, service, "")
}

// createIngressWith adds fields to the spec, in JSON with a comma behind them.
func (s *apiServer) createIngressWith(namespace, name, host, service, fields string) error {
	body := fmt.Sprintf(`{"apiVersion":"networking.k8s.io/v1","kind":"Ingress","metadata":{"name":%q},`+
		`"spec":{%s"ingressClassName":%q,"rules":[{"host":%q,"http":{"paths":[{"path":"/","pathType":"Prefix",`+
		`"backend":{"service":{"name":%q,"port":{"number":80}}}}]}}]}}`, name, fields, ingressClass, host, service)
	return s.do("POST", fmt.Sprintf(ingresses, namespace), body, http.StatusConflict)
}

func (s *apiServer) deleteIngress(namespace, name string) error {
	return s.do("DELETE", fmt.Sprintf(ingresses, namespace)+"/"+name, "", http.StatusNotFound)
}

// everywhere calls work for each number of a range, in several goroutines. The first error ends it.
func everywhere(goroutines, from, to int, work func(i int) error) error {
	var next atomic.Int64
	var failure atomic.Value
	var done sync.WaitGroup
	next.Store(int64(from))
	for range goroutines {
		done.Go(func() {
			for failure.Load() == nil {
				i := int(next.Add(1) - 1)
				if i >= to {
					return
				}
				if err := work(i); err != nil {
					failure.CompareAndSwap(nil, fmt.Errorf("object %d: %w", i, err))
				}
			}
		})
	}
	done.Wait()
	err, _ := failure.Load().(error)
	return err
}

// grow writes the load from one size to another, which is larger in hosts or in Services.
// Each new host gets a certificate in a Secret of its own if the load is to be secured.
func (f *fleet) grow(from, to size, secured bool) error {
	all := size{max(from.hosts, to.hosts), max(from.services, to.services)}
	if err := f.namespaces(all); err != nil {
		return err
	}
	return everywhere(writers, min(from.hosts, from.services), max(to.hosts, to.services), func(i int) error {
		if from.services <= i && i < to.services {
			if err := f.memberOf(i).createService(namespaceOf(i), nameOf(i)); err != nil {
				return err
			}
			if err := f.memberOf(i).createSlice(namespaceOf(i), nameOf(i), 8080, endpointsOf(i, 2)...); err != nil {
				return err
			}
		}
		if from.hosts <= i && i < to.hosts {
			service := to.serviceOf(i)
			namespace, tls := namespaceOf(service), ""
			if secured {
				if err := f.hub.createCertificate(namespace, nameOf(i), hostOf(i)); err != nil {
					return err
				}
				tls = tlsOf(nameOf(i), hostOf(i))
			}
			return f.hub.createIngressWith(namespace, nameOf(i), hostOf(i), nameOf(service), tls)
		}
		return nil
	})
}

// shrink deletes the objects that a smaller size does not have.
func (f *fleet) shrink(from, to size) error {
	return everywhere(writers, min(to.hosts, to.services), max(from.hosts, from.services), func(i int) error {
		if to.hosts <= i && i < from.hosts {
			if err := f.hub.deleteIngress(namespaceOf(from.serviceOf(i)), nameOf(i)); err != nil {
				return err
			}
		}
		if to.services <= i && i < from.services {
			member := f.memberOf(i)
			if err := member.deleteService(namespaceOf(i), nameOf(i)); err != nil {
				return err
			}
			return member.do("DELETE", fmt.Sprintf(endpointSlices+"/%s-1", namespaceOf(i), nameOf(i)), "", http.StatusNotFound)
		}
		return nil
	})
}

// widen gives each Service this number of endpoints.
func (f *fleet) widen(services, endpoints int) error {
	return everywhere(writers, 0, services, func(i int) error {
		return f.memberOf(i).updateSlice(namespaceOf(i), nameOf(i), 8080, endpointsOf(i, endpoints)...)
	})
}

func (f *fleet) namespaces(all size) error {
	number := (all.services + perNamespace - 1) / perNamespace
	return everywhere(writers, 0, number, func(n int) error {
		for _, server := range append([]*apiServer{f.hub}, f.members...) {
			if err := server.createNamespace(namespaceOf(n * perNamespace)); err != nil {
				return err
			}
		}
		return nil
	})
}
