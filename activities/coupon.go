package activities

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/byeolshow/byeolshow/clients/clayful"
	"github.com/byeolshow/byeolshow/model"
)

// Issue names a coupon to be given to a customer.
type Issue struct{ CustomerID, CouponID string }

// GiveCoupon gives the customer the coupon, once for ever. It is noted before
// the shop is asked, and forgotten only when the shop refuses. Any other end
// leaves open whether the customer has it, and SettleIssue finds out; so does
// one that was interrupted and runs again.
func (a *Activities) GiveCoupon(ctx context.Context, in Issue) (json.RawMessage, error) {
	issue, known, err := a.store.CouponIssue(ctx, in.CustomerID, in.CouponID)
	switch {
	case err != nil:
		return nil, err
	case issue.Issued:
		return nil, Refuse(model.ErrIssued)
	case known:
		return nil, errUnsettled
	}
	held, err := a.held(ctx, in)
	if err != nil {
		return nil, err
	}
	if held != nil { // from the shop's own hand
		return nil, Refuse(model.ErrIssued)
	}
	if mine, err := a.store.BeginIssue(ctx, in.CustomerID, in.CouponID, now()); err != nil || !mine {
		return nil, errors.Join(errUnsettled, err)
	}
	answer, err := a.clayful.GiveCoupon(ctx, in.CustomerID, in.CouponID)
	if refusal := shopRefusal(err); refusal != nil {
		if _, err := a.store.DropIssue(ctx, in.CustomerID, in.CouponID); err != nil {
			return nil, err
		}
		return nil, Refuse(refusal)
	}
	if err != nil {
		return nil, err
	}
	return answer, a.store.RecordIssued(ctx, in.CustomerID, in.CouponID)
}

// errUnsettled is that the shop was asked for the coupon, with an unknown end.
var errUnsettled = errors.New("the shop may have given the coupon")

// SettleIssue finds out whether the shop gave a coupon it did not answer about.
// What the customer's list shows was given. What it does not show once the shop
// has had the time to act was not: it may be asked for again, and that is the
// refusal upstream-unavailable.
func (a *Activities) SettleIssue(ctx context.Context, in Issue) (json.RawMessage, error) {
	issue, known, err := a.store.CouponIssue(ctx, in.CustomerID, in.CouponID)
	if err != nil {
		return nil, err
	}
	if !known {
		return nil, Refuse(errNotGiven)
	}
	wait := time.Until(issue.Begun.Add(a.settling)) // before the list is read
	held, err := a.held(ctx, in)
	switch {
	case err != nil:
		return nil, err
	case held != nil:
		return held.Whole, nil
	case issue.Issued: // and used or deleted since
		return nil, Refuse(model.ErrIssued)
	case wait > 0:
		return nil, temporal.NewApplicationErrorWithOptions(errUnsettled.Error(), "outcome-unknown",
			temporal.ApplicationErrorOptions{NextRetryDelay: wait})
	}
	if dropped, err := a.store.DropIssue(ctx, in.CustomerID, in.CouponID); err != nil || !dropped {
		return nil, errors.Join(errUnsettled, err)
	}
	return nil, Refuse(errNotGiven)
}

var errNotGiven = &model.Error{Code: model.CodeNoUpstream, Detail: "the shop did not give the coupon"}

// held is the coupon in the customer's list, nil when it is not there. What is
// there is noted as issued before anybody can use it up.
func (a *Activities) held(ctx context.Context, in Issue) (*clayful.Coupon, error) {
	list, err := a.clayful.CustomerCoupons(ctx, in.CustomerID)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(list, func(c clayful.Coupon) bool { return c.ID == in.CouponID })
	if i < 0 {
		return nil, nil
	}
	return &list[i], a.store.RecordIssued(ctx, in.CustomerID, in.CouponID)
}
