package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// A fault is what happens to requests that match it. Several that match happen
// one after the other, until one answers.
type fault struct {
	// A prefix of the URL's path; empty for every path.
	Path string `json:"path"`
	// Empty for every method.
	Method string `json:"method"`
	// Only watches, or only what is no watch.
	Watch *bool `json:"watch"`
	// latency | status | gone | reset | truncate | half-open
	Kind string `json:"kind"`
	// latency: how long the request waits before it goes on.
	Millis int `json:"millis"`
	// status: the answer's code, with Retry-After when that is not 0.
	Status     int `json:"status"`
	RetryAfter int `json:"retryAfter"`
	// reset, truncate, half-open: how much of the answer's body passes first.
	AfterBytes int64 `json:"afterBytes"`
	// How many requests meet it; 0 for all until the faults are set anew.
	Times int `json:"times"`
	taken int
}

var kinds = []string{"latency", "status", "gone", "reset", "truncate", "half-open"}

func (f *fault) check() error {
	if !slices.Contains(kinds, f.Kind) {
		return fmt.Errorf("unknown fault %q", f.Kind)
	}
	if f.Kind == "status" && (f.Status < 400 || f.Status > 599) {
		return fmt.Errorf("status %d is no fault", f.Status)
	}
	return nil
}

func (f *fault) matches(r *http.Request) bool {
	watch := r.URL.Query().Get("watch")
	isWatch := watch == "true" || watch == "1"
	return strings.HasPrefix(r.URL.Path, f.Path) &&
		(f.Method == "" || f.Method == r.Method) &&
		(f.Watch == nil || *f.Watch == isWatch)
}

func (f *fault) take() bool {
	if f.Times > 0 && f.taken >= f.Times {
		return false
	}
	f.taken++
	return true
}

// before happens to a request that was not passed on yet; true when that was
// its end.
func (f *fault) before(flight *flight) bool {
	switch f.Kind {
	case "latency":
		select {
		case <-time.After(time.Duration(f.Millis) * time.Millisecond):
			return false
		case <-flight.request.Context().Done():
			return true
		}
	case "status":
		writeStatus(flight.ResponseWriter, f.Status, f.RetryAfter)
		return true
	case "gone":
		// What a watch is told whose resource version the server has forgotten.
		flight.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(flight.ResponseWriter).Encode(map[string]any{
			"type": "ERROR", "object": status(http.StatusGone, 0),
		})
		return true
	}
	if f.AfterBytes > 0 {
		flight.cut = f
		return false
	}
	if f.Kind == "half-open" {
		<-flight.request.Context().Done()
		return true
	}
	if f.Kind == "reset" {
		flight.connection.reset()
	}
	panic(http.ErrAbortHandler)
}

// strike happens to a response that is under way.
func (f *fault) strike(flight *flight) {
	switch f.Kind {
	case "half-open":
		flight.stalled.Store(true)
	case "reset":
		flight.connection.reset()
		flight.cancel()
	case "truncate":
		flight.cancel()
	}
}

// A flight is one request on its way, and the writer of its response.
type flight struct {
	http.ResponseWriter
	request    *http.Request
	cancel     context.CancelFunc
	connection *connection
	cut        *fault
	passed     int64
	stalled    atomic.Bool
}

var errCut = errors.New("the response was cut")

func (f *flight) Unwrap() http.ResponseWriter { return f.ResponseWriter }

func (f *flight) Write(bytes []byte) (int, error) {
	if f.stalled.Load() {
		return f.stall()
	}
	if f.cut == nil || f.passed+int64(len(bytes)) <= f.cut.AfterBytes {
		f.passed += int64(len(bytes))
		return f.ResponseWriter.Write(bytes)
	}
	_, _ = f.ResponseWriter.Write(bytes[:f.cut.AfterBytes-f.passed])
	_ = http.NewResponseController(f.ResponseWriter).Flush()
	switch f.cut.Kind {
	case "half-open":
		return f.stall()
	case "reset":
		f.connection.reset()
	}
	return 0, errCut
}

// stall keeps the response open and silent until its client gives up.
func (f *flight) stall() (int, error) {
	<-f.request.Context().Done()
	return 0, errCut
}

// status is a refusal in the API server's format.
func status(code, retryAfter int) map[string]any {
	reasons := map[int]string{
		401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 409: "Conflict", 410: "Expired",
		429: "TooManyRequests", 500: "InternalError", 503: "ServiceUnavailable", 504: "Timeout",
	}
	answer := map[string]any{
		"kind": "Status", "apiVersion": "v1", "metadata": map[string]any{}, "status": "Failure",
		"message": "made by the fault proxy: " + http.StatusText(code), "code": code,
	}
	if reason := reasons[code]; reason != "" {
		answer["reason"] = reason
	}
	if retryAfter > 0 {
		answer["details"] = map[string]any{"retryAfterSeconds": retryAfter}
	}
	return answer
}

func writeStatus(w http.ResponseWriter, code, retryAfter int) {
	if retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(status(code, retryAfter))
}
