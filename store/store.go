// Package store keeps byeolshow's own tables in Postgres: broadcasts, alarms,
// push devices, sessions and the webhook events already seen.
package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/byeolshow/byeolshow/store/db"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store answers the questions byeolshow asks its database. It is safe for
// concurrent use.
type Store struct {
	pool    *pgxpool.Pool
	queries *db.Queries
	locks   chan struct{} // one for each connection that may hold locks
}

// New makes a Store of an open pool, which stays the caller's to close.
func New(pool *pgxpool.Pool) *Store {
	return &Store{pool: pool, queries: db.New(pool), locks: make(chan struct{}, max(1, pool.Config().MaxConns/2))}
}

// Ping tells whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.pool.Ping(ctx); err != nil {
		return fmt.Errorf("ping postgres: %w", err)
	}
	return nil
}

// Migrate brings the schema of the database up to date. Any number of
// processes may call it at once: an advisory lock lets one work and the others
// wait.
func Migrate(ctx context.Context, databaseURL string) error {
	config, err := pgx.ParseConfig(databaseURL)
	if err != nil {
		return fmt.Errorf("parse database url: %w", err)
	}
	conn := stdlib.OpenDB(*config)
	defer func() { _ = conn.Close() }()
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("open migrations: %w", err)
	}
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return fmt.Errorf("make migration lock: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, conn, files, goose.WithSessionLocker(locker))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

func (s *Store) inTx(ctx context.Context, do func(*db.Queries) error) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error { return do(s.queries.WithTx(tx)) })
}

func missing(err error) bool { return errors.Is(err, pgx.ErrNoRows) }
