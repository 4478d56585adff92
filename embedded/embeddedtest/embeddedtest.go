// Package embeddedtest gives tests a real Postgres and a real Temporal, started
// once per test binary and thrown away after it.
package embeddedtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/byeolshow/byeolshow/embedded"
	"github.com/byeolshow/byeolshow/store"
	"github.com/byeolshow/byeolshow/workflows"
)

var server struct {
	sync.Mutex
	dir      string
	postgres *embedded.Postgres
	temporal *embedded.Temporal
	address  string
}

// Main runs the tests of a package and ends what they started. It is called
// from TestMain.
func Main(m *testing.M) {
	code := m.Run()
	if server.temporal != nil {
		_ = server.temporal.Stop()
	}
	if server.postgres != nil {
		_ = server.postgres.Stop()
	}
	if server.dir != "" {
		_ = os.RemoveAll(server.dir)
	}
	os.Exit(code)
}

func folder(t testing.TB) string {
	if server.dir == "" {
		dir, err := os.MkdirTemp("", "byeolshow-test-")
		require.NoError(t, err)
		require.NoError(t, os.Chmod(dir, 0o755)) //nolint:gosec // Postgres is another user
		server.dir = dir
	}
	return server.dir
}

// Database is the address of an empty database for one test.
func Database(t testing.TB) string {
	t.Helper()
	server.Lock()
	defer server.Unlock()
	if server.postgres == nil {
		pg, err := embedded.StartPostgres(context.Background(), embedded.PostgresConfig{
			Dir: filepath.Join(folder(t), "postgres"), Log: io.Discard, Forgetful: true,
		})
		require.NoError(t, err)
		server.postgres = pg
	}
	name := "test_" + strings.ToLower(rand.Text()[:12])
	ctx := context.Background()
	admin, err := pgx.Connect(ctx, server.postgres.URL("postgres"))
	require.NoError(t, err)
	defer func() { _ = admin.Close(ctx) }()
	_, err = admin.Exec(ctx, "CREATE DATABASE "+name)
	require.NoError(t, err)
	return server.postgres.URL(name)
}

// Pool is of connections, at most so many, to a database of one test's own that
// has our tables.
func Pool(t testing.TB, connections int32) *pgxpool.Pool {
	t.Helper()
	address := Database(t)
	require.NoError(t, store.Migrate(t.Context(), address))
	config, err := pgxpool.ParseConfig(address)
	require.NoError(t, err)
	config.MaxConns = connections
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

// Temporal is the address of a Temporal server that has byeolshow's search
// attributes.
func Temporal(t testing.TB) string {
	t.Helper()
	server.Lock()
	defer server.Unlock()
	if server.temporal == nil {
		program, err := embedded.TemporalProgram(context.Background(), tools(t), func(text string) { t.Log(text) })
		require.NoError(t, err)
		address := FreeAddress(t)
		temporal, err := embedded.StartTemporal(context.Background(), embedded.TemporalConfig{
			Program: program, Address: address, SearchAttributes: workflows.SearchAttributes(), Log: io.Discard,
		})
		require.NoError(t, err)
		server.temporal, server.address = temporal, address
	}
	return server.address
}

// FreeAddress is a loopback address nobody listens on.
func FreeAddress(t testing.TB) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed at once
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// tools is the folder of the checkout that pins the programs.
func tools(t testing.TB) string {
	dir, err := os.Getwd()
	require.NoError(t, err)
	for dir != "/" {
		candidate := filepath.Join(dir, "tools")
		if _, err := os.Stat(filepath.Join(candidate, "go.mod")); err == nil {
			return candidate
		}
		dir = filepath.Dir(dir)
	}
	require.Fail(t, fmt.Sprintf("no tools folder above %s", dir))
	return ""
}
