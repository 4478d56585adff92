package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/go-chi/chi/v5"

	"github.com/byeolshow/byeolshow/model"
)

// metaLiked is the field of a customer's meta that lists the broadcasts they
// like.
const metaLiked = "my_vod"

func (a *api) likedVODRoutes(r chi.Router) {
	r.With(a.login).Post("/user/myvod", a.wrapped(a.toggleLike))
	r.With(a.login).Get("/user/myvod", a.wrapped(a.likedVODs))
}

func (a *api) toggleLike(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		ID flexID `json:"vod_id"`
	}
	if err := decode(r, &body); err != nil {
		return err
	}
	b, err := a.Store.Broadcast(r.Context(), int64(body.ID))
	if errors.Is(err, model.ErrNoBroadcast) || b.DeletedAt != nil {
		return bad("존재하지 않는 방송입니다")
	}
	if err != nil {
		return err
	}
	me, id := caller(r).ID, strconv.FormatInt(b.VODID, 10)
	on := false
	err = a.exclusively(r.Context(), "liked/"+me, func(ctx context.Context) error {
		customer, err := a.Clayful.Customer(ctx, me)
		if err != nil {
			return err
		}
		on = !slices.Contains(customer.MetaStrings(metaLiked), id)
		if !on {
			if err := a.Store.AdoptLike(ctx, b.VODID, me); err != nil {
				return err
			}
		}
		return a.inTurn(ctx, on,
			func(ctx context.Context, on bool) error { return a.Store.SetLike(ctx, b.VODID, me, on) },
			a.listed(me, metaLiked, id))
	})
	if err != nil {
		return err
	}
	message := "좋아요를 취소했습니다"
	if on {
		message = "좋아요를 눌렀습니다"
	}
	return switched(w, on, message)
}

// likedVODs are the broadcasts the caller likes, as far as they are there.
func (a *api) likedVODs(w http.ResponseWriter, r *http.Request) error {
	ids := []int64{}
	for _, text := range caller(r).Customer.MetaStrings(metaLiked) {
		if id, err := strconv.ParseInt(text, 10, 64); err == nil {
			ids = append(ids, id)
		}
	}
	return a.list(w, r, fmt.Sprint("liked", ids), func(ctx context.Context) (any, error) {
		list, err := a.Store.Liked(ctx, ids)
		return map[string]any{"success": map[string]any{"my_vod": clientViews(list)}}, err
	})
}
