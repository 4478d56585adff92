package api

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestFreshIsNeverOlderThanTheRequest has readers and a writer: whoever asks
// after a change sees it, and far fewer queries run than requests.
func TestFreshIsNeverOlderThanTheRequest(t *testing.T) {
	t.Parallel()
	f := newFresh[[]byte]()
	var version, loads atomic.Int64
	load := func(context.Context) ([]byte, error) {
		loads.Add(1)
		return []byte(strconv.FormatInt(version.Load(), 10)), nil
	}
	var wait sync.WaitGroup
	stop := make(chan struct{})
	wait.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				version.Add(1)
			}
		}
	})
	var readers sync.WaitGroup
	for range 16 {
		readers.Go(func() {
			for range 500 {
				before := version.Load()
				body, err := f.get(context.Background(), "list", load)
				seen, parseErr := strconv.ParseInt(string(body), 10, 64)
				if err != nil || parseErr != nil || seen < before {
					t.Errorf("asked at %d, answered with %d (%v)", before, seen, err)
					return
				}
			}
		})
	}
	readers.Wait()
	close(stop)
	wait.Wait()
	require.LessOrEqual(t, loads.Load(), int64(16*500))
}

func TestFreshSharesWhatFails(t *testing.T) {
	t.Parallel()
	f := newFresh[[]byte]()
	broken := errors.New("broken")
	_, err := f.get(t.Context(), "list", func(context.Context) ([]byte, error) { return nil, broken })
	require.ErrorIs(t, err, broken)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	hung := make(chan struct{})
	defer close(hung)
	_, err = f.get(ctx, "list", func(context.Context) ([]byte, error) { <-hung; return nil, nil })
	require.ErrorIs(t, err, context.Canceled)
}

func TestFreshJoinsTheNextFlight(t *testing.T) {
	t.Parallel()
	f := newFresh[[]byte]()
	begun, release := make(chan struct{}), make(chan struct{})
	var loads atomic.Int32
	go func() {
		_, _ = f.get(context.Background(), "list", func(context.Context) ([]byte, error) {
			close(begun)
			<-release
			return []byte("old"), nil
		})
	}()
	<-begun
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			body, err := f.get(context.Background(), "list", func(context.Context) ([]byte, error) {
				loads.Add(1)
				return []byte("new"), nil
			})
			if err != nil || string(body) == "old" {
				t.Error("answered with what was asked before")
			}
		})
	}
	require.Eventually(t, func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.running["list"].next != nil
	}, testWait, testTick)
	close(release)
	wait.Wait()
}

const (
	testWait = 5 * time.Second
	testTick = time.Millisecond
)
