package main

import (
	"slices"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// edsCluster is a Cluster whose endpoints come by EDS.
func edsCluster(name, serviceName string) resource {
	body := appendText(nil, 1, name)
	body = protowire.AppendTag(body, 2, protowire.VarintType)
	body = protowire.AppendVarint(body, 3)
	return resource{name, appendMessage(body, 3, appendText([]byte{}, 2, serviceName))}
}

func gone(name string) resource { return resource{name, nil} }

func there(name string) resource { return resource{name, []byte{}} }

func assignment(name string, endpoints int) resource {
	var locality []byte
	for range endpoints {
		locality = appendMessage(locality, 2, []byte{})
	}
	return resource{name, appendMessage(nil, 2, locality)}
}

func TestAssignmentsAreAskedForWithTheirClusters(t *testing.T) {
	for _, step := range []struct {
		name             string
		delta            bool
		held             []resource
		read             []resource
		wanted, unwanted []string
	}{
		{"a new Cluster", true, nil, []resource{edsCluster("a", "")}, []string{"a"}, nil},
		{"by its service name", true, nil, []resource{edsCluster("a", "b")}, []string{"b"}, nil},
		{"without EDS", true, nil, []resource{there("a")}, nil, nil},
		{"known already", true, []resource{edsCluster("a", "")}, []resource{edsCluster("a", "")}, nil, nil},
		{"under another name", true, []resource{edsCluster("a", "")}, []resource{edsCluster("a", "b")},
			[]string{"b"}, []string{"a"}},
		{"removed", true, []resource{edsCluster("a", "")}, []resource{gone("a")}, nil, []string{"a"}},
		{"others stay in delta", true, []resource{edsCluster("a", "")}, []resource{edsCluster("b", "")},
			[]string{"b"}, nil},
		{"others go in the state of the world", false, []resource{edsCluster("a", "")},
			[]resource{edsCluster("b", "")}, []string{"b"}, []string{"a"}},
	} {
		t.Run(step.name, func(t *testing.T) {
			holding := newHolding()
			holding.apply(response{kind: clusters, resources: step.held}, true)
			wanted, unwanted := holding.apply(response{kind: clusters, resources: step.read}, step.delta)
			if !slices.Equal(wanted, step.wanted) || !slices.Equal(unwanted, step.unwanted) {
				t.Errorf("wanted %v, unwanted %v", wanted, unwanted)
			}
		})
	}
}

func TestOnlyTheLoadIsCounted(t *testing.T) {
	for _, step := range []struct {
		name            string
		delta           bool
		read            []response
		hosts, assigned int
	}{
		{"hosts by their domain", true,
			[]response{{kind: routes, resources: []resource{there("mse|a.load.example"), there("mse|*")}}}, 1, 0},
		{"a host that comes twice", true, []response{
			{kind: routes, resources: []resource{there("mse|a.load.example")}},
			{kind: routes, resources: []resource{there("mse|a.load.example")}}}, 1, 0},
		{"a host that goes", true, []response{
			{kind: routes, resources: []resource{there("mse|a.load.example")}},
			{kind: routes, resources: []resource{gone("mse|a.load.example")}}}, 0, 0},
		{"hosts that are not in the state of the world", false, []response{
			{kind: routes, resources: []resource{there("mse|a.load.example"), there("mse|b.load.example")}},
			{kind: routes, resources: []resource{there("mse|b.load.example")}}}, 1, 0},
		{"Services with endpoints", true, []response{{kind: assignments,
			resources: []resource{assignment("load-000/a/80", 2), assignment("load-000/b/80", 0), assignment("other/c/80", 1)}}}, 0, 1},
		{"a Service that loses them", true, []response{
			{kind: assignments, resources: []resource{assignment("load-000/a/80", 2)}},
			{kind: assignments, resources: []resource{assignment("load-000/a/80", 0)}}}, 0, 0},
	} {
		t.Run(step.name, func(t *testing.T) {
			holding := newHolding()
			for _, read := range step.read {
				holding.apply(read, step.delta)
			}
			if holding.hosts != step.hosts || holding.assigned != step.assigned {
				t.Errorf("%d hosts, %d assigned", holding.hosts, holding.assigned)
			}
		})
	}
}

func TestResponsesAreReadInBothDialects(t *testing.T) {
	any := appendMessage(appendText(nil, 1, typeURLs[routes]), 2, appendText(nil, 1, "shop"))
	delta := appendText(appendText(nil, 4, typeURLs[routes]), 5, "7")
	delta = appendMessage(delta, 2, appendMessage(appendText(nil, 3, "shop"), 2, any))
	delta = appendText(delta, 6, "gone")
	world := appendText(appendText(appendText(nil, 1, "v"), 4, typeURLs[routes]), 5, "7")
	world = appendMessage(world, 2, any)
	for _, step := range []struct {
		name    string
		message []byte
		delta   bool
		names   []string
	}{
		{"delta", delta, true, []string{"shop", "gone"}},
		{"state of the world", world, false, []string{"shop"}},
	} {
		t.Run(step.name, func(t *testing.T) {
			read := readResponse(step.message, step.delta, true)
			var names []string
			for _, one := range read.resources {
				names = append(names, one.name)
			}
			if read.kind != routes || read.nonce != "7" || !slices.Equal(names, step.names) {
				t.Errorf("read %+v", read)
			}
			if light := readResponse(step.message, step.delta, false); light.count != len(step.names) {
				t.Errorf("counted %d", light.count)
			}
		})
	}
}
