// Package embedded runs the machine's own Postgres and Temporal as child
// processes, for development and for tests. Production brings its own.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// Process is a child that dies with this process, however that dies.
type Process struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error
}

// A child is told of its parent's death when the thread that made it ends; so
// all children are made by one thread that never does.
var spawner = sync.OnceValue(func() chan<- func() {
	jobs := make(chan func())
	go func() {
		runtime.LockOSThread()
		for job := range jobs {
			job()
		}
	}()
	return jobs
})

// Start runs the command as a child in a process group of its own, so that a
// terminal's Ctrl-C reaches its parent alone. User, when not nil, is who the
// child runs as.
func Start(cmd *exec.Cmd, user *syscall.Credential) (*Process, error) {
	dieWithParent(cmd, user)
	p := &Process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	spawner() <- func() { started <- cmd.Start() }
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// PID is the child's process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the child has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err is how the child ended; it is to be asked after Done.
func (p *Process) Err() error { return p.err }

// Stop asks the child to end with the signal, waits until it does, and kills it
// when ctx ends first.
func (p *Process) Stop(ctx context.Context, signal os.Signal) error {
	if err := p.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal %s: %w", p.cmd.Path, err)
	}
	select {
	case <-p.done:
	case <-ctx.Done():
		_ = p.cmd.Process.Kill() // it may have ended by now
		<-p.done
	}
	return nil
}

// poll asks every 50 ms whether ready is true, until it is or ctx ends.
func poll(ctx context.Context, ready func() bool) bool {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for !ready() {
		select {
		case <-ctx.Done():
			return false
		case <-ticker.C:
		}
	}
	return true
}
