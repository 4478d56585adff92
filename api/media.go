package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"

	"github.com/byeolshow/byeolshow/model"
)

func (a *api) mediaRoutes(r chi.Router) {
	r.Get("/media/schedule/today/live", a.wrapped(a.liveNow))
	r.Get("/media/schedule/today/ready", a.wrapped(a.readyToday))
	r.Get("/media/schedule/future", a.wrapped(a.readyLater))
	r.Get("/media/schedule/ready", a.wrapped(a.allReady))
	r.Get("/media/hot", a.wrapped(a.hot))
	r.Get("/media/related", a.wrapped(a.related))
	r.Get("/media/get", a.wrapped(a.getMedia))
}

// todayShown is how many of today's reservations are listed.
const todayShown = 10

// list answers a list, shared with everybody who asks for the same at the moment.
func (a *api) list(w http.ResponseWriter, r *http.Request, key string, load func(context.Context) (any, error)) error {
	return a.shared(w, r, key, func(ctx context.Context) ([]byte, error) {
		list, err := load(ctx)
		if err != nil {
			return nil, err
		}
		return encode(list)
	})
}

// shared answers a body, which everybody who asks for it at the moment shares.
func (a *api) shared(w http.ResponseWriter, r *http.Request, key string, load func(context.Context) ([]byte, error)) error {
	body, err := a.lists.get(r.Context(), key, load)
	if err != nil {
		return err
	}
	write(w, http.StatusOK, body)
	return nil
}

func (a *api) liveNow(w http.ResponseWriter, r *http.Request) error {
	return a.list(w, r, "today/live", func(ctx context.Context) (any, error) {
		list, err := a.Store.LiveNow(ctx)
		return clientViews(list), err
	})
}

func (a *api) readyToday(w http.ResponseWriter, r *http.Request) error {
	return a.list(w, r, "today/ready", func(ctx context.Context) (any, error) {
		now := a.Now()
		list, err := a.Store.ReadyBetween(ctx, now, model.Tomorrow(now), todayShown)
		return clientViews(list), err
	})
}

func (a *api) readyLater(w http.ResponseWriter, r *http.Request) error {
	return a.list(w, r, "future", func(ctx context.Context) (any, error) {
		list, err := a.Store.ReadySince(ctx, model.Tomorrow(a.Now()))
		return map[string]any{"success": map[string]any{"live_list": clientViews(list)}}, err
	})
}

// readyList is the answer with all reservations, as they were in a version. The
// flight that makes the answer alone touches it, of which there is one at a time.
type readyList struct {
	version string
	body    []byte
}

func (a *api) allReady(w http.ResponseWriter, r *http.Request) error {
	return a.shared(w, r, "ready", func(ctx context.Context) ([]byte, error) {
		version, err := a.Store.ReadyVersion(ctx)
		if err != nil {
			return nil, err
		}
		if version == a.ready.version {
			return a.ready.body, nil
		}
		list, err := a.Store.AllReady(ctx)
		if err != nil {
			return nil, err
		}
		body, err := encode(clientViews(list))
		if err != nil {
			return nil, err
		}
		a.ready = readyList{version, body}
		return body, nil
	})
}

func (a *api) hot(w http.ResponseWriter, r *http.Request) error {
	return a.list(w, r, "hot", func(ctx context.Context) (any, error) {
		list, err := a.Store.Hot(ctx)
		return clientViews(list), err
	})
}

// getMedia is one broadcast in any status, with its products as the shop shows
// them.
func (a *api) getMedia(w http.ResponseWriter, r *http.Request) error {
	text, err := query(r, "media_id")
	if err != nil {
		return err
	}
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return bad("media_id is no number")
	}
	b, err := a.Store.Broadcast(r.Context(), id)
	if err != nil {
		return err
	}
	if b.DeletedAt != nil {
		return model.ErrNoBroadcast
	}
	products, err := a.Clayful.Products(r.Context(), b.ProductList)
	if err != nil {
		return err
	}
	return success(w, http.StatusOK, struct {
		clientMedia

		ProductList []json.RawMessage `json:"product_list"`
	}{clientView(b), products})
}
