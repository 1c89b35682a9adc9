// Command supervisor keeps one test cluster: `supervisor DIR`. It makes the
// certificates in DIR, starts and stops components, issues client
// certificates, puts proxies in front of the API server that misbehave on
// request, and serves webhooks. With `--own-network` it was started in a network
// namespace that is new. With `--run=PID:START` the test processes of a run, which
// the process PID leads that was started at START, may share the cluster.
//
// It reads one JSON request a line and answers each with one line. When its
// input ends, which it does however the test process ends, and so has every other
// client and the run's leader, it stops everything in order and removes DIR. It is
// a program of its own because a killed test process runs no destructors, and
// because a parent-death signal follows the thread that started a child, and
// threads of tests come and go.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
)

// Components are started on the main thread, which lives as long as the process.
func init() { runtime.LockOSThread() }

type request struct {
	Op string `json:"op"`
	// start, stop, signal
	Name   string   `json:"name"`
	Rank   int      `json:"rank"`
	Args   []string `json:"args"`
	Signal string   `json:"signal"`
	// issue; kubeconfig, for whom a token names instead when there is one, and
	// for nobody when there is neither
	User   string   `json:"user"`
	Groups []string `json:"groups"`
	Token  string   `json:"token"`
	Server string   `json:"server"`
	// connect: the API server's HOST:PORT
	Upstream string `json:"upstream"`
	// close, faults, requests: the port of a proxy
	Proxy int `json:"proxy"`
	// faults
	Faults      []*fault `json:"faults"`
	Existing    bool     `json:"existing"`
	Connections string   `json:"connections"`
	// webhook: where it listens, and whose certificate it shows
	Address string `json:"address"`
	Host    string `json:"host"`
	// share: what those are told who join, and the file that leads them here
	Note   json.RawMessage `json:"note"`
	Record string          `json:"record"`
}

type reply map[string]any

type supervisor struct {
	dir       string
	temporary string
	authority *authorities
	processes *processes
	forwarder *forwarder
	proxies   map[int]*proxy
	webhooks  map[webhookKey]*webhook
	keep      bool
	clients   clients
}

func main() {
	ownNetwork := flag.Bool("own-network", false, "this network namespace is new")
	leader := flag.String("run", "", "PID:START of the run's leader")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: supervisor [--own-network] [--run=PID:START] DIR")
		os.Exit(2)
	}
	if *ownNetwork {
		if err := setUpNetwork(); err != nil {
			fmt.Fprintln(os.Stderr, "the network namespace:", err)
			os.Exit(1)
		}
	}
	s, err := newSupervisor(flag.Arg(0))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	// An interrupted terminal ends the tests, and their end ends this process.
	signal.Ignore(syscall.SIGINT, syscall.SIGHUP, syscall.SIGPIPE)
	s.serve(*leader)
	s.end()
}

func newSupervisor(dir string) (*supervisor, error) {
	for _, name := range []string{"pki", "logs"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
			return nil, err
		}
	}
	authority, err := newAuthorities(filepath.Join(dir, "pki"))
	if err != nil {
		return nil, err
	}
	// Not in dir: the path of a socket is short.
	temporary, err := os.MkdirTemp("", "testbed-")
	if err != nil {
		return nil, err
	}
	return &supervisor{
		dir: dir, temporary: temporary, authority: authority,
		processes: newProcesses(dir, temporary), proxies: map[int]*proxy{},
		webhooks: map[webhookKey]*webhook{},
	}, nil
}

func (s *supervisor) end() {
	s.clients.close()
	s.processes.stopAll()
	_ = os.RemoveAll(s.temporary)
	if s.keep {
		// Logs are kept for a person; what etcd stored and the keys are of no use.
		for _, name := range []string{"etcd", "pki"} {
			_ = os.RemoveAll(filepath.Join(s.dir, name))
		}
		return
	}
	_ = os.RemoveAll(s.dir)
}

// answer answers one request of a client.
func (s *supervisor) answer(client int, line []byte) (reply, error) {
	var r request
	if err := json.Unmarshal(line, &r); err != nil {
		return nil, err
	}
	switch r.Op {
	case "share":
		return s.share(r)
	case "join":
		return s.join(client)
	case "start", "stop", "signal":
		if s.clients.shared() {
			return nil, fmt.Errorf("%s %s: others use this cluster too; a test that starts or ends components needs a cluster of its own", r.Op, r.Name)
		}
	}
	switch r.Op {
	case "start":
		pid, err := s.processes.start(r.Name, r.Rank, r.Args)
		return reply{"pid": pid}, err
	case "stop":
		return reply{}, s.processes.stop(r.Name)
	case "signal":
		return reply{}, s.processes.signal(r.Name, r.Signal)
	case "exited":
		return reply{"exited": s.processes.exited()}, nil
	case "pids":
		return reply{"pids": s.processes.pids()}, nil
	case "issue":
		certificate, key, err := s.authority.client(r.User, r.Groups)
		return reply{"certificate": string(certificate), "key": string(key)}, err
	case "kubeconfig":
		kubeconfig, err := s.authority.kubeconfig(&r)
		return reply{"kubeconfig": kubeconfig}, err
	case "connect":
		socket := filepath.Join(s.temporary, "api.sock")
		return reply{"socket": socket}, s.connect(r.Upstream, socket)
	case "proxy":
		if s.forwarder == nil {
			return nil, fmt.Errorf("a proxy needs to be told first where the API server is")
		}
		proxy, err := newProxy(s.forwarder, s.authority)
		if err != nil {
			return nil, err
		}
		proxy.client = client
		s.proxies[proxy.doors.port] = proxy
		return reply{"port": proxy.doors.port}, nil
	case "webhook", "close-webhook", "reviews":
		return s.answerOfWebhook(client, r)
	case "keep":
		s.keep = true
		return reply{}, nil
	}
	return s.answerOfProxy(r)
}

// answerOfProxy answers what is asked of one of the proxies.
func (s *supervisor) answerOfProxy(r request) (reply, error) {
	proxy := s.proxies[r.Proxy]
	if proxy == nil {
		return nil, fmt.Errorf("unknown op %q, or no proxy at port %d", r.Op, r.Proxy)
	}
	switch r.Op {
	case "close":
		proxy.close()
		delete(s.proxies, r.Proxy)
		return reply{}, nil
	case "faults":
		return reply{}, proxy.setFaults(r.Faults, r.Existing, r.Connections)
	case "requests":
		return reply{"requests": proxy.takeRequests()}, nil
	}
	return nil, fmt.Errorf("unknown op %q", r.Op)
}

// connect says where the API server is; it may move.
func (s *supervisor) connect(upstream, socket string) error {
	if s.forwarder != nil {
		s.forwarder.upstream.Store(upstream)
		return nil
	}
	s.forwarder = newForwarder(upstream, s.authority)
	return s.forwarder.serveTests(socket)
}
