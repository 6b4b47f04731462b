// Command nats measures NATS over TCP on loopback: the client of nats.go, the server of
// nats-server in a process of its own.
//
// Round trip: a message to the other process's subject and its echo, each through the server.
// Throughput: the other process publishes, this one subscribes. Neither the client nor the
// server may drop: the client's queue has no limit, and the server holds a publisher up whose
// subscriber is behind.
package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/tickring/tickring/bench/peers/internal/harness"
)

const (
	there = "peers.there"
	back  = "peers.back"
	hello = "peers.hello" // the other end is subscribed, or wants to begin
)

func main() {
	harness.Peer{
		Name: "nats", Module: "github.com/nats-io/nats-server/v2", Processes: 3,
		Differences: "Two processes and a server in a third on the second core, over TCP on loopback, which they sleep on; text protocol, batched by the client; at most once, with limits lifted.",
		RTT:         roundTrips,
		Throughput:  stream,
		Ends: map[string]func(string) error{
			"server": serve,
			"echo":   echo,
			"send":   send,
		},
	}.Main()
}

// serve runs the server and writes its address to a file.
func serve(file string) error {
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT,
		NoLog: true, NoSigs: true,
		MaxPending: 256 << 20, WriteDeadline: time.Minute,
	})
	if err != nil {
		return err
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		return errors.New("the server does not start")
	}
	if err := os.WriteFile(file+".new", []byte(s.ClientURL()), 0o600); err != nil {
		return err
	}
	if err := os.Rename(file+".new", file); err != nil {
		return err
	}
	s.WaitForShutdown()
	return nil
}

// begin starts server and other end and connects to the server.
func begin(end string) (*nats.Conn, error) {
	dir, err := harness.TempDir("nats", os.TempDir())
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := dir + "/address"
	if err := harness.Start("server", file); err != nil {
		return nil, err
	}
	var address []byte
	for range 1000 {
		if address, err = os.ReadFile(file); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err != nil {
		return nil, fmt.Errorf("the server does not start: %w", err)
	}
	conn, err := connect(string(address))
	if err != nil {
		return nil, err
	}
	hellos, err := conn.SubscribeSync(hello)
	if err != nil {
		return nil, err
	}
	if err := harness.Start(end, strings.TrimSpace(string(address))); err != nil {
		return nil, err
	}
	if _, err := hellos.NextMsg(10 * time.Second); err != nil {
		return nil, fmt.Errorf("the other end does not start: %w", err)
	}
	return conn, nil
}

// connect reports what NATS says asynchronously, a slow consumer above all.
func connect(address string) (*nats.Conn, error) {
	return nats.Connect(address, nats.NoReconnect(), nats.ErrorHandler(
		func(_ *nats.Conn, _ *nats.Subscription, err error) { fmt.Fprintln(os.Stderr, "nats:", err) }))
}

func roundTrips(t *harness.Trips) error {
	conn, err := begin("echo")
	if err != nil {
		return err
	}
	echoes, err := conn.SubscribeSync(back)
	if err != nil {
		return err
	}
	m := harness.Bytes(new(harness.Message))
	return t.Measure(func() error {
		if err := conn.Publish(there, m); err != nil {
			return err
		}
		_, err := echoes.NextMsg(10 * time.Second)
		return err
	})
}

func echo(address string) error {
	conn, err := connect(address)
	if err != nil {
		return err
	}
	if _, err = conn.Subscribe(there, func(m *nats.Msg) { conn.Publish(back, m.Data) }); err != nil {
		return err
	}
	if err := conn.Publish(hello, nil); err != nil {
		return err
	}
	select {}
}

func stream(s *harness.Stream) error {
	conn, err := begin("send")
	if err != nil {
		return err
	}
	done := make(chan bool, 1)
	sub, err := conn.Subscribe(there, func(m *nats.Msg) {
		if !s.TakeBytes(m.Data) {
			done <- true
		}
	})
	if err != nil {
		return err
	}
	if err := sub.SetPendingLimits(-1, -1); err != nil {
		return err
	}
	if err := conn.Flush(); err != nil { // the server knows of the subscription
		return err
	}
	if err := conn.Publish(back, nil); err != nil {
		return err
	}
	<-done
	return nil
}

func send(address string) error {
	conn, err := connect(address)
	if err != nil {
		return err
	}
	start, err := conn.SubscribeSync(back)
	if err != nil {
		return err
	}
	if err := conn.Publish(hello, nil); err != nil {
		return err
	}
	if _, err := start.NextMsg(10 * time.Second); err != nil {
		return err
	}
	var m harness.Message
	for source := new(harness.Source); source.Next(&m); {
		if err := conn.Publish(there, harness.Bytes(&m)); err != nil {
			return err
		}
	}
	return conn.Flush()
}
