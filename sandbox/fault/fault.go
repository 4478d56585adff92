// Package fault makes bad days: it stands before a simulated vendor, counts the
// calls, and lets them fail, linger, hang or break off as told.
package fault

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"
)

// Mode is how a call fails.
type Mode string

// The modes.
const (
	Error Mode = "error" // answers Status (500) at once
	Delay Mode = "delay" // answers rightly, MS milliseconds late
	Hang  Mode = "hang"  // never answers
	Drop  Mode = "drop"  // does what was asked, then cuts the connection
)

// Fault is a bad day of one vendor.
type Fault struct {
	Vendor string  `json:"vendor"`
	Method string  `json:"method,omitempty"` // any when ""
	Path   string  `json:"path,omitempty"`   // a prefix, below the vendor's root
	Mode   Mode    `json:"mode"`
	Status int     `json:"status,omitempty"` // of Error; 500 when 0
	MS     int     `json:"ms,omitempty"`     // of Delay
	Times  int     `json:"times,omitempty"`  // until deleted when 0
	Rate   float64 `json:"rate,omitempty"`   // share of the calls; all when 0
}

// Validate tells what is wrong with a fault.
func (f Fault) Validate() error {
	switch {
	case f.Vendor == "":
		return errors.New("vendor is missing")
	case f.Mode != Error && f.Mode != Delay && f.Mode != Hang && f.Mode != Drop:
		return errors.New("mode is none of error, delay, hang, drop")
	case f.Status != 0 && (f.Status < 400 || f.Status > 599):
		return errors.New("status is no error")
	case f.MS < 0 || f.Times < 0 || f.Rate < 0 || f.Rate > 1:
		return errors.New("ms, times or rate is out of range")
	}
	return nil
}

// Book holds the faults that are on and the calls that were made.
type Book struct {
	mu     sync.Mutex
	faults []*Fault
	calls  map[string]map[string]int
}

// NewBook makes an empty one.
func NewBook() *Book { return &Book{calls: map[string]map[string]int{}} }

// Add turns a fault on.
func (b *Book) Add(f Fault) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults = append(b.faults, &f)
}

// Clear turns all faults off.
func (b *Book) Clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults = nil
}

// Faults are those that are on.
func (b *Book) Faults() []Fault {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := []Fault{}
	for _, f := range b.faults {
		list = append(list, *f)
	}
	return list
}

// Calls counts a vendor's calls by method and route.
func (b *Book) Calls(vendor string) map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	counts := map[string]int{}
	for name, routes := range b.calls {
		if vendor != "" && vendor != name {
			continue
		}
		for route, n := range routes {
			counts[route] += n
		}
	}
	return counts
}

// ForgetCalls begins counting anew.
func (b *Book) ForgetCalls() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls = map[string]map[string]int{}
}

// Take is the fault that meets a call, nil if none; it is used up by that.
func (b *Book) Take(vendor, method, path string) *Fault {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, f := range b.faults {
		if f.Vendor != vendor || f.Method != "" && !strings.EqualFold(f.Method, method) || !strings.HasPrefix(path, f.Path) {
			continue
		}
		if f.Rate > 0 && rand.Float64() >= f.Rate { //nolint:gosec // chance, not secrecy
			continue
		}
		taken := *f
		if f.Times > 0 {
			if f.Times--; f.Times == 0 {
				b.faults = append(b.faults[:i:i], b.faults[i+1:]...)
			}
		}
		return &taken
	}
	return nil
}

func (b *Book) count(vendor, route string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.calls[vendor] == nil {
		b.calls[vendor] = map[string]int{}
	}
	b.calls[vendor][route]++
}

// Before stands the book before a vendor's routes, mounted at /root.
func (b *Book) Before(vendor string, routes chi.Router) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := strings.TrimPrefix(r.URL.Path, "/"+vendor)
		match := chi.NewRouteContext()
		if routes.Match(match, r.Method, path) {
			b.count(vendor, r.Method+" "+match.RoutePattern())
		} else {
			b.count(vendor, r.Method+" (unknown)")
		}
		inner := http.StripPrefix("/"+vendor, routes)
		fault := b.Take(vendor, r.Method, path)
		if fault == nil {
			inner.ServeHTTP(w, r)
			return
		}
		switch fault.Mode {
		case Error:
			status := fault.Status
			if status == 0 {
				status = http.StatusInternalServerError
			}
			http.Error(w, "simulated failure", status)
		case Delay: // acts even when the caller has gone meanwhile
			body, err := io.ReadAll(r.Body)
			if err != nil {
				panic(http.ErrAbortHandler)
			}
			<-time.After(time.Duration(fault.MS) * time.Millisecond)
			late := r.WithContext(context.WithoutCancel(r.Context()))
			late.Body = io.NopCloser(bytes.NewReader(body))
			inner.ServeHTTP(w, late)
		case Hang:
			<-r.Context().Done()
			panic(http.ErrAbortHandler)
		case Drop:
			inner.ServeHTTP(&swallowed{header: http.Header{}}, r.WithContext(context.WithoutCancel(r.Context())))
			panic(http.ErrAbortHandler)
		}
	})
}

// swallowed is an answer nobody gets.
type swallowed struct {
	header http.Header
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (s *swallowed) Header() http.Header { return s.header }

// Write implements http.ResponseWriter.
func (s *swallowed) Write(p []byte) (int, error) { return s.body.Write(p) }

// WriteHeader implements http.ResponseWriter.
func (s *swallowed) WriteHeader(int) {}
