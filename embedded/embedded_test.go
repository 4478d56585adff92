package embedded_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/byeolshow/byeolshow/embedded"
)

// folder is one that Postgres, which is another user when we are root, reaches.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "embedded-test-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o755))
	return filepath.Join(dir, "postgres")
}

func start(t *testing.T, dir string) *embedded.Postgres {
	t.Helper()
	pg, err := embedded.StartPostgres(t.Context(), embedded.PostgresConfig{Dir: dir, Log: io.Discard})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, pg.Stop()) })
	return pg
}

func execute(t *testing.T, pg *embedded.Postgres, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), pg.URL("byeolshow"))
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(context.Background())) }()
	_, err = conn.Exec(t.Context(), sql)
	require.NoError(t, err)
}

func TestPostgresKeepsItsDataOverAKill(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	pg := start(t, dir)
	execute(t, pg, "CREATE TABLE kept AS SELECT 1")
	require.NoError(t, syscall.Kill(pg.Process().PID(), syscall.SIGKILL))
	<-pg.Process().Done()
	execute(t, start(t, dir), "DROP TABLE kept")
}

func TestPostgresLeftByAKilledParentIsTakenOver(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	orphan := start(t, dir)
	execute(t, orphan, "CREATE TABLE kept AS SELECT 1")
	execute(t, start(t, dir), "DROP TABLE kept") // stops the one that runs
	<-orphan.Process().Done()
}

// The test stays the parent of a program that has ended and does not ask how,
// so that the system keeps its number.
func TestPostgresThatIsNotGoneYetIsWaitedFor(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	require.NoError(t, start(t, dir).Stop())
	ended, err := exec.LookPath("true")
	require.NoError(t, err)
	program := filepath.Join(filepath.Dir(dir), "postgres-killed")
	require.NoError(t, os.Symlink(ended, program))
	dead := exec.Command(program)
	require.NoError(t, dead.Start())
	require.Eventually(t, func() bool {
		command, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", dead.Process.Pid))
		return err == nil && len(command) == 0
	}, time.Minute, time.Millisecond)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "postmaster.pid"), fmt.Appendln(nil, dead.Process.Pid), 0o644))
	started := make(chan error, 1)
	var pg *embedded.Postgres
	go func() {
		var err error
		pg, err = embedded.StartPostgres(t.Context(), embedded.PostgresConfig{Dir: dir, Log: io.Discard})
		started <- err
	}()
	require.Never(t, func() bool { return len(started) > 0 }, 500*time.Millisecond, 10*time.Millisecond)
	require.NoError(t, dead.Wait())
	require.NoError(t, <-started)
	require.NoError(t, pg.Stop())
}

func TestPostgresTellsWhatToDo(t *testing.T) {
	t.Parallel()
	t.Run("a folder of something else", func(t *testing.T) {
		t.Parallel()
		dir := folder(t)
		require.NoError(t, os.MkdirAll(dir, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "letter.txt"), []byte("Dear Jane"), 0o600))
		_, err := embedded.StartPostgres(t.Context(), embedded.PostgresConfig{Dir: dir, Log: io.Discard})
		require.ErrorContains(t, err, "move it away")
		require.FileExists(t, filepath.Join(dir, "letter.txt"))
	})
	t.Run("a damaged folder", func(t *testing.T) {
		t.Parallel()
		dir := folder(t)
		require.NoError(t, start(t, dir).Stop())
		require.NoError(t, os.Remove(filepath.Join(dir, "global", "pg_control")))
		_, err := embedded.StartPostgres(t.Context(), embedded.PostgresConfig{Dir: dir, Log: io.Discard})
		require.ErrorContains(t, err, "damaged")
	})
	t.Run("an initialisation that was interrupted", func(t *testing.T) {
		t.Parallel()
		dir := folder(t)
		require.NoError(t, os.MkdirAll(filepath.Join(dir+".new", "base"), 0o755))
		execute(t, start(t, dir), "SELECT 1")
	})
}

func TestTemporalThatEndsAtOnceIsNoticed(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("false")
	require.NoError(t, err)
	_, err = embedded.StartTemporal(t.Context(), embedded.TemporalConfig{
		Program: program, Address: "127.0.0.1:1", Log: io.Discard,
	})
	require.ErrorContains(t, err, "Temporal does not start")
}

func TestTemporalTellsOfADamagedFile(t *testing.T) {
	t.Parallel()
	program := filepath.Join(filepath.Dir(folder(t)), "temporal")
	require.NoError(t, os.WriteFile(program, []byte("#!/bin/sh\necho 'unable to create SQLite admin DB: file is not a database (26)' >&2\nexit 1\n"), 0o700))
	_, err := embedded.StartTemporal(t.Context(), embedded.TemporalConfig{
		Program: program, Address: "127.0.0.1:1", Database: "/data/temporal.db", Log: io.Discard,
	})
	require.ErrorContains(t, err, "/data/temporal.db is damaged: move it away")
}

func TestProcessIsKilledWhenItDoesNotEnd(t *testing.T) {
	t.Parallel()
	p, err := embedded.Start(exec.Command("sh", "-c", "trap '' TERM; while :; do sleep 1; done"), nil)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	require.NoError(t, p.Stop(ctx, syscall.SIGTERM))
	require.Error(t, p.Err())
}
