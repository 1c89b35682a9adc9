package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"sync/atomic"
	"time"
)

// A forwarder passes requests on to the API server in the name of who sent
// them. Who a client certificate names is told as front proxies do; bearer
// tokens pass as they are.
type forwarder struct {
	// The API server's HOST:PORT.
	upstream atomic.Value
	httputil.ReverseProxy
}

func newForwarder(upstream string, a *authorities) *forwarder {
	f := &forwarder{}
	f.upstream.Store(upstream)
	f.ReverseProxy = httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = "https", f.upstream.Load().(string)
			r.Out.Host = r.Out.URL.Host
		},
		Transport:     newTransports(a),
		FlushInterval: -1,
		ErrorLog:      quiet,
		ErrorHandler:  unreachable,
	}
	return f
}

var quiet = log.New(io.Discard, "", 0)

// unreachable shows a server that is away as what it is: the connection breaks.
// The tests' own door says why.
func unreachable(w http.ResponseWriter, _ *http.Request, err error) {
	if f, ok := w.(*flight); ok {
		f.connection.reset()
		panic(http.ErrAbortHandler)
	}
	http.Error(w, fmt.Sprintf("the API server did not answer: %v", err), http.StatusBadGateway)
}

// serveTests opens a unix socket, through which the tests themselves ask, as the
// user and groups that the headers Testbed-User and Testbed-Group name.
func (f *forwarder) serveTests(socket string) error {
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	server := &http.Server{ErrorLog: quiet, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, groups := r.Header.Get("Testbed-User"), r.Header.Values("Testbed-Group")
		r.Header.Del("Testbed-User")
		r.Header.Del("Testbed-Group")
		f.ServeHTTP(w, named(r, user, groups))
	})}
	go server.Serve(listener)
	return nil
}

type identity struct{}

// named marks a request with who sent it; nobody, when the name is empty.
func named(r *http.Request, user string, groups []string) *http.Request {
	for name := range r.Header {
		if strings.HasPrefix(name, "X-Remote-") {
			delete(r.Header, name)
		}
	}
	if user == "" {
		return r
	}
	r.Header.Set("X-Remote-User", user)
	r.Header["X-Remote-Group"] = groups
	return r.WithContext(context.WithValue(r.Context(), identity{}, true))
}

// transports keeps connections of the front proxy apart from those of nobody,
// and upgrades, which are HTTP/1.1 only, from the rest.
type transports struct{ proxy, nobody, proxyUpgrade, nobodyUpgrade *http.Transport }

func newTransports(a *authorities) *transports {
	one := func(pool *x509.CertPool, certificates []tls.Certificate, http2 bool) *http.Transport {
		protocols := new(http.Protocols)
		protocols.SetHTTP1(!http2)
		protocols.SetHTTP2(http2)
		return &http.Transport{
			TLSClientConfig:    &tls.Config{RootCAs: pool, Certificates: certificates},
			Protocols:          protocols,
			DisableCompression: true,
			// A stranger at a port that was taken may never answer.
			TLSHandshakeTimeout: 10 * time.Second,
		}
	}
	pool, certificates := a.pool(), []tls.Certificate{a.proxyClient}
	return &transports{
		proxy: one(pool, certificates, true), nobody: one(pool, nil, true),
		proxyUpgrade: one(pool, certificates, false), nobodyUpgrade: one(pool, nil, false),
	}
}

func (t *transports) RoundTrip(r *http.Request) (*http.Response, error) {
	isNamed, isUpgrade := r.Context().Value(identity{}) != nil, r.Header.Get("Upgrade") != ""
	switch {
	case isNamed && isUpgrade:
		return t.proxyUpgrade.RoundTrip(r)
	case isNamed:
		return t.proxy.RoundTrip(r)
	case isUpgrade:
		return t.nobodyUpgrade.RoundTrip(r)
	}
	return t.nobody.RoundTrip(r)
}
