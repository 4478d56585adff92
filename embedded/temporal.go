package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// TemporalVersion is the version of the Temporal CLI that tools/go.mod pins,
// whose development server is used.
const TemporalVersion = "1.5.1"

// Temporal is a running development server.
type Temporal struct{ process *Process }

// TemporalConfig says where and how.
type TemporalConfig struct {
	Program          string // the Temporal CLI
	Database         string // SQLite file; "" keeps nothing
	Address          string // host:port of the frontend
	UIAddress        string // host:port of the web UI; "" has none
	SearchAttributes map[string]string
	Log              io.Writer
}

// StartTemporal starts a server and waits until it takes connections.
func StartTemporal(ctx context.Context, config TemporalConfig) (*Temporal, error) {
	host, port, err := net.SplitHostPort(config.Address)
	if err != nil {
		return nil, fmt.Errorf("TEMPORAL address %s: %w", config.Address, err)
	}
	args := []string{
		"server", "start-dev", "--ip", host, "--port", port, "--log-level", "warn",
		"--dynamic-config-value", "frontend.namespaceRPS=20000",
		"--dynamic-config-value", "frontend.rps=20000",
		"--dynamic-config-value", "frontend.enableUpdateWorkflowExecution=true",
		"--dynamic-config-value", "frontend.enableExecuteMultiOperation=true",
		"--dynamic-config-value", "history.persistenceMaxQPS=100000",
		"--dynamic-config-value", "matching.persistenceMaxQPS=100000",
	}
	if config.Database != "" {
		// Written ahead and handed to the system at each commit: a killed process
		// loses nothing, a machine that loses its power may lose its last moment.
		args = append(args, "--db-filename", config.Database,
			"--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=normal")
	}
	if config.UIAddress == "" {
		args = append(args, "--headless")
	} else {
		uiHost, uiPort, err := net.SplitHostPort(config.UIAddress)
		if err != nil {
			return nil, fmt.Errorf("TEMPORAL_UI_ADDR %s: %w", config.UIAddress, err)
		}
		args = append(args, "--ui-ip", uiHost, "--ui-port", uiPort)
	}
	for name, kind := range config.SearchAttributes {
		args = append(args, "--search-attribute", name+"="+kind)
	}
	var log tail
	cmd := exec.Command(config.Program, args...) //nolint:noctx,gosec // it outlives ctx until Stop; the program is ours
	output := io.MultiWriter(config.Log, &log)
	cmd.Stdout, cmd.Stderr = output, output
	process, err := Start(cmd, nil)
	if err != nil {
		return nil, err
	}
	t := &Temporal{process}
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	dialer := net.Dialer{Timeout: time.Second}
	up := poll(ctx, func() bool {
		select {
		case <-process.Done():
			return true
		default:
		}
		conn, err := dialer.DialContext(ctx, "tcp", config.Address)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	select {
	case <-process.Done():
		if said := string(log.text); strings.Contains(said, "file is not a database") || strings.Contains(said, "image is malformed") {
			return nil, fmt.Errorf("Temporal's file %s is damaged: move it away and start again; broadcasts and orders that were under way go on when something is heard of them", config.Database) //nolint:staticcheck // a name
		}
		return nil, fmt.Errorf("Temporal does not start: %s", lastLine(string(log.text))) //nolint:staticcheck // a name
	default:
	}
	if !up {
		return nil, errors.Join(fmt.Errorf("Temporal does not answer at %s after %s", config.Address, startPatience), t.Stop()) //nolint:staticcheck // a name
	}
	return t, nil
}

// Process is the server's process.
func (t *Temporal) Process() *Process { return t.process }

// Stop ends the server.
func (t *Temporal) Stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopPatience)
	defer cancel()
	return t.process.Stop(ctx, syscall.SIGINT)
}

// TemporalProgram is the Temporal CLI: the one on PATH if it is new enough, or
// one built from the pinned source and kept in the user's cache. Building takes
// minutes, once; progress is told to say. Source is the folder of tools/go.mod,
// "" when this is not run from a checkout.
func TemporalProgram(ctx context.Context, source string, say func(string)) (string, error) {
	if path, err := exec.LookPath("temporal"); err == nil && newEnough(ctx, path) {
		return path, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache folder: %w", err)
	}
	program := filepath.Join(cache, "byeolshow", "temporal-"+TemporalVersion)
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}
	if _, err := os.Stat(filepath.Join(source, "go.mod")); source == "" || err != nil {
		return "", errors.New("there is no Temporal on this machine: put its CLI (" + TemporalVersion + " or newer) on PATH, or set TEMPORAL_ADDRESS to a server elsewhere")
	}
	return program, build(ctx, source, program, say)
}

func build(ctx context.Context, source, program string, say func(string)) error {
	if err := os.MkdirAll(filepath.Dir(program), 0o750); err != nil {
		return fmt.Errorf("make the cache folder: %w", err)
	}
	partial := fmt.Sprintf("%s.%d", program, os.Getpid())
	defer func() { _ = os.Remove(partial) }()
	cmd := exec.CommandContext(ctx, "go", "build", "-o", partial, "github.com/temporalio/cli/cmd/temporal") //nolint:gosec // ours
	cmd.Dir = source
	var log tail
	cmd.Stdout, cmd.Stderr = &log, &log
	began := time.Now()
	say("building Temporal " + TemporalVersion + " once; this takes some minutes")
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("build Temporal: %w", err)
	}
	built := make(chan error, 1)
	go func() { built <- cmd.Wait() }()
	progress := time.NewTicker(15 * time.Second)
	defer progress.Stop()
	for {
		select {
		case err := <-built:
			if err != nil {
				return fmt.Errorf("Temporal could not be built: %s", lastLine(string(log.text))) //nolint:staticcheck // a name
			}
			say("built Temporal in " + time.Since(began).Round(time.Second).String())
			return os.Rename(partial, program)
		case <-progress.C:
			say("still building Temporal, " + time.Since(began).Round(time.Second).String())
		}
	}
}

func newEnough(ctx context.Context, path string) bool {
	output, err := exec.CommandContext(ctx, path, "--version").Output() //nolint:gosec // found on PATH
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(output), "version ")
	word, _, _ := strings.Cut(rest, " ")
	return compareVersions(word, TemporalVersion) >= 0
}

func compareVersions(a, b string) int {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range bs {
		var x, y int
		if i < len(as) {
			x, _ = strconv.Atoi(as[i]) // no number is 0
		}
		y, _ = strconv.Atoi(bs[i])
		if x != y {
			return x - y
		}
	}
	return 0
}
