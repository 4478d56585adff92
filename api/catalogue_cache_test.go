package api

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byeolshow/byeolshow/clients/clayful"
)

// clock is a time that only moves when it is told to.
type clock struct{ nanos atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.nanos.Store(time.Date(2026, 3, 5, 10, 0, 0, 0, time.UTC).UnixNano())
	return c
}

func (c *clock) now() time.Time       { return time.Unix(0, c.nanos.Load()) }
func (c *clock) pass(d time.Duration) { c.nanos.Add(int64(d)) }

var errDown = &clayful.Error{Status: 503}

func TestCatalogueGoesOnWhileTheShopIsDown(t *testing.T) {
	t.Parallel()
	at := newClock()
	c := newCatalogue(at.now)
	var err error
	loads := 0
	get := func() (string, time.Duration, error) {
		body, age, err := c.get(t.Context(), "a", func(context.Context) (any, error) { loads++; return loads, err })
		return string(body), age, err
	}
	err = errDown
	_, _, got := get()
	require.ErrorIs(t, got, err, "there was no answer yet")
	err = nil
	body, _, got := get()
	require.NoError(t, got)
	require.Equal(t, "2", body)

	err = errDown
	at.pass(catalogueFresh)
	body, age, got := get()
	require.NoError(t, got)
	require.Equal(t, "2", body)
	require.Equal(t, catalogueFresh, age)
	at.pass(catalogueStale - catalogueFresh - time.Second)
	body, age, got = get()
	require.NoError(t, got)
	require.Equal(t, "2", body)
	require.Equal(t, catalogueStale-time.Second, age)
	at.pass(time.Second)
	_, _, got = get()
	require.ErrorIs(t, got, errDown, "too old")

	err = nil
	body, age, got = get()
	require.NoError(t, got)
	require.Zero(t, age)
	require.Equal(t, "6", body, "each was asked")
}

func TestCatalogueRemembersNoRefusal(t *testing.T) {
	t.Parallel()
	at := newClock()
	c := newCatalogue(at.now)
	for _, refused := range []error{&clayful.Error{Status: 404, Code: "not-existing-product"}, errors.New("our own fault")} {
		var err error
		loads := 0
		load := func(context.Context) (any, error) { loads++; return loads, err }
		_, _, got := c.get(t.Context(), refused.Error(), load)
		require.NoError(t, got)
		at.pass(catalogueFresh)
		err = refused
		for range 2 {
			_, _, got = c.get(t.Context(), refused.Error(), load)
			require.ErrorIs(t, got, refused, "no stale answer either")
		}
		require.Equal(t, 3, loads)
	}
}

func TestCatalogueFliesOnceForAll(t *testing.T) {
	t.Parallel()
	c := newCatalogue(newClock().now)
	var loads atomic.Int32
	begun, release := make(chan struct{}), make(chan struct{})
	load := func(ctx context.Context) (any, error) {
		loads.Add(1)
		close(begun)
		<-release
		return "shared", ctx.Err()
	}
	first, leave := context.WithCancel(context.Background())
	left := make(chan error)
	go func() {
		_, _, err := c.get(first, "a", load)
		left <- err
	}()
	<-begun
	var wait sync.WaitGroup
	for range 50 {
		wait.Go(func() {
			body, _, err := c.get(context.Background(), "a", load)
			if err != nil || string(body) != `"shared"` {
				t.Errorf("%s, %v", body, err)
			}
		})
	}
	leave()
	require.ErrorIs(t, <-left, context.Canceled, "who leaves does not wait")
	close(release)
	wait.Wait()
	require.EqualValues(t, 1, loads.Load(), "and takes nobody along")
}

func TestCatalogueIsBounded(t *testing.T) {
	t.Parallel()
	c := newCatalogue(newClock().now)
	fill := func(key string, size int) {
		_, _, err := c.get(t.Context(), key, func(context.Context) (any, error) { return strings.Repeat("x", size), nil })
		require.NoError(t, err)
	}
	for i := range catalogueEntries + 10 {
		fill("small"+strconv.Itoa(i), 1)
	}
	require.Equal(t, catalogueEntries, c.known.Len())
	held := func() int {
		bytes := 0
		for _, key := range c.known.Keys() {
			known, _ := c.known.Peek(key)
			bytes += len(key) + len(known.body)
		}
		return bytes
	}
	for i := range 20 {
		fill("large"+strconv.Itoa(i), 8<<20)
		require.LessOrEqual(t, held(), catalogueBytes)
		require.EqualValues(t, held(), c.held.Load())
	}
	require.Equal(t, 7, c.known.Len(), "the newest")
	fill(strings.Repeat("k", catalogueBytes), 1)
	require.Zero(t, c.known.Len())
	require.Zero(t, c.held.Load())
}
