package api

import (
	"context"
	"sync"
	"time"
)

// fresh lets requests for the same public list share one query and one
// encoding, without ever answering with something older than the request: who
// comes while a query runs waits for the next one.
type fresh struct {
	mu      sync.Mutex
	running map[string]*flight
}

type flight struct {
	load func(context.Context) ([]byte, error)
	done chan struct{}
	next *flight // who came while it ran waits for this one
	body []byte
	err  error
}

const (
	flightTimeout = 10 * time.Second
	// gather lies between a query and the next, so that under load more
	// requests share one. Who comes alone does not wait for it.
	gather = 4 * time.Millisecond
)

func newFresh() *fresh { return &fresh{running: map[string]*flight{}} }

// get is what load returns, asked after get was called.
func (f *fresh) get(ctx context.Context, key string, load func(context.Context) ([]byte, error)) ([]byte, error) {
	f.mu.Lock()
	mine := &flight{load: load, done: make(chan struct{})}
	switch running := f.running[key]; {
	case running == nil:
		f.running[key] = mine
		go f.fly(key, mine) //nolint:gosec // it is no single request's
	case running.next == nil:
		running.next = mine
	default:
		mine = running.next
	}
	f.mu.Unlock()
	select {
	case <-mine.done:
		return mine.body, mine.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (f *fresh) fly(key string, now *flight) {
	for now != nil {
		ctx, cancel := context.WithTimeout(context.Background(), flightTimeout)
		now.body, now.err = now.load(ctx)
		cancel()
		close(now.done)
		<-time.After(gather)
		f.mu.Lock()
		now = now.next
		if now == nil {
			delete(f.running, key)
		} else {
			f.running[key] = now
		}
		f.mu.Unlock()
	}
}
