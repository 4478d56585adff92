package api

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"

	"github.com/byeolshow/byeolshow/clients/clayful"
)

const (
	catalogueFresh   = 5 * time.Second // how long an answer is believed
	catalogueStale   = 5 * time.Minute // how long it is given while the shop is down
	catalogueEntries = 2000
	catalogueBytes   = 64 << 20 // of keys and bodies
	catalogueFlight  = 15 * time.Second
)

// catalogue remembers public answers made of the shop's documents. Who asks at
// the same time waits for the same flight; while the shop is down the last good
// answer goes on.
type catalogue struct {
	now     func() time.Time
	flights singleflight.Group
	known   *lru.Cache[string, catalogued]
	held    atomic.Int64 // bytes of known
}

type catalogued struct {
	body []byte
	at   time.Time
}

func newCatalogue(now func() time.Time) *catalogue {
	c := &catalogue{now: now}
	known, err := lru.NewWithEvict(catalogueEntries, func(key string, gone catalogued) { c.held.Add(-size(key, gone)) })
	if err != nil {
		panic(err) // the size is right
	}
	c.known = known
	return c
}

func size(key string, entry catalogued) int64 { return int64(len(key) + len(entry.body)) }

// keep remembers an answer, and forgets the oldest while all are too much. Of a
// key there is one flight, so that nobody else keeps the same one meanwhile.
func (c *catalogue) keep(key string, entry catalogued) {
	c.known.Remove(key)
	c.held.Add(size(key, entry))
	c.known.Add(key, entry)
	for c.held.Load() > catalogueBytes {
		if _, _, ok := c.known.RemoveOldest(); !ok {
			return
		}
	}
}

func (c *catalogue) fresh(key string) ([]byte, bool) {
	known, ok := c.known.Get(key)
	return known.body, ok && c.now().Sub(known.at) < catalogueFresh
}

// get answers a body and its age, which is zero while it is fresh.
func (c *catalogue) get(ctx context.Context, key string, load func(context.Context) (any, error)) ([]byte, time.Duration, error) {
	if body, ok := c.fresh(key); ok {
		return body, 0, nil
	}
	flight := c.flights.DoChan(key, func() (landed any, err error) {
		defer func() { // it is nobody's request, so nobody else would catch it
			if cause := recover(); cause != nil {
				err = fmt.Errorf("panic: %v", cause)
			}
		}()
		if body, ok := c.fresh(key); ok { // the last flight landed just now
			return body, nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), catalogueFlight)
		defer cancel()
		at := c.now()
		found, err := load(ctx)
		if err != nil {
			return nil, err
		}
		body, err := encode(found)
		if err != nil {
			return nil, err
		}
		c.keep(key, catalogued{body, at})
		return body, nil
	})
	select {
	case <-ctx.Done():
		return nil, 0, ctx.Err()
	case result := <-flight:
		if result.Err == nil {
			return result.Val.([]byte), 0, nil
		}
		known, ok := c.known.Get(key)
		if age := c.now().Sub(known.at); ok && age < catalogueStale && clayful.IsUnavailable(result.Err) {
			return known.body, max(age, time.Second), nil
		}
		return nil, 0, result.Err
	}
}

// public answers a public read of the shop. One that is older than it should be
// says so.
func (a *api) public(w http.ResponseWriter, r *http.Request, key string, load func(context.Context) (any, error)) error {
	body, age, err := a.catalogue.get(r.Context(), key, load)
	if err != nil {
		return err
	}
	if age > 0 {
		w.Header().Set("Age", strconv.Itoa(int(age.Seconds())))
		w.Header().Set("Warning", `110 - "Response is Stale"`)
	}
	write(w, http.StatusOK, body)
	return nil
}
