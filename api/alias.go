package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/byeolshow/byeolshow/model"
)

func (a *api) aliasRoutes(r chi.Router) {
	r.Group(func(r chi.Router) {
		r.Use(a.limit(a.Limits.AliasPerMinute, time.Minute, byIP))
		r.Post("/user/checkalias", a.wrapped(a.checkAlias))
		r.Post("/checkalias", a.wrapped(a.checkAlias))
	})
}

func (a *api) checkAlias(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Alias string `json:"alias"`
	}
	if err := decode(r, &body); err != nil {
		return err
	}
	alias, err := model.Alias(body.Alias)
	if err != nil {
		return err
	}
	if err := a.usable(r.Context(), alias, ""); err != nil {
		return err
	}
	return done(w, http.StatusOK, "사용할 수 있는 닉네임입니다")
}

// usable is model.ErrDuplicatedAlias when the nickname is claimed, or when a
// member other than self has it from before nicknames were claimed.
func (a *api) usable(ctx context.Context, alias, self string) error {
	claimed, err := a.Store.AliasClaimed(ctx, model.AliasKey(alias))
	if err != nil {
		return err
	}
	if claimed {
		return model.ErrDuplicatedAlias
	}
	return a.unheld(ctx, alias, self)
}

// unheld is model.ErrDuplicatedAlias when a member of the shop other than self
// has the nickname.
func (a *api) unheld(ctx context.Context, alias, self string) error {
	holders, err := a.Clayful.AliasHolders(ctx, alias, model.SameAlias)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(holders, func(id string) bool { return id != self }) {
		return model.ErrDuplicatedAlias
	}
	return nil
}
