package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// WithLock does something while no other process does anything under the same
// key. The lock ends with do, or with the connection.
func (s *Store) WithLock(ctx context.Context, key string, do func(context.Context) error) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", key); err != nil {
			return fmt.Errorf("lock %s: %w", key, err)
		}
		return do(ctx)
	})
}

// ImagesKey is the lock under which a customer's images and what shows them are
// changed.
func ImagesKey(customerID string) string { return "images/" + customerID }
