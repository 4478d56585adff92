package api

import (
	"context"
	"slices"
	"time"

	"github.com/byeolshow/byeolshow/clients/clayful"
)

// switcher sets one of several places that say the same, on or off.
type switcher func(ctx context.Context, on bool) error

// inTurn sets all places on in their order, or off in the opposite one: what
// comes later is never on where what comes earlier is off, even after a crash.
// When one fails, all are set back; it too, as it may have acted all the same.
// Once it is begun it is finished, even if the caller has hung up.
func (a *api) inTurn(ctx context.Context, on bool, places ...switcher) error {
	if !on {
		slices.Reverse(places)
	}
	for i, set := range places {
		err := inTime(ctx, set, on)
		if err == nil {
			continue
		}
		for _, undo := range slices.Backward(places[:i+1]) {
			if undone := inTime(ctx, undo, !on); undone != nil {
				a.Logger.ErrorContext(ctx, "a change is left half done", "error", undone)
			}
		}
		return err
	}
	return nil
}

// inTime gives each step as long as it takes, whatever became of the others.
func inTime(ctx context.Context, set switcher, on bool) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	return set(ctx, on)
}

// listed puts an element into a list of a customer's meta, or takes it out.
// After an answer that leaves open whether it did, the list is read.
func (a *api) listed(customer, field, element string) switcher {
	return func(ctx context.Context, on bool) error {
		defer a.sessions.forget(ctx, customer)
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
