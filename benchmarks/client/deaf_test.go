package main

import (
	"net"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestOnlyTheBoundOnWritesCountsAsCutOff(t *testing.T) {
	for code, wanted := range map[codes.Code]bool{
		codes.DeadlineExceeded: true,
		codes.Unavailable:      false,
		codes.OK:               false,
	} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		server := grpc.NewServer(grpc.UnknownServiceHandler(func(any, grpc.ServerStream) error {
			return status.Error(code, "")
		}))
		go server.Serve(listener)
		deaf, err := dialDeaf(join{address: listener.Addr().String(), delta: true})
		if err != nil {
			t.Fatal(err)
		}
		if got := deaf.wasCutOff(); got != wanted {
			t.Errorf("%s: got %t", code, got)
		}
		deaf.close()
		server.Stop()
	}
}
