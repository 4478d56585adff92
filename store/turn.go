package store

import (
	"context"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"
)

// Turn is a job that one process at a time does, until it ends or loses its
// connection; then another may.
type Turn struct {
	store *Store
	key   string

	mu   sync.Mutex
	conn *pgx.Conn // holds the lock
}

// Turn is the job of that name.
func (s *Store) Turn(key string) *Turn { return &Turn{store: s, key: key} }

// Mine tells whether the job is this process's, and takes it when it is
// nobody's.
func (t *Turn) Mine(ctx context.Context) (bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.conn != nil {
		if t.conn.Ping(ctx) == nil {
			return true, nil
		}
		t.drop(ctx)
	}
	pooled, err := t.store.pool.Acquire(ctx)
	if err != nil {
		return false, fmt.Errorf("take a turn at %s: %w", t.key, err)
	}
	var mine bool
	err = pooled.QueryRow(ctx, "SELECT pg_try_advisory_lock(hashtextextended($1, 0))", t.key).Scan(&mine)
	if err != nil || !mine {
		pooled.Release()
		return false, wrap("take a turn at "+t.key, err)
	}
	t.conn = pooled.Hijack() // it is held for long, and the pool may be closed meanwhile
	return true, nil
}

// Leave gives the job to whoever asks next.
func (t *Turn) Leave(ctx context.Context) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.conn != nil {
		t.drop(ctx)
	}
}

func (t *Turn) drop(ctx context.Context) {
	_ = t.conn.Close(ctx) // it is gone either way, and the lock with it
	t.conn = nil
}
