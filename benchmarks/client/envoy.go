package main

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protowire"
)

// join is the address of a control plane, and the identity with which to connect.
type join struct {
	address string
	gateway string
	node    string
	delta   bool
}

// envoy subscribes to all resources of a gateway as an Envoy does, on its own connection. It
// acknowledges each response, and notes the time of its arrival.
type envoy struct {
	join
	connection *grpc.ClientConn
	stream     grpc.ClientStream
	cancel     context.CancelFunc
	nodeSent   bool
	// The encoded names of the assignments to ask for: field 3 of requests in both variants.
	subscription []byte
	last         [kinds]response

	mutex   sync.Mutex
	held    *holding // nil for a light client, which asks for the assignments that another client holds
	marks   []mark
	expects []expectation
	traffic traffic
	failure error
	failed  chan struct{}
}

// traffic counts the resources that have come, by kind.
type traffic struct {
	bytes, messages, resources [kinds]int
}

func (t traffic) sum() (bytes, messages int) {
	for i := range kinds {
		bytes, messages = bytes+t.bytes[i], messages+t.messages[i]
	}
	return bytes, messages
}

type mark struct {
	kind kind
	text []byte
	seen chan time.Time
}

type expectation struct {
	met func() bool
	at  chan time.Time
}

// largeWindow is enough for the first responses; Envoy's own windows are larger.
const largeWindow = 16 << 20

// dial connects as an Envoy that keeps all resources.
func dial(to join) (*envoy, error) { return open(to, newHolding(), nil) }

// dialLight connects as an Envoy that keeps nothing, and asks for the assignments that another holds.
func dialLight(to join, subscription []byte) (*envoy, error) { return open(to, nil, subscription) }

func open(to join, held *holding, subscription []byte) (*envoy, error) {
	made, err := connect(to, largeWindow)
	if err != nil {
		return nil, err
	}
	made.held, made.subscription = held, subscription
	go made.receive()
	return made, nil
}

// connect asks for all resources, and reads nothing yet. window bounds the bytes that are under way.
func connect(to join, window int32) (*envoy, error) {
	connection, err := grpc.NewClient("passthrough:///"+to.address,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithInitialWindowSize(window), grpc.WithInitialConnWindowSize(window),
		grpc.WithDefaultCallOptions(
			grpc.ForceCodecV2(rawCodec{}), grpc.MaxCallRecvMsgSize(1<<30), grpc.MaxCallSendMsgSize(1<<30)))
	if err != nil {
		return nil, err
	}
	context, cancel := context.WithCancel(context.Background())
	method := "StreamAggregatedResources"
	if to.delta {
		method = "DeltaAggregatedResources"
	}
	stream, err := connection.NewStream(context, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true},
		"/envoy.service.discovery.v3.AggregatedDiscoveryService/"+method)
	if err != nil {
		cancel()
		connection.Close()
		return nil, err
	}
	made := &envoy{join: to, connection: connection, stream: stream, cancel: cancel,
		failed: make(chan struct{})}
	for _, wildcard := range []kind{clusters, listeners, routes} {
		if err := made.request(wildcard, nil, nil); err != nil {
			made.close()
			return nil, err
		}
	}
	return made, nil
}

func (e *envoy) close() {
	e.cancel()
	e.connection.Close()
}

func (e *envoy) receive() {
	for {
		var message []byte
		err := e.stream.RecvMsg(&message)
		at := time.Now()
		if err == nil {
			err = e.take(message, at)
		}
		if err != nil {
			e.mutex.Lock()
			e.failure = fmt.Errorf("the stream of %s ended: %w", e.node, err)
			e.mutex.Unlock()
			close(e.failed)
			return
		}
	}
}

// take notes and acknowledges a response. It runs in one goroutine, the only one that sends.
func (e *envoy) take(message []byte, at time.Time) error {
	read := readResponse(message, e.delta, e.held != nil)
	if read.kind == unknown {
		return nil
	}
	first := e.last[read.kind].nonce == ""
	e.last[read.kind] = read
	var changed, gone []string
	e.mutex.Lock()
	e.traffic.bytes[read.kind] += len(message)
	e.traffic.messages[read.kind]++
	e.traffic.resources[read.kind] += read.count
	if e.held != nil {
		changed, gone = e.held.apply(read, e.delta)
	}
	e.tell(read.kind, message, at)
	e.mutex.Unlock()
	if err := e.request(read.kind, nil, nil); err != nil {
		return err
	}
	switch {
	case e.held == nil && read.kind == clusters && first:
		return e.request(assignments, e.subscription, nil)
	case len(changed)+len(gone) > 0:
		if e.delta {
			return e.request(assignments, encodeNames(3, changed), encodeNames(4, gone))
		}
		e.subscription = encodeNames(3, e.held.services())
		return e.request(assignments, nil, nil)
	}
	return nil
}

// tell wakes the goroutines that wait for a text in this response, or for a state of the holding.
func (e *envoy) tell(kind kind, message []byte, at time.Time) {
	left := e.marks[:0]
	for _, mark := range e.marks {
		if mark.kind == kind && bytes.Contains(message, mark.text) {
			mark.seen <- at
		} else {
			left = append(left, mark)
		}
	}
	e.marks = left
	waiting := e.expects[:0]
	for _, expected := range e.expects {
		if expected.met() {
			expected.at <- at
		} else {
			waiting = append(waiting, expected)
		}
	}
	e.expects = waiting
}

// request subscribes, or acknowledges the last response. Like Envoy, it sends the node with the
// first request only. In the state of the world, each request repeats all names.
func (e *envoy) request(kind kind, subscribe, unsubscribe []byte) error {
	var request []byte
	node := appendText(appendText(nil, 1, e.node), 2, e.gateway)
	if e.delta {
		if !e.nodeSent {
			request = appendMessage(request, 1, node)
		}
		request = appendText(request, 2, typeURLs[kind])
		request = append(append(request, subscribe...), unsubscribe...)
		if subscribe == nil && unsubscribe == nil {
			request = appendText(request, 6, e.last[kind].nonce)
		}
	} else {
		request = appendText(request, 1, e.last[kind].version)
		if !e.nodeSent {
			request = appendMessage(request, 2, node)
		}
		if kind == assignments {
			request = append(request, e.subscription...)
		}
		request = appendText(request, 4, typeURLs[kind])
		request = appendText(request, 5, e.last[kind].nonce)
	}
	e.nodeSent = true
	return e.stream.SendMsg(&request)
}

func encodeNames(field protowire.Number, names []string) []byte {
	var encoded []byte
	for _, name := range names {
		encoded = appendText(encoded, field, name)
	}
	return encoded
}

// watch gives the time of the next response of a kind that contains a text.
func (e *envoy) watch(kind kind, text []byte) <-chan time.Time {
	seen := make(chan time.Time, 1)
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.marks = append(e.marks, mark{kind, text, seen})
	return seen
}

// whole gives the time at which the client held exactly this number of hosts, and of Services with
// endpoints.
func (e *envoy) whole(load size) <-chan time.Time {
	return e.expect(func() bool {
		return e.held.hosts == load.hosts && e.held.assigned == load.services &&
			e.traffic.messages[listeners] > 0
	})
}

// received gives the time at which these numbers of resources had come, by kind.
func (e *envoy) received(wanted [kinds]int) <-chan time.Time {
	return e.expect(func() bool {
		for kind, count := range wanted {
			if e.traffic.resources[kind] < count {
				return false
			}
		}
		return true
	})
}

// carries gives what a light client needs to follow this one: the names to ask for, and the number
// of resources to expect.
func (e *envoy) carries() (subscription []byte, counts [kinds]int) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	return encodeNames(3, e.held.services()), e.held.counts()
}

func (e *envoy) expect(met func() bool) <-chan time.Time {
	at := make(chan time.Time, 1)
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if met() {
		at <- time.Now()
	} else {
		e.expects = append(e.expects, expectation{met, at})
	}
	return at
}

// wait gives the value of a channel, or the error that ended the stream.
func (e *envoy) wait(coming <-chan time.Time, what string) (time.Time, error) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case at := <-coming:
		return at, nil
	case <-e.failed:
		return time.Time{}, e.failure
	case <-timer.C:
		e.mutex.Lock()
		defer e.mutex.Unlock()
		return time.Time{}, fmt.Errorf("waited %s for %s; %s", patience, what, e.describe())
	}
}

func (e *envoy) describe() string {
	if e.held == nil {
		return fmt.Sprintf("%v resources came", e.traffic.resources)
	}
	return fmt.Sprintf("holds %d hosts, %d of their Services with endpoints", e.held.hosts, e.held.assigned)
}

func (e *envoy) seen() traffic {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	return e.traffic
}
