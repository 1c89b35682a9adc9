package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"sync"
)

// doors is the TLS port below HTTP. In mode "refuse" nobody listens; in
// "reset" connections are broken as soon as they are made; in "stall" they are
// made and then nothing is read or written. Empty is normal.
type doors struct {
	port        int
	listener    net.Listener
	serve       func(net.Listener)
	mutex       sync.Mutex
	changed     *sync.Cond
	mode        string
	connections map[*connection]bool
}

func openDoors() (*doors, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	d := &doors{
		port:        listener.Addr().(*net.TCPAddr).Port,
		connections: map[*connection]bool{},
	}
	d.changed = sync.NewCond(&d.mutex)
	d.listener = &door{listener, d}
	return d, nil
}

// set changes the mode. Connections that were there keep working, unless
// existing; stalled ones go on when the mode ends.
func (d *doors) set(mode string, existing bool) error {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	switch mode {
	case "", "refuse", "reset", "stall":
	default:
		return fmt.Errorf("unknown mode of connections %q", mode)
	}
	if mode == "refuse" && d.mode != "refuse" {
		_ = d.listener.Close()
	}
	if mode != "refuse" && d.mode == "refuse" {
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", d.port))
		if err != nil {
			return err
		}
		d.listener = &door{listener, d}
		go d.serve(d.listener)
	}
	d.mode = mode
	for c := range d.connections {
		switch {
		case mode == "":
			c.stalled = false
		case existing && mode == "stall":
			c.stalled = true
		case existing:
			c.abort()
		}
	}
	d.changed.Broadcast()
	return nil
}

type door struct {
	net.Listener
	doors *doors
}

func (l *door) Accept() (net.Conn, error) {
	for {
		accepted, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		d := l.doors
		c := &connection{Conn: accepted, doors: d}
		d.mutex.Lock()
		mode := d.mode
		c.stalled = mode == "stall"
		d.connections[c] = true
		d.mutex.Unlock()
		if mode != "reset" {
			return c, nil
		}
		c.reset()
	}
}

// A connection of a client, which can be frozen and broken.
type connection struct {
	net.Conn
	doors *doors
	// Both under the doors' mutex.
	stalled, closed bool
}

func (c *connection) Read(bytes []byte) (int, error) {
	n, err := c.Conn.Read(bytes)
	c.wait()
	return n, err
}

func (c *connection) Write(bytes []byte) (int, error) {
	c.wait()
	return c.Conn.Write(bytes)
}

// wait returns once the connection is not stalled any more.
func (c *connection) wait() {
	c.doors.mutex.Lock()
	defer c.doors.mutex.Unlock()
	for c.stalled && !c.closed {
		c.doors.changed.Wait()
	}
}

func (c *connection) Close() error {
	c.doors.mutex.Lock()
	defer c.doors.mutex.Unlock()
	delete(c.doors.connections, c)
	c.closed = true
	c.doors.changed.Broadcast()
	return c.Conn.Close()
}

// reset ends the connection with an RST, as a crashed machine's kernel does.
func (c *connection) reset() {
	c.doors.mutex.Lock()
	defer c.doors.mutex.Unlock()
	c.abort()
}

// abort is reset with the doors' mutex held.
func (c *connection) abort() {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	delete(c.doors.connections, c)
	c.closed = true
	c.doors.changed.Broadcast()
	_ = c.Conn.Close()
}

type connectionKey struct{}

func withConnection(ctx context.Context, c net.Conn) context.Context {
	if secure, ok := c.(*tls.Conn); ok {
		c = secure.NetConn()
	}
	return context.WithValue(ctx, connectionKey{}, c)
}

func connectionOf(r *http.Request) *connection {
	return r.Context().Value(connectionKey{}).(*connection)
}
