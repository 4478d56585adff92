package embedded

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

// postgresDownloaded is the version that is fetched where there is none.
const postgresDownloaded = embeddedpostgres.V18

// DownloadPostgres fetches Postgres's programs from a Maven repository ("" is
// Maven Central) into a folder, unless they are there, and answers the folder
// of initdb and postgres. Progress is told to say.
func DownloadPostgres(ctx context.Context, folder, repository string, say func(string)) (string, error) {
	bin := filepath.Join(folder, "bin")
	if hasPostgres(bin) {
		return bin, nil
	}
	port, err := freePort(ctx)
	if err != nil {
		return "", err
	}
	config := embeddedpostgres.DefaultConfig().Version(postgresDownloaded).Logger(io.Discard).Port(port).
		CachePath(folder + ".cache").BinariesPath(folder).RuntimePath(folder + ".try")
	if repository != "" {
		config = config.BinaryRepositoryURL(repository)
	}
	defer func() {
		_ = os.RemoveAll(folder + ".cache")
		_ = os.RemoveAll(folder + ".try")
	}()
	say("there is no Postgres on this machine: downloading version " + string(postgresDownloaded) + ", once")
	began := time.Now()
	ended := make(chan error, 1)
	go func() {
		// The library fetches as part of starting a server of its own, which is
		// not needed and cannot start as root.
		trial := embeddedpostgres.NewDatabase(config)
		err := trial.Start()
		if err == nil {
			err = trial.Stop()
		}
		ended <- err
	}()
	progress := time.NewTicker(5 * time.Second)
	defer progress.Stop()
	for {
		select {
		case err := <-ended:
			if !hasPostgres(bin) {
				return "", fmt.Errorf("there is no Postgres on this machine and it cannot be downloaded (%w): install it (Debian: apt-get install postgresql), or set DATABASE_URL to one elsewhere", err)
			}
			say("downloaded Postgres in " + time.Since(began).Round(time.Second).String())
			return bin, nil
		case <-progress.C:
			say("still downloading Postgres, " + time.Since(began).Round(time.Second).String())
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

func freePort(ctx context.Context) (uint32, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = listener.Close() }()
	return uint32(listener.Addr().(*net.TCPAddr).Port), nil //nolint:gosec,errcheck // a TCP port
}

// hasPostgres tells whether a folder holds the programs.
func hasPostgres(bin string) bool {
	for _, program := range []string{"initdb", "postgres"} {
		if _, err := os.Stat(filepath.Join(bin, program)); err != nil {
			return false
		}
	}
	return true
}
