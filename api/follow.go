package api

import (
	"cmp"
	"context"
	"net/http"
	"slices"

	"github.com/go-chi/chi/v5"
	"golang.org/x/sync/errgroup"

	"github.com/byeolshow/byeolshow/clients/clayful"
	"github.com/byeolshow/byeolshow/store"
)

// Fields of meta that tell who follows whom: a customer's list of influencers,
// and an influencer's number of followers.
const (
	metaFollowing = "Following"
	metaFollowers = "Follower"
)

func (a *api) followRoutes(r chi.Router) {
	r.With(a.login).Post("/user/influencer/like", a.wrapped(a.toggleFollow))
	r.With(a.login).Get("/user/influencer/like", a.wrapped(a.followed))
}

func (a *api) toggleFollow(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		ID      string `json:"InfluencerId"`
		SameToo string `json:"influencer_id"`
	}
	if err := decode(r, &body); err != nil {
		return err
	}
	me, influencer := caller(r).ID, cmp.Or(body.ID, body.SameToo)
	if !plainID.MatchString(influencer) {
		return bad("influencer_id is missing or no id")
	}
	on := false
	err := a.exclusively(r.Context(), "following/"+me, func(ctx context.Context) (err error) {
		on, err = a.switchFollow(ctx, me, influencer)
		return err
	}, store.FollowersKey(influencer))
	if err != nil {
		return err
	}
	message := "팔로우를 취소했습니다"
	if on {
		message = "팔로우했습니다"
	}
	return switched(w, on, message)
}

// switched answers how something was left that is on or off.
func switched(w http.ResponseWriter, on bool, message string) error {
	status := "0"
	if on {
		status = "1"
	}
	return success(w, http.StatusAccepted, map[string]string{"message": message, "status": status})
}

// switchFollow has the customer follow the influencer, or no longer, and tells
// which. Who no longer is an influencer can only be left.
func (a *api) switchFollow(ctx context.Context, me, influencer string) (on bool, err error) {
	var follower, star *clayful.Customer
	group, both := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		follower, err = a.Clayful.Customer(both, me)
		return err
	})
	group.Go(func() (err error) {
		star, err = a.Clayful.Customer(both, influencer)
		if clayful.IsCode(err, "not-existing-customer") {
			star, err = nil, nil
		}
		return err
	})
	if err := group.Wait(); err != nil {
		return false, err
	}
	on = !slices.Contains(follower.MetaStrings(metaFollowing), influencer)
	if on && (star == nil || !star.InGroup(a.InfluencerGroup)) {
		return on, errBadRequest
	}
	if !on {
		if err := a.Store.AdoptFollower(ctx, influencer, me); err != nil {
			return on, err
		}
	}
	err = a.inTurn(ctx, on, a.counted(me, star, influencer), a.listed(me, metaFollowing, influencer))
	a.influencers.forget()
	return on, err
}

// counted has the customer count as a follower, or no longer. Star is the
// influencer, nil when the shop has none any more.
func (a *api) counted(me string, star *clayful.Customer, influencer string) switcher {
	shown, show := 0, func(context.Context, int) error { return nil }
	if star != nil {
		shown = star.MetaInt(metaFollowers)
		show = func(ctx context.Context, count int) error {
			err := a.Clayful.UpdateCustomer(ctx, influencer, map[string]any{"meta": map[string]int{metaFollowers: count}})
			if clayful.IsUnavailable(err) {
				now, unread := a.Clayful.Customer(ctx, influencer)
				if unread == nil && now.MetaInt(metaFollowers) == count {
					return nil
				}
			}
			return err
		}
	}
	return func(ctx context.Context, on bool) error {
		return a.Store.SetFollower(ctx, influencer, me, on, shown, show)
	}
}

// followed are the influencers the caller follows, as far as they still are
// influencers.
func (a *api) followed(w http.ResponseWriter, r *http.Request) error {
	ids := slices.DeleteFunc(caller(r).Customer.MetaStrings(metaFollowing), func(id string) bool { return !plainID.MatchString(id) })
	customers, err := a.Clayful.CustomersByID(r.Context(), ids)
	if err != nil {
		return err
	}
	views := []influencerView{}
	for _, customer := range customers {
		if customer.InGroup(a.InfluencerGroup) {
			views = append(views, viewInfluencer(&customer))
		}
	}
	return success(w, http.StatusOK, map[string]any{"Influencer_List": views})
}
