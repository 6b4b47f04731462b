// Command grpc measures gRPC over a Unix socket, between two processes.
//
// Round trip: one bidirectional stream, the way of gRPC with the least work for a message; the
// other process is the server and echoes. Throughput: this process is the server, the other one
// sends on a client stream, held up by HTTP/2's flow control. A message is a protobuf BytesValue.
package main

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"

	"github.com/tickring/tickring/bench/peers/internal/harness"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

const method = "/peers.Bench/Stream"

func main() {
	harness.Peer{
		Name: "grpc", Module: "google.golang.org/grpc", Processes: 2,
		Differences: "Two processes over a Unix socket through the kernel, which they sleep on; protobuf and HTTP/2 framing; lossless by flow control.",
		RTT:         roundTrips,
		Throughput:  stream,
		Ends: map[string]func(string) error{
			"echo": func(socket string) error { return serve(socket, echo) },
			"send": send,
		},
	}.Main()
}

// serve answers on a socket with one handler of streams, until the handler ends the process or
// the process is ended.
func serve(socket string, handler func(grpc.ServerStream) error) error {
	l, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	s := grpc.NewServer()
	s.RegisterService(&grpc.ServiceDesc{
		ServiceName: "peers.Bench",
		HandlerType: (*any)(nil),
		Streams: []grpc.StreamDesc{{
			StreamName: "Stream", ServerStreams: true, ClientStreams: true,
			Handler: func(_ any, stream grpc.ServerStream) error { return handler(stream) },
		}},
	}, nil)
	return s.Serve(l)
}

func dial(socket string) (grpc.ClientStream, error) {
	conn, err := grpc.NewClient("unix://"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	both := grpc.StreamDesc{ServerStreams: true, ClientStreams: true}
	return conn.NewStream(context.Background(), &both, method, grpc.WaitForReady(true))
}

func echo(stream grpc.ServerStream) error {
	var m wrapperspb.BytesValue
	for {
		if err := stream.RecvMsg(&m); err != nil {
			return err
		}
		if err := stream.SendMsg(&m); err != nil {
			return err
		}
	}
}

func roundTrips(t *harness.Trips) error {
	socket, remove, err := newSocket()
	if err != nil {
		return err
	}
	defer remove()
	if err := harness.Start("echo", socket); err != nil {
		return err
	}
	stream, err := dial(socket)
	if err != nil {
		return err
	}
	m := wrapperspb.Bytes(harness.Bytes(new(harness.Message)))
	return t.Measure(func() error {
		if err := stream.SendMsg(m); err != nil {
			return err
		}
		return stream.RecvMsg(m)
	})
}

var errOver = errors.New("the stream is over")

func stream(s *harness.Stream) error {
	socket, remove, err := newSocket()
	if err != nil {
		return err
	}
	defer remove()
	done := make(chan error, 2)
	go func() {
		done <- serve(socket, func(stream grpc.ServerStream) error {
			var m wrapperspb.BytesValue
			for {
				if err := stream.RecvMsg(&m); err != nil {
					done <- err
					return err
				}
				if !s.TakeBytes(m.Value) {
					done <- errOver
					return nil
				}
			}
		})
	}()
	if err := harness.Start("send", socket); err != nil {
		return err
	}
	if err := <-done; err != errOver {
		return err
	}
	return nil
}

func send(socket string) error {
	stream, err := dial(socket)
	if err != nil {
		return err
	}
	var m harness.Message
	value := wrapperspb.Bytes(harness.Bytes(&m))
	for source := new(harness.Source); source.Next(&m); {
		if err := stream.SendMsg(value); err != nil {
			return err
		}
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	if err := stream.RecvMsg(value); err != nil && err != io.EOF {
		return err
	}
	return nil
}

func newSocket() (path string, remove func(), err error) {
	dir, err := harness.TempDir("grpc", os.TempDir())
	return filepath.Join(dir, "socket"), func() { os.RemoveAll(dir) }, err
}
