package api

import (
	"context"
	"slices"
	"time"

	"github.com/byeolshow/byeolshow/clients/clayful"
)

// switcher sets one of several places that say the same, on or off.
type switcher func(ctx context.Context, on bool) error

// inTurn sets all places, or, when one fails, none: those before it are set
// back. Once it is begun it is finished, even if the caller has hung up.
func (a *api) inTurn(ctx context.Context, on bool, places ...switcher) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	for i, set := range places {
		err := set(ctx, on)
		if err == nil {
			continue
		}
		for _, undo := range slices.Backward(places[:i]) {
			if undone := undo(ctx, !on); undone != nil {
				a.Logger.ErrorContext(ctx, "a change is left half done", "error", undone)
			}
		}
		return err
	}
	return nil
}

// listed puts an element into a list of a customer's meta, or takes it out.
// After an answer that leaves open whether it did, the list is read.
func (a *api) listed(customer, field, element string) switcher {
	return func(ctx context.Context, on bool) error {
		defer a.sessions.forget(customer)
		change := a.Clayful.PullMeta
		if on {
			change = a.Clayful.PushMeta
		}
		err := change(ctx, "customers", customer, field, element)
		if clayful.IsUnavailable(err) {
			now, unread := a.Clayful.Customer(ctx, customer)
			if unread == nil && slices.Contains(now.MetaStrings(field), element) == on {
				return nil
			}
		}
		return err
	}
}

// counted adds one to a number in a customer's meta, or takes one off while
// there are any. Before is what it was; nobody else may change it meanwhile.
func (a *api) counted(customer, field string, before int) switcher {
	return func(ctx context.Context, on bool) error {
		by := 1
		if !on {
			by = -1
		}
		if before+by < 0 {
			return nil
		}
		err := a.Clayful.IncMeta(ctx, "customers", customer, field, by)
		if clayful.IsUnavailable(err) {
			now, unread := a.Clayful.Customer(ctx, customer)
			if unread == nil && now.MetaInt(field) == before+by {
				return nil
			}
		}
		return err
	}
}
