// Package schema keeps each simulated vendor in a Postgres schema of its own.
package schema

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
	"github.com/pressly/goose/v3/lock"
)

// Migrate creates the schema and applies the files to it, which must name it
// themselves.
func Migrate(ctx context.Context, pool *pgxpool.Pool, name string, files fs.FS) error {
	if _, err := pool.Exec(ctx, "CREATE SCHEMA IF NOT EXISTS "+pgx.Identifier{name}.Sanitize()); err != nil {
		return fmt.Errorf("create schema %s: %w", name, err)
	}
	conn := stdlib.OpenDBFromPool(pool)
	defer func() { _ = conn.Close() }()
	versions, err := database.NewStore(database.DialectPostgres, name+".goose_db_version")
	if err != nil {
		return fmt.Errorf("open versions of %s: %w", name, err)
	}
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return fmt.Errorf("make lock of %s: %w", name, err)
	}
	provider, err := goose.NewProvider(goose.DialectCustom, conn, files,
		goose.WithStore(versions), goose.WithSessionLocker(locker))
	if err != nil {
		return fmt.Errorf("read migrations of %s: %w", name, err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate %s: %w", name, err)
	}
	return nil
}
