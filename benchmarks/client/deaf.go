package main

import (
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	// smallWindow is what may be under way to an Envoy that reads nothing: of thousands of Clusters, a part.
	smallWindow = 64 << 10
	// farewell bounds how long the end of such an Envoy's stream may take to be read.
	farewell = 30 * time.Second
)

// dialDeaf joins as an Envoy that reads nothing of what it is sent.
func dialDeaf(to join) (*envoy, error) { return connect(to, smallWindow) }

// wasCutOff reads on, at last, and tells whether the control plane has ended the stream meanwhile.
func (e *envoy) wasCutOff() bool {
	defer time.AfterFunc(farewell, e.cancel).Stop()
	for {
		var message []byte
		if err := e.stream.RecvMsg(&message); err != nil {
			return status.Code(err) == codes.DeadlineExceeded
		}
	}
}
