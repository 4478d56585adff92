package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/byeolshow/byeolshow/model"
	"github.com/byeolshow/byeolshow/workflows"
)

func (a *api) withdrawalRoutes(r chi.Router) {
	r.With(a.login).Delete("/user", a.wrapped(a.withdraw))
	r.With(a.login).Post("/user/unsubscribe", a.wrapped(a.unsubscribe))
}

// withdraw deletes the caller's account, after the shows they have ahead or on
// air. Once begun it is finished, even when that takes longer than the caller
// waits.
func (a *api) withdraw(w http.ResponseWriter, r *http.Request) error {
	if err := a.cancelShows(r); err != nil {
		return err
	}
	in := workflows.WithdrawalInput{CustomerID: caller(r).ID, StreamID: caller(r).Customer.MetaString(metaStreamID)}
	ctx, cancel := context.WithTimeout(r.Context(), answerWait)
	defer cancel()
	options := personal(workflows.WithdrawalID(in.CustomerID), "Withdrawal of customer "+in.CustomerID, in.Attributes())
	run, err := a.Temporal.ExecuteWorkflow(ctx, options, workflows.TypeWithdrawal, in)
	if err == nil {
		err = run.Get(ctx, nil)
	}
	if err != nil && ctx.Err() != nil {
		return errors.Join(errTryLater, err)
	}
	if err != nil {
		return err
	}
	return done(w, http.StatusAccepted, "탈퇴되었습니다")
}

// cancelShows deletes the caller's broadcasts that are ready or live.
func (a *api) cancelShows(r *http.Request) error {
	shows, err := a.Store.ReadyBy(r.Context(), caller(r).ID)
	if err != nil {
		return err
	}
	live, err := a.Store.LiveVODOf(r.Context(), caller(r).ID)
	if err != nil {
		return err
	}
	if live != 0 {
		shows = append(shows, model.Broadcast{VODID: live})
	}
	for _, b := range shows {
		if _, err := a.command(r, flexID(b.VODID), workflows.UpdateDelete); err != nil && !errors.Is(err, model.ErrNoBroadcast) {
			return err
		}
	}
	return nil
}

// unsubscribe shuts the caller's account without deleting it.
func (a *api) unsubscribe(w http.ResponseWriter, r *http.Request) error {
	m := caller(r)
	if err := a.setMeta(r.Context(), m, map[string]any{metaActive: false}); err != nil {
		return err
	}
	if err := a.revokeAll(r.Context(), m.ID); err != nil {
		return err
	}
	return success(w, http.StatusOK, map[string]bool{"active": false})
}
