package embedded

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// Postgres is a running server with a database named byeolshow.
type Postgres struct {
	process *Process
	socket  string
}

// PostgresConfig says where and how.
type PostgresConfig struct {
	Dir string    // data folder, made when absent
	Log io.Writer // the server's log
	// Repository is where Postgres is downloaded from, "" for Maven Central.
	Repository string
	// Say is told of a download, which happens on a machine without Postgres;
	// nil is told nothing.
	Say func(string)
	// Forgetful gives up durability for speed: for tests.
	Forgetful bool
}

const (
	databaseUser  = "byeolshow"
	startPatience = time.Minute
	stopPatience  = 20 * time.Second
)

// StartPostgres starts a server on the data folder. It listens on a unix socket
// only. Errors are sentences for the person at the terminal.
func StartPostgres(ctx context.Context, config PostgresConfig) (*Postgres, error) {
	dir, err := filepath.Abs(config.Dir)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", config.Dir, err)
	}
	bin, err := postgresPrograms(ctx, config, dir+".programs")
	if err != nil {
		return nil, err
	}
	as, err := unprivileged()
	if err != nil {
		return nil, err
	}
	if err := stopOrphan(ctx, dir); err != nil {
		return nil, err
	}
	if err := initialise(ctx, bin, dir, as); err != nil {
		return nil, err
	}
	socket, err := socketFolder(dir, as)
	if err != nil {
		return nil, err
	}
	args := []string{"-D", dir, "-k", socket, "-c", "listen_addresses=", "-c", "max_connections=200", "-c", "shared_buffers=128MB"}
	if config.Forgetful {
		args = append(args, "-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")
	}
	var log tail
	cmd := exec.Command(filepath.Join(bin, "postgres"), args...) //nolint:noctx,gosec // it outlives ctx until Stop; the machine's own program
	output := io.MultiWriter(config.Log, &log)
	cmd.Stdout, cmd.Stderr = output, output
	cmd.Dir = socket
	process, err := Start(cmd, as)
	if err != nil {
		return nil, err
	}
	p := &Postgres{process: process, socket: socket}
	if err := p.await(ctx, dir, &log); err != nil {
		stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopPatience)
		defer cancel()
		return nil, errors.Join(err, process.Stop(stopCtx, syscall.SIGQUIT))
	}
	return p, nil
}

// URL is the address of the named database.
func (p *Postgres) URL(database string) string {
	return fmt.Sprintf("postgres://%s@/%s?host=%s", databaseUser, database, p.socket)
}

// Process is the server's process.
func (p *Postgres) Process() *Process { return p.process }

// Stop ends the server; what was committed stays.
func (p *Postgres) Stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopPatience)
	defer cancel()
	return p.process.Stop(ctx, syscall.SIGINT)
}

func (p *Postgres) await(ctx context.Context, dir string, log *tail) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	up := poll(ctx, func() bool {
		select {
		case <-p.process.Done():
			return true
		default:
		}
		conn, err := pgx.Connect(ctx, p.URL("postgres"))
		if err != nil {
			return false
		}
		defer func() { _ = conn.Close(ctx) }()
		_, err = conn.Exec(ctx, "CREATE DATABASE "+databaseUser)
		return err == nil || strings.Contains(err.Error(), "already exists")
	})
	select {
	case <-p.process.Done():
		return fmt.Errorf("Postgres does not start on %s: %s. If the folder is damaged, move it away (its data with it) and start again", dir, log.lastError()) //nolint:staticcheck // a name
	default:
	}
	if !up {
		return fmt.Errorf("Postgres on %s is not ready after %s: see its log", dir, startPatience) //nolint:staticcheck // a name
	}
	return nil
}

// postgresPrograms is the folder of initdb and postgres: on PATH, or where
// Debian keeps them, the newest first, or else downloaded.
func postgresPrograms(ctx context.Context, config PostgresConfig, downloads string) (string, error) {
	var folders []string
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			folders = append(folders, filepath.Dir(path))
		}
	}
	debian, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // the pattern is right
	slices.SortFunc(debian, func(a, b string) int { return version(b) - version(a) })
	for _, folder := range append(folders, debian...) {
		if hasPostgres(folder) {
			return folder, nil
		}
	}
	say := config.Say
	if say == nil {
		say = func(string) {}
	}
	return DownloadPostgres(ctx, downloads, config.Repository, say)
}

func version(folder string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(folder))) // no number sorts last
	return n
}

// unprivileged is who Postgres runs as when we are root, which it refuses to be.
func unprivileged() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		account, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(account.Uid, 10, 32)
		if err != nil {
			continue
		}
		gid, err := strconv.ParseUint(account.Gid, 10, 32)
		if err != nil {
			continue
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("Postgres does not run as root, and there is no user postgres or nobody to run it as: start as another user") //nolint:staticcheck // a name
}

func own(path string, as *syscall.Credential) error {
	if as == nil {
		return nil
	}
	return os.Chown(path, int(as.Uid), int(as.Gid))
}

// initialise makes the data folder, wholly or not at all.
func initialise(ctx context.Context, bin, dir string, as *syscall.Credential) error {
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		if _, err := os.Stat(filepath.Join(dir, "PG_VERSION")); err != nil {
			return fmt.Errorf("%s is no Postgres data folder: move it away and start again, or set DATA_DIR to another", dir)
		}
		return nil
	}
	fresh := dir + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return fmt.Errorf("clear %s: %w", fresh, err)
	}
	if err := os.MkdirAll(fresh, 0o700); err != nil {
		return fmt.Errorf("make %s: %w", fresh, err)
	}
	if err := own(fresh, as); err != nil {
		return fmt.Errorf("hand over %s: %w", fresh, err)
	}
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), //nolint:gosec // the machine's own program
		"-D", fresh, "-U", databaseUser, "--auth=trust", "--encoding=UTF8", "--locale=C")
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	if output, err := cmd.CombinedOutput(); err != nil {
		if strings.Contains(string(output), "Permission denied") && as != nil {
			return fmt.Errorf("Postgres, which does not run as root, cannot reach %s: set DATA_DIR to a folder every user can reach, such as /var/lib/byeolshow", dir) //nolint:staticcheck // a name
		}
		log := tail{output}
		return fmt.Errorf("initdb of %s failed: %s", dir, log.lastError())
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("replace %s: %w", dir, err)
	}
	return os.Rename(fresh, dir)
}

// socketFolder is a short path (a socket's is limited to 107 bytes) that
// nobody else can enter.
func socketFolder(dir string, as *syscall.Credential) (string, error) {
	sum := sha256.Sum256([]byte(dir))
	folder := filepath.Join(os.TempDir(), "byeolshow-"+hex.EncodeToString(sum[:6]))
	if len(folder) > 80 {
		folder = filepath.Join("/tmp", filepath.Base(folder))
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", fmt.Errorf("make %s: %w", folder, err)
	}
	if err := own(folder, as); err != nil {
		return "", fmt.Errorf("hand over %s: %w", folder, err)
	}
	return folder, nil
}

// stopOrphan ends a server that a killed parent left on the folder.
func stopOrphan(ctx context.Context, dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, "postmaster.pid")) //nolint:gosec // our own folder
	if err != nil {
		return nil //nolint:nilerr // no pid file, no orphan
	}
	line, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || !isPostgres(pid, dir) {
		return nil //nolint:nilerr // a stale file; Postgres clears it
	}
	ctx, cancel := context.WithTimeout(ctx, stopPatience)
	defer cancel()
	_ = syscall.Kill(pid, syscall.SIGINT) // it may be ending already
	if !poll(ctx, func() bool { return syscall.Kill(pid, 0) != nil }) {
		return fmt.Errorf("another Postgres (process %d) uses %s and does not end: end it and start again", pid, dir)
	}
	return nil
}

// isPostgres tells whether the process is a Postgres on the folder, or one that
// has been killed and is not gone yet, whose command line is empty: a new server
// takes it for a running one. The number may be another's since the machine
// started.
func isPostgres(pid int, dir string) bool {
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil || !strings.HasPrefix(string(name), "postgres") {
		return false
	}
	command, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return err == nil && (len(command) == 0 || slices.Contains(strings.Split(string(command), "\x00"), dir))
}

// tail keeps the end of a log.
type tail struct{ text []byte }

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.text = append(t.text, p...)
	if len(t.text) > 4096 {
		t.text = t.text[len(t.text)-4096:]
	}
	return len(p), nil
}

func (t *tail) lastError() string {
	lines := strings.Split(string(t.text), "\n")
	for _, line := range slices.Backward(lines) {
		if _, message, found := strings.Cut(line, "FATAL:"); found {
			return strings.TrimSpace(message)
		}
	}
	return lastLine(string(t.text))
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}
