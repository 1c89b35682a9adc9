package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

// clients are the processes that use the cluster. The first, number 0, started this
// process and holds its standard input; where the cluster is shared, others join
// through a unix socket. Each may ask for the same things, one request after another.
type clients struct {
	// How many there are now, and how many ever joined.
	present, joined int
	listener        net.Listener
	note            json.RawMessage
	// The file that leads others here.
	record string
	calls  chan call
}

// call is something that a client did: it joined (connection), asked (line), or went.
type call struct {
	client     int
	connection net.Conn
	line       []byte
	answers    *json.Encoder
	// Closed once the request is answered.
	answered chan struct{}
}

func (c *clients) shared() bool { return c.listener != nil }

// serve answers requests, on this thread, which starts components, until all clients
// are gone and so is the run that they belong to, or the process is told to stop.
// Without a run the cluster ends with its clients; until it is shared, it does so too.
func (s *supervisor) serve(leader string) {
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	ended := endOf(leader)
	c := &s.clients
	c.calls, c.present = make(chan call), 1
	go c.read(0, os.Stdin, os.Stdout)
	over := leader == ""
	for c.present > 0 || c.shared() && !over {
		select {
		case <-terminated:
			return
		case <-ended:
			over, ended = true, nil
		case call := <-c.calls:
			s.take(call)
		}
	}
}

func (s *supervisor) take(call call) {
	c := &s.clients
	switch {
	case call.connection != nil:
		c.present++
		c.joined++
		go c.read(c.joined, call.connection, call.connection)
	case call.answers == nil:
		c.present--
		s.forget(call.client)
	default:
		answer, err := s.answer(call.client, call.line)
		if err != nil {
			answer = reply{"error": err.Error()}
		}
		// Whoever does not read it is gone, which its reader notices.
		_ = call.answers.Encode(answer)
		close(call.answered)
	}
}

// read passes on what a client asks, line by line.
func (c *clients) read(client int, from io.Reader, to io.Writer) {
	scanner := bufio.NewScanner(from)
	scanner.Buffer(nil, 64<<20)
	answers := json.NewEncoder(to)
	for scanner.Scan() {
		asked := call{client: client, line: scanner.Bytes(), answers: answers, answered: make(chan struct{})}
		c.calls <- asked
		<-asked.answered
	}
	if closer, ok := from.(net.Conn); ok {
		_ = closer.Close()
	}
	c.calls <- call{client: client}
}

// forget ends what a client has opened and not closed.
func (s *supervisor) forget(client int) {
	for port, proxy := range s.proxies {
		if proxy.client == client {
			proxy.close()
			delete(s.proxies, port)
		}
	}
	for key, webhook := range s.webhooks {
		if key.client == client {
			_ = webhook.server.Close()
			delete(s.webhooks, key)
		}
	}
}

// share lets others join: from now on nothing is started or ended any more. The
// record, when one is named, says where and what cluster it is.
func (s *supervisor) share(r request) (reply, error) {
	c := &s.clients
	if c.shared() {
		return nil, fmt.Errorf("the cluster is shared already")
	}
	socket := filepath.Join(s.temporary, "clients.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return nil, err
	}
	c.listener, c.note = listener, r.Note
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			c.calls <- call{connection: connection}
		}
	}()
	if r.Record == "" {
		return reply{}, nil
	}
	c.record = r.Record
	// It appears at once and whole.
	made := r.Record + ".new"
	if err := os.WriteFile(made, []byte(socket), 0o600); err != nil {
		return nil, err
	}
	return reply{}, os.Rename(made, r.Record)
}

// join tells a client what it has joined.
func (s *supervisor) join(client int) (reply, error) {
	if !s.clients.shared() {
		return nil, fmt.Errorf("the cluster is not shared")
	}
	return reply{
		"client": client, "dir": s.dir, "pid": os.Getpid(), "note": s.clients.note,
	}, nil
}

// close turns away who would join, and takes the record away, unless it leads to
// another cluster by now.
func (c *clients) close() {
	if c.listener == nil {
		return
	}
	_ = c.listener.Close()
	if socket, err := os.ReadFile(c.record); err == nil && string(socket) == c.listener.Addr().String() {
		_ = os.Remove(c.record)
	}
}
