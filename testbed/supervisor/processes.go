package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"sync"
	"syscall"
	"time"
)

// An API server whose etcd is gone hangs in its shutdown for minutes.
const grace = 10 * time.Second

type process struct {
	name    string
	rank    int
	command *exec.Cmd
	done    chan struct{}
	// How it ended; set before done is closed.
	status string
}

type processes struct {
	dir string
	// The components' TMPDIR.
	temporary string
	mutex     sync.Mutex
	byName    map[string]*process
}

func newProcesses(dir, temporary string) *processes {
	return &processes{dir: dir, temporary: temporary, byName: map[string]*process{}}
}

// start runs args as NAME, its output appended to logs/NAME.log. Everything of
// a higher rank is stopped before anything of a lower one.
func (p *processes) start(name string, rank int, args []string) (int, error) {
	if len(args) == 0 {
		return 0, fmt.Errorf("start %s: no program", name)
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if running := p.byName[name]; running != nil && !running.ended() {
		return 0, fmt.Errorf("%s is running already", name)
	}
	log, err := os.OpenFile(filepath.Join(p.dir, "logs", name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	defer log.Close()
	command := exec.Command(args[0], args[1:]...)
	command.Dir = p.dir
	command.Env = append(os.Environ(), "TMPDIR="+p.temporary)
	command.Stdout, command.Stderr = log, log
	// Its own group: a terminal's interrupt reaches the tests only, and the
	// components are then stopped in their order.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := command.Start(); err != nil {
		return 0, err
	}
	child := &process{name: name, rank: rank, command: command, done: make(chan struct{})}
	p.byName[name] = child
	go func() {
		_ = command.Wait()
		child.status = command.ProcessState.String()
		close(child.done)
	}()
	return command.Process.Pid, nil
}

func (c *process) ended() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// end asks, waits, and then kills.
func (c *process) end() {
	_ = c.command.Process.Signal(syscall.SIGCONT)
	_ = c.command.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.done:
	case <-time.After(grace):
		_ = c.command.Process.Kill()
		<-c.done
	}
}

func (p *processes) find(name string) (*process, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	child := p.byName[name]
	if child == nil {
		return nil, fmt.Errorf("%s was never started", name)
	}
	return child, nil
}

func (p *processes) stop(name string) error {
	child, err := p.find(name)
	if err == nil {
		child.end()
	}
	return err
}

func (p *processes) signal(name, signal string) error {
	number, known := map[string]syscall.Signal{
		"STOP": syscall.SIGSTOP, "CONT": syscall.SIGCONT, "KILL": syscall.SIGKILL,
	}[signal]
	if !known {
		return fmt.Errorf("unknown signal %q", signal)
	}
	child, err := p.find(name)
	if err != nil {
		return err
	}
	if err := child.command.Process.Signal(number); err != nil {
		return err
	}
	if number == syscall.SIGKILL {
		<-child.done
	}
	return nil
}

// exited says how each component ended that is not running any more.
func (p *processes) exited() map[string]string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	exited := map[string]string{}
	for name, child := range p.byName {
		if child.ended() {
			exited[name] = child.status
		}
	}
	return exited
}

// pids are those of the components that run.
func (p *processes) pids() map[string]int {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	pids := map[string]int{}
	for name, child := range p.byName {
		if !child.ended() {
			pids[name] = child.command.Process.Pid
		}
	}
	return pids
}

func (p *processes) stopAll() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	byRank := map[int][]*process{}
	ranks := []int{}
	for _, child := range p.byName {
		if byRank[child.rank] == nil {
			ranks = append(ranks, child.rank)
		}
		byRank[child.rank] = append(byRank[child.rank], child)
	}
	sort.Sort(sort.Reverse(sort.IntSlice(ranks)))
	for _, rank := range ranks {
		var group sync.WaitGroup
		for _, child := range byRank[rank] {
			group.Go(child.end)
		}
		group.Wait()
	}
}
