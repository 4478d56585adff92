package api

import (
	"context"
	"slices"
	"sync"
)

// keyLocks lets one request of this process at a time compete for a lock in
// the database, so that those who wait hold no connections.
type keyLocks struct {
	mu    sync.Mutex
	locks map[string]*keyLock
}

type keyLock struct {
	turn    chan struct{}
	waiting int
}

func newKeyLocks() *keyLocks { return &keyLocks{locks: map[string]*keyLock{}} }

// exclusively does something while nobody else, in any process, does anything
// under the same key, or one of the others.
func (a *api) exclusively(ctx context.Context, key string, do func(context.Context) error, others ...string) error {
	keys := slices.Concat(others, []string{key})
	slices.Sort(keys) // in one order, lest two wait for each other
	for _, key := range keys {
		release, err := a.keyLocks.acquire(ctx, key)
		if err != nil {
			return err
		}
		defer release()
	}
	return a.Store.WithLocks(ctx, keys, do)
}

func (l *keyLocks) acquire(ctx context.Context, key string) (release func(), err error) {
	l.mu.Lock()
	lock, ok := l.locks[key]
	if !ok {
		lock = &keyLock{turn: make(chan struct{}, 1)}
		l.locks[key] = lock
	}
	lock.waiting++
	l.mu.Unlock()
	leave := func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if lock.waiting--; lock.waiting == 0 {
			delete(l.locks, key)
		}
	}
	select {
	case lock.turn <- struct{}{}:
		return func() { <-lock.turn; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}
