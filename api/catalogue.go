package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"

	"github.com/byeolshow/byeolshow/clients/clayful"
)

const (
	catalogueFresh   = 5 * time.Second // how long an answer is believed
	catalogueStale   = 5 * time.Minute // how long it is given while the shop is down
	catalogueEntries = 2000
	catalogueFlight  = 15 * time.Second
)

// catalogue remembers public answers made of the shop's documents. Who asks at
// the same time waits for the same flight; while the shop is down the last good
// answer goes on.
type catalogue struct {
	now     func() time.Time
	flights singleflight.Group
	known   *lru.Cache[string, catalogued]
}

type catalogued struct {
	body []byte
	at   time.Time
}

func newCatalogue(now func() time.Time) *catalogue {
	known, err := lru.New[string, catalogued](catalogueEntries)
	if err != nil {
		panic(err) // the size is right
	}
	return &catalogue{now: now, known: known}
}

// get answers a body and its age, which is zero while it is fresh.
func (c *catalogue) get(ctx context.Context, key string, load func(context.Context) (any, error)) ([]byte, time.Duration, error) {
	if known, ok := c.known.Get(key); ok && c.now().Sub(known.at) < catalogueFresh {
		return known.body, 0, nil
	}
	flight := c.flights.DoChan(key, func() (any, error) {
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
		c.known.Add(key, catalogued{body, at})
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
