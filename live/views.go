package live

import (
	"context"
	"sync"
	"time"

	"github.com/byeolshow/byeolshow/store"
)

// views counts who watches what, in batches. What a killed process had not
// written is counted when the viewer comes again.
type views struct {
	store     *store.Store
	perMinute int // new viewers known by a cookie only, per address

	mu      sync.Mutex
	pending map[store.Viewer]string // the address of those who are limited, else ""

	window time.Time
	spent  map[string]int // in the window, by address; of flush alone
}

func newViews(s *store.Store, perMinute int) *views {
	return &views{store: s, perMinute: perMinute, pending: map[store.Viewer]string{}}
}

// saw notes a viewer. Address limits how many new ones it brings; "" does not.
func (v *views) saw(viewer store.Viewer, address string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.pending[viewer] = address
}

// flush writes the viewers noted since the last one: two statements, however
// many there are.
func (v *views) flush(ctx context.Context) error {
	v.mu.Lock()
	batch := v.pending
	v.pending = map[store.Viewer]string{}
	v.mu.Unlock()
	if len(batch) == 0 {
		return nil
	}
	seen := make([]store.Viewer, 0, len(batch))
	for viewer := range batch {
		seen = append(seen, viewer)
	}
	fresh, err := v.store.NewViewers(ctx, seen)
	if err == nil && len(fresh) > 0 {
		admitted, spending := v.admit(fresh, batch)
		if err = v.store.CountViewers(ctx, admitted); err == nil {
			for address, n := range spending {
				v.spent[address] += n
			}
		}
	}
	if err == nil {
		return nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for viewer, address := range batch {
		v.pending[viewer] = address
	}
	return err
}

// admit leaves out the viewers of addresses that bring too many, and tells how
// many of the others each address brings.
func (v *views) admit(fresh []store.Viewer, batch map[store.Viewer]string) (admitted []store.Viewer, spending map[string]int) {
	if now := time.Now(); now.Sub(v.window) >= time.Minute {
		v.window, v.spent = now, map[string]int{}
	}
	spending = map[string]int{}
	for _, viewer := range fresh {
		if address := batch[viewer]; address != "" {
			if v.spent[address]+spending[address] >= v.perMinute {
				continue
			}
			spending[address]++
		}
		admitted = append(admitted, viewer)
	}
	return admitted, spending
}
