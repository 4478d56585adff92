package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
)

// WithLocks does something while no other process does anything under any of the
// same keys. The locks end with do, or with the connection. At most half of the
// pool's connections hold locks, so that what is done under them finds others.
func (s *Store) WithLocks(ctx context.Context, keys []string, do func(context.Context) error) error {
	select {
	case s.locks <- struct{}{}:
		defer func() { <-s.locks }()
	case <-ctx.Done():
		return ctx.Err()
	}
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		for _, key := range slices.Sorted(slices.Values(keys)) { // in one order, lest two wait for each other
			if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", key); err != nil {
				return fmt.Errorf("lock %s: %w", key, err)
			}
		}
		return do(ctx)
	})
}

// ImagesKey is the lock under which a customer's images and what shows them are
// changed.
func ImagesKey(customerID string) string { return "images/" + customerID }
