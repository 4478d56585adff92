package api

import (
	"context"
	"sync"
	"time"
)

// fresh lets requests for the same thing share one query, without ever
// answering with something older than the request: who comes while a query runs
// waits for the next one.
type fresh[T any] struct {
	mu      sync.Mutex
	running map[string]*flight[T]
}

type flight[T any] struct {
	load  func(context.Context) (T, error)
	done  chan struct{}
	next  *flight[T] // who came while it ran waits for this one
	value T
	err   error
}

const flightTimeout = 10 * time.Second

func newFresh[T any]() *fresh[T] { return &fresh[T]{running: map[string]*flight[T]{}} }

// get is what load returns, asked after get was called.
func (f *fresh[T]) get(ctx context.Context, key string, load func(context.Context) (T, error)) (value T, err error) {
	f.mu.Lock()
	mine := &flight[T]{load: load, done: make(chan struct{})}
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
		return mine.value, mine.err
	case <-ctx.Done():
		return value, ctx.Err()
	}
}

func (f *fresh[T]) fly(key string, now *flight[T]) {
	for now != nil {
		began := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), flightTimeout)
		now.value, now.err = now.load(ctx)
		cancel()
		close(now.done)
		// A pause before the next query lets more requests share it under load.
		// Who comes alone does not wait for it.
		<-time.After(time.Since(began) / 4)
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
