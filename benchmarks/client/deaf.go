package main

import (
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	// smallWindow is the window of an Envoy that reads nothing, which thousands of Clusters exceed.
	smallWindow = 64 << 10
	// farewell bounds the time to read the end of such an Envoy's stream.
	farewell = 30 * time.Second
)

// dialDeaf connects as an Envoy that reads nothing.
func dialDeaf(to join) (*envoy, error) { return connect(to, smallWindow) }

// wasCutOff reads the stream at last, and tells whether the control plane has ended it meanwhile.
func (e *envoy) wasCutOff() bool {
	defer time.AfterFunc(farewell, e.cancel).Stop()
	for {
		var message []byte
		if err := e.stream.RecvMsg(&message); err != nil {
			return status.Code(err) == codes.DeadlineExceeded
		}
	}
}
