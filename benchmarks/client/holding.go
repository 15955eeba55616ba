package main

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// holding is the set of resources of its gateway that an Envoy holds.
type holding struct {
	// By Cluster: the name of its assignment, "" if it has none.
	clusters map[string]string
	routes   map[string]bool
	// By assignment: whether it has endpoints.
	assignments map[string]bool
	listeners   map[string]bool
	// The parts of the load: hosts with a route table, and Services with endpoints.
	hosts, assigned int
}

func newHolding() *holding {
	return &holding{clusters: map[string]string{}, routes: map[string]bool{},
		assignments: map[string]bool{}, listeners: map[string]bool{}}
}

// counts gives the number of resources by kind, without assignments that have no endpoints.
func (h *holding) counts() [kinds]int {
	return [kinds]int{len(h.clusters), len(h.assignments), len(h.listeners), len(h.routes)}
}

// apply takes in a response. It gives the assignments to subscribe to, and those to unsubscribe from.
func (h *holding) apply(read response, delta bool) (wanted, unwanted []string) {
	switch read.kind {
	case clusters:
		return h.applyClusters(read.resources, delta)
	case listeners:
		if !delta {
			clear(h.listeners)
		}
		for _, one := range read.resources {
			put(h.listeners, one.name, one.body != nil)
		}
	case routes:
		if !delta {
			clear(h.routes)
			h.hosts = 0
		}
		for _, one := range read.resources {
			if put(h.routes, one.name, one.body != nil) && strings.HasSuffix(one.name, loadDomain) {
				h.hosts += sign(one.body != nil)
			}
		}
	case assignments:
		for _, one := range read.resources {
			h.assign(one.name, one.body != nil && hasEndpoints(one.body))
		}
	}
	return nil, nil
}

func (h *holding) applyClusters(resources []resource, delta bool) (wanted, unwanted []string) {
	before := h.clusters
	if delta {
		before = map[string]string{}
	} else {
		h.clusters = map[string]string{}
	}
	for _, one := range resources {
		if delta {
			before[one.name] = h.clusters[one.name]
		}
		if one.body == nil {
			delete(h.clusters, one.name)
			continue
		}
		h.clusters[one.name] = assignmentOf(one)
	}
	// Each Cluster has an assignment of its own.
	for name, was := range before {
		if is := h.clusters[name]; was != "" && is != was {
			unwanted = append(unwanted, was)
			h.assign(was, false)
		}
	}
	for _, one := range resources {
		if is := h.clusters[one.name]; is != "" && before[one.name] != is {
			wanted = append(wanted, is)
		}
	}
	return wanted, unwanted
}

func (h *holding) assign(name string, usable bool) {
	if put(h.assignments, name, usable) && strings.HasPrefix(name, loadNamespace) {
		h.assigned += sign(usable)
	}
}

// put adds a name to a set or removes it, and tells whether that changed the set.
func put(set map[string]bool, name string, there bool) bool {
	if set[name] == there {
		return false
	}
	if there {
		set[name] = true
	} else {
		delete(set, name)
	}
	return true
}

func sign(plus bool) int {
	if plus {
		return 1
	}
	return -1
}

// services gives all assignments to ask for.
func (h *holding) services() []string {
	var names []string
	for _, name := range h.clusters {
		if name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// assignmentOf gives the name under which a Cluster's endpoints are asked for.
func assignmentOf(cluster resource) string {
	eds, name := false, ""
	fields(cluster.body, func(field protowire.Number, content []byte, number uint64) {
		switch field {
		case 2: // type, which is 3 for EDS
			eds = number == 3
		case 3: // eds_cluster_config, whose service_name is field 2
			name = string(part(content, 2))
		}
	})
	if eds && name == "" {
		return cluster.name
	}
	return name
}
