package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"
	"golang.org/x/sync/singleflight"

	"github.com/byeolshow/byeolshow/clients/clayful"
	"github.com/byeolshow/byeolshow/clients/mux"
)

// Fields of a customer's meta that hold their Mux stream. Together they are a
// secret.
const (
	metaStreamID  = "Stream_id"
	metaStreamKey = "Stream_key"
	metaStreamURL = "Stream_url" // a playback id
)

func (a *api) influencerRoutes(r chi.Router) {
	r.With(a.seller).Get("/influencer/streamkey", a.wrapped(a.streamKey))
	r.With(a.seller).Get("/influencer/reset", a.wrapped(a.resetStreamKey))
	r.With(a.seller).Post("/influencer/update", a.wrapped(a.updateInfluencer))
	r.With(a.seller).Get("/influencer/myreadyvod", a.wrapped(a.ownReady))
	r.Get("/influencer/myvod", a.wrapped(a.shownBy))
	r.Get("/influencer/myproduct", a.wrapped(a.soldByInfluencer))
	r.Get("/influencer/info", a.wrapped(a.influencerInfo))
	r.Get("/influencer/list/live", a.wrapped(a.liveInfluencers))
	r.Get("/influencer/list/{sort_by}", a.wrapped(a.listInfluencers))
}

type streamKeyView struct {
	Message string `json:"message,omitempty"`
	Key     string `json:"Stream_key"`
	URL     string `json:"Stream_url"`
	ID      string `json:"Stream_id"`
}

// streamKey is the seller's stream at Mux, made on the first call.
func (a *api) streamKey(w http.ResponseWriter, r *http.Request) error {
	var view streamKeyView
	err := a.exclusively(r.Context(), "stream/"+caller(r).ID, func(ctx context.Context) error {
		seller, err := a.Clayful.Customer(ctx, caller(r).ID)
		if err != nil {
			return err
		}
		if view = streamOf(seller); view.ID != "" && view.Key != "" {
			return nil
		}
		view, err = a.createStream(ctx, seller.ID)
		return err
	})
	if err != nil {
		return err
	}
	return success(w, http.StatusOK, view)
}

// createStream makes the seller's stream. Once it is begun it is finished, even
// if the seller has hung up, or undone, if the shop tells that it does not have
// it.
func (a *api) createStream(ctx context.Context, sellerID string) (streamKeyView, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	stream, err := a.Mux.CreateLiveStream(ctx)
	if err != nil {
		return streamKeyView{}, fmt.Errorf("%w: %w", errMux, err)
	}
	absent, err := a.storeStream(ctx, sellerID, stream)
	switch {
	case err == nil:
		return streamKeyView{Key: stream.StreamKey, URL: stream.PlaybackID, ID: stream.ID}, nil
	case !absent:
		a.Logger.ErrorContext(ctx, "a stream that may be nobody's is left at Mux", "stream", stream.ID, "customer", sellerID, "error", err)
	default:
		if undo := a.Mux.DeleteLiveStream(ctx, stream.ID); undo != nil {
			a.Logger.ErrorContext(ctx, "a stream nobody owns is left at Mux", "stream", stream.ID, "error", undo)
		}
	}
	return streamKeyView{}, err
}

// storeStream has the shop keep the seller's stream. After a failure absent
// tells that the shop, asked, does not have it.
func (a *api) storeStream(ctx context.Context, sellerID string, stream mux.LiveStream) (absent bool, err error) {
	defer a.sessions.forget(ctx, sellerID)
	err = a.Clayful.UpdateCustomer(ctx, sellerID, map[string]any{"meta": map[string]string{
		metaStreamID: stream.ID, metaStreamKey: stream.StreamKey, metaStreamURL: stream.PlaybackID,
	}})
	if err == nil {
		return false, nil
	}
	seller, unread := a.Clayful.Customer(ctx, sellerID)
	if unread != nil {
		return false, errors.Join(err, unread)
	}
	if stored := streamOf(seller); stored.ID == stream.ID && stored.Key == stream.StreamKey {
		return false, nil
	}
	return true, err
}

func streamOf(seller *clayful.Customer) streamKeyView {
	return streamKeyView{
		Key: seller.MetaString(metaStreamKey), URL: seller.MetaString(metaStreamURL), ID: seller.MetaString(metaStreamID),
	}
}

// resetStreamKey gives the seller's stream a new key. A stream that Mux does not
// have any more is replaced, for what is reserved as well.
func (a *api) resetStreamKey(w http.ResponseWriter, r *http.Request) error {
	var view streamKeyView
	err := a.exclusively(r.Context(), "stream/"+caller(r).ID, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
		defer cancel()
		seller, err := a.Clayful.Customer(ctx, caller(r).ID)
		if err != nil {
			return err
		}
		if view = streamOf(seller); view.ID == "" {
			return refuse(http.StatusBadRequest, "발급된 스트림 키가 없습니다")
		}
		stream, err := a.Mux.ResetStreamKey(ctx, view.ID)
		switch {
		case errors.Is(err, mux.ErrNotFound):
			view, err = a.createStream(ctx, seller.ID)
		case err != nil:
			err = fmt.Errorf("%w: %w", errMux, err)
		default:
			stream.ID, stream.PlaybackID = view.ID, view.URL
			view.Key = stream.StreamKey
			_, err = a.storeStream(ctx, seller.ID, stream)
		}
		if err != nil {
			return err
		}
		view.Message = "스트림 키가 재발급되었습니다"
		return a.Store.MoveToStream(ctx, seller.ID, view.ID, view.URL)
	})
	if err != nil {
		return err
	}
	return success(w, http.StatusOK, view)
}

func (a *api) updateInfluencer(w http.ResponseWriter, r *http.Request) error {
	var change struct {
		Description given[string]   `json:"description"`
		Tag         given[[]string] `json:"tag"`
		Youtube     given[string]   `json:"youtube"`
		Instagram   given[string]   `json:"instagram"`
	}
	if err := decode(r, &change); err != nil {
		return err
	}
	meta := map[string]any{}
	if change.Tag.is {
		meta["tag"] = change.Tag.value
	}
	for field, text := range map[string]given[string]{
		"description": change.Description, "youtube": change.Youtube, "instagram": change.Instagram,
	} {
		if text.is {
			meta[field] = text.value
		}
	}
	if len(meta) > 0 {
		err := a.Clayful.UpdateCustomer(r.Context(), caller(r).ID, map[string]any{"meta": meta})
		a.sessions.forget(r.Context(), caller(r).ID) // it may have been changed all the same
		a.influencers.forget()
		if err != nil {
			return err
		}
	}
	return done(w, http.StatusAccepted, "변경되었습니다")
}

func (a *api) ownReady(w http.ResponseWriter, r *http.Request) error {
	list, err := a.Store.ReadyBy(r.Context(), caller(r).ID)
	if err != nil {
		return err
	}
	return success(w, http.StatusOK, map[string]any{"message": "조회되었습니다", "data": clientViews(list)})
}

func (a *api) shownBy(w http.ResponseWriter, r *http.Request) error {
	id, err := query(r, "influencer_id")
	if err != nil {
		return err
	}
	list, err := a.Store.ShownBy(r.Context(), id)
	if err != nil {
		return err
	}
	return success(w, http.StatusOK, map[string]any{"message": "조회되었습니다", "data": clientViews(list)})
}

func (a *api) liveInfluencers(w http.ResponseWriter, r *http.Request) error {
	return a.list(w, r, "influencer/live", func(ctx context.Context) (any, error) {
		list, err := a.Store.LivePerInfluencer(ctx)
		return map[string]any{"success": map[string]any{"Influencer_List": clientViews(list)}}, err
	})
}

// influencerView is an influencer as everybody may see them.
type influencerView struct {
	ID           string          `json:"_id"`
	Alias        *string         `json:"alias"`
	Avatar       *string         `json:"avatar"`
	Country      json.RawMessage `json:"country"`
	Language     json.RawMessage `json:"language"`
	Currency     json.RawMessage `json:"currency"`
	Timezone     json.RawMessage `json:"timezone"`
	Social       []socialView    `json:"social"`
	Follower     int             `json:"Follower"`
	Description  *string         `json:"description"`
	Tag          []string        `json:"tag"`
	ThumbnailURL *string         `json:"thumbnail_url"`
}

type socialView struct {
	Vendor string `json:"vendor"`
}

func viewInfluencer(c *clayful.Customer) influencerView {
	view := influencerView{
		ID: c.ID, Alias: c.Alias, Avatar: orNull(c.Avatar.URL),
		Country: orNullJSON(c.Country), Language: orNullJSON(c.Language),
		Currency: orNullJSON(c.Currency), Timezone: orNullJSON(c.Timezone),
		Social: []socialView{}, Follower: c.MetaInt("Follower"), Description: orNull(c.MetaString("description")),
		Tag: c.MetaStrings("tag"), ThumbnailURL: orNull(c.MetaString("thumbnail_url")),
	}
	_ = json.Unmarshal(orNullJSON(c.Social), &view.Social) // of another kind: none
	if view.Social == nil {
		view.Social = []socialView{}
	}
	return view
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func orNullJSON(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return json.RawMessage("null")
	}
	return raw
}

func (a *api) influencerInfo(w http.ResponseWriter, r *http.Request) error {
	id, err := query(r, "influencer_id")
	if err != nil {
		return err
	}
	customer, err := a.Clayful.Customer(r.Context(), id)
	if err != nil {
		return err
	}
	if !customer.InGroup(a.InfluencerGroup) {
		return errBadRequest
	}
	live, err := a.Store.LiveVODOf(r.Context(), customer.ID)
	if err != nil {
		return err
	}
	return success(w, http.StatusOK, map[string]any{"data": struct {
		influencerView

		LiveVOD   int64  `json:"live_vod"`
		Youtube   string `json:"youtube"`
		Instagram string `json:"instagram"`
	}{viewInfluencer(customer), live, customer.MetaString("youtube"), customer.MetaString("instagram")}})
}

func (a *api) listInfluencers(w http.ResponseWriter, r *http.Request) error {
	number, err := page(r)
	if err != nil {
		return err
	}
	everybody, err := a.influencers.get(r.Context(), a)
	if err != nil {
		return err
	}
	if chi.URLParam(r, "sort_by") == "popular" {
		everybody = slices.Clone(everybody)
		slices.SortStableFunc(everybody, func(x, y influencerView) int { return cmp.Compare(y.Follower, x.Follower) })
	}
	return success(w, http.StatusOK, map[string]any{"Influencer_List": paged(everybody, number)})
}

// influencerList remembers all influencers, newest first, for some seconds.
type influencerList struct {
	flights singleflight.Group
	mu      sync.Mutex
	at      time.Time
	list    []influencerView
	forgets int // how often it was forgotten
}

const influencerMemory = 5 * time.Second

func (l *influencerList) get(ctx context.Context, a *api) ([]influencerView, error) {
	l.mu.Lock()
	list, at, forgets := l.list, l.at, l.forgets
	l.mu.Unlock()
	if a.Now().Sub(at) < influencerMemory {
		return list, nil
	}
	// What is asked after a change does not join a flight from before it.
	flown, err, _ := l.flights.Do(strconv.Itoa(forgets), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		at := a.Now()
		customers, err := a.Clayful.CustomersInGroup(ctx, a.InfluencerGroup)
		if err != nil {
			return nil, err
		}
		slices.SortStableFunc(customers, func(x, y clayful.Customer) int { return y.CreatedAt.Compare(x.CreatedAt.Time) })
		list := make([]influencerView, len(customers))
		for i := range customers {
			list[i] = viewInfluencer(&customers[i])
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.forgets == forgets {
			l.list, l.at = list, at
		}
		return list, nil
	})
	if err != nil {
		return nil, err
	}
	return flown.([]influencerView), nil
}

func (l *influencerList) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at = time.Time{}
	l.forgets++
}
