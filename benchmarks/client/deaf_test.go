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
		end := func(_ any, stream grpc.ServerStream) error {
			for range kinds - 1 { // the types that a new Envoy asks for
				var request []byte
				if err := stream.RecvMsg(&request); err != nil {
					return err
				}
			}
			return status.Error(code, "")
		}
		server := grpc.NewServer(grpc.UnknownServiceHandler(end), grpc.ForceServerCodecV2(rawCodec{}))
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
