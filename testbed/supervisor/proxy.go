package main

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
)

// A proxy is a TLS port in front of the API server, for a client under test,
// whose requests may meet faults. Each test has its own.
type proxy struct {
	// Whose it is: it ends with it.
	client    int
	forwarder *forwarder
	server    *http.Server
	doors     *doors
	mutex     sync.Mutex
	faults    []*fault
	flights   map[*flight]bool
	requests  []seen
}

// seen is a request that came through the TLS port.
type seen struct {
	Method    string `json:"method"`
	URI       string `json:"uri"`
	User      string `json:"user"`
	UserAgent string `json:"userAgent"`
}

const maxSeen = 100_000

func newProxy(f *forwarder, a *authorities) (*proxy, error) {
	doors, err := openDoors()
	if err != nil {
		return nil, err
	}
	p := &proxy{forwarder: f, doors: doors, flights: map[*flight]bool{}}
	p.server = &http.Server{
		Handler:     http.HandlerFunc(p.serve),
		ErrorLog:    quiet,
		ConnContext: withConnection,
		TLSConfig: &tls.Config{
			Certificates: []tls.Certificate{a.server},
			ClientCAs:    a.pool(),
			ClientAuth:   tls.VerifyClientCertIfGiven,
		},
	}
	doors.serve = func(listener net.Listener) { _ = p.server.ServeTLS(listener, "", "") }
	go doors.serve(doors.listener)
	return p, nil
}

func (p *proxy) close() {
	_ = p.doors.set("reset", true)
	_ = p.server.Close()
}

// serve passes on what a client asks, unless a fault says otherwise.
func (p *proxy) serve(w http.ResponseWriter, r *http.Request) {
	user, groups := "", []string(nil)
	if len(r.TLS.PeerCertificates) > 0 {
		subject := r.TLS.PeerCertificates[0].Subject
		user, groups = subject.CommonName, subject.Organization
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	r = r.WithContext(ctx)
	f := &flight{ResponseWriter: w, request: r, cancel: cancel, connection: connectionOf(r)}
	faults := p.depart(f, seen{r.Method, r.RequestURI, user, r.UserAgent()})
	defer p.arrive(f)
	for _, fault := range faults {
		if fault.before(f) {
			return
		}
	}
	p.forwarder.ServeHTTP(f, named(r, user, groups))
}

// depart notes a request and takes the faults that it will meet.
func (p *proxy) depart(f *flight, request seen) []*fault {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.flights[f] = true
	if len(p.requests) < maxSeen {
		p.requests = append(p.requests, request)
	}
	taken := []*fault{}
	for _, fault := range p.faults {
		if fault.matches(f.request) && fault.take() {
			taken = append(taken, fault)
		}
	}
	return taken
}

func (p *proxy) arrive(f *flight) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	delete(p.flights, f)
}

func (p *proxy) takeRequests() []seen {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	taken := append([]seen{}, p.requests...)
	p.requests = nil
	return taken
}

// setFaults replaces the faults; with existing, responses that are under way
// meet the first that matches them.
func (p *proxy) setFaults(faults []*fault, existing bool, connections string) error {
	for _, fault := range faults {
		if err := fault.check(); err != nil {
			return err
		}
	}
	p.mutex.Lock()
	p.faults = faults
	if existing {
		for f := range p.flights {
			for _, fault := range faults {
				if fault.matches(f.request) {
					fault.strike(f)
					break
				}
			}
		}
	}
	p.mutex.Unlock()
	return p.doors.set(connections, existing)
}
