package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// How often it is looked whether the run's leader is still there.
const pulse = 200 * time.Millisecond

// endOf is closed when the process PID:START is not there any more; never, when
// none is named. The time of its start tells it from another that got its number.
func endOf(leader string) <-chan struct{} {
	if leader == "" {
		return nil
	}
	ended := make(chan struct{})
	go func() {
		for runs(leader) {
			time.Sleep(pulse)
		}
		close(ended)
	}()
	return ended
}

// runs says whether there is such a process that has not exited. Its state and the time
// of its start are the fields 3 and 22 of /proc/PID/stat, counted from behind the name,
// which may hold anything.
func runs(leader string) bool {
	pid, start, _ := strings.Cut(leader, ":")
	text, err := os.ReadFile(fmt.Sprintf("/proc/%s/stat", pid))
	if err != nil {
		return false
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	return len(fields) > 19 && fields[0] != "Z" && fields[0] != "X" && fields[19] == start
}
