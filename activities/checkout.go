package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/byeolshow/byeolshow/clients/clayful"
	"github.com/byeolshow/byeolshow/model"
)

// NewOrder is an order to be made. Payload is the shop's, and names the key
// in its meta.
type NewOrder struct {
	CustomerID, Key string
	Payload         json.RawMessage
}

// Personal marks it to be sealed in histories.
func (NewOrder) Personal() {}

// PlacedOrder is an order that was made. Answer is what the shop said.
type PlacedOrder struct {
	Order   model.Order
	Answer  json.RawMessage
	Suspect bool // more than one attempt was made: a twin may turn up
}

// Personal marks it to be sealed in histories.
func (PlacedOrder) Personal() {}

// made is the order that came of it.
func (in NewOrder) made(o clayful.Order, answer json.RawMessage, suspect bool) PlacedOrder {
	order := OrderOf(o)
	order.CustomerID = in.CustomerID
	return PlacedOrder{Order: order, Answer: answer, Suspect: suspect}
}

// PlaceOrder makes an order once, over a shop that knows no idempotency: an
// attempt is noted before it is made, and after one whose end is not known the
// customer's newest orders are searched for the key. Only when the shop has had
// time to do what it did not answer, and did not, another attempt is made.
func (a *Activities) PlaceOrder(ctx context.Context, in NewOrder) (PlacedOrder, error) {
	last, err := a.store.BeginCheckout(ctx, in.CustomerID, in.Key, now())
	if err != nil {
		return PlacedOrder{}, err
	}
	if !last.IsZero() {
		unsettled := a.settled(last) // when the search begins
		placed, found, err := a.placedEarlier(ctx, in)
		if err != nil || found {
			return placed, err
		}
		if unsettled != nil {
			return PlacedOrder{}, unsettled
		}
		mine, err := a.store.RepeatCheckout(ctx, in.CustomerID, in.Key, last, now())
		if err != nil || !mine {
			return PlacedOrder{}, errors.Join(errors.New("another attempt is being made"), err)
		}
	}
	answer, err := a.clayful.Checkout(ctx, in.CustomerID, in.Payload)
	if refusal := shopRefusal(err); refusal != nil {
		if !last.IsZero() { // perhaps because the attempt before was carried out at last
			placed, found, err := a.placedEarlier(ctx, in)
			if err != nil || found {
				return placed, err
			}
		}
		if err := a.store.ForgetCheckout(ctx, in.CustomerID, in.Key); err != nil {
			return PlacedOrder{}, err // and is asked, and refused, again
		}
		return PlacedOrder{}, Refuse(refusal)
	}
	if err != nil {
		return PlacedOrder{}, err
	}
	var placed struct {
		Order clayful.Order `json:"order"`
	}
	if err := json.Unmarshal(answer, &placed); err != nil || placed.Order.ID == "" {
		return PlacedOrder{}, fmt.Errorf("the shop's answer names no order: %w", err)
	}
	return in.made(placed.Order, answer, !last.IsZero()), nil
}

// settled fails while the shop may still do what it did not answer.
func (a *Activities) settled(last time.Time) error {
	wait := time.Until(last.Add(a.settling))
	if wait <= 0 {
		return nil
	}
	return temporal.NewApplicationErrorWithOptions("the shop may still be making the order", "outcome-unknown",
		temporal.ApplicationErrorOptions{NextRetryDelay: wait})
}

// FindOrder looks for the order of a checkout whose end is not known. None,
// once the shop has had time to do what it did not answer, is the refusal
// upstream-unavailable: nothing was done, and the key is free.
func (a *Activities) FindOrder(ctx context.Context, in NewOrder) (PlacedOrder, error) {
	last, err := a.store.BeginCheckout(ctx, in.CustomerID, in.Key, now())
	if err != nil {
		return PlacedOrder{}, err
	}
	unsettled := a.settled(last) // when the search begins
	placed, found, err := a.placedEarlier(ctx, in)
	if err != nil || found {
		return placed, err
	}
	if unsettled != nil {
		return PlacedOrder{}, unsettled
	}
	return PlacedOrder{}, Refuse(&model.Error{Code: model.CodeNoUpstream, Detail: "the shop did not make the order"})
}

func (a *Activities) placedEarlier(ctx context.Context, in NewOrder) (PlacedOrder, bool, error) {
	orders, err := a.clayful.RecentOrders(ctx, in.CustomerID)
	if err != nil {
		return PlacedOrder{}, false, err
	}
	for i := len(orders) - 1; i >= 0; i-- { // the first one made
		if orders[i].MetaString(model.CheckoutKey) != in.Key {
			continue
		}
		raw, err := a.clayful.RawOrder(ctx, orders[i].ID)
		if err != nil {
			return PlacedOrder{}, false, err
		}
		answer, err := json.Marshal(map[string]json.RawMessage{"order": raw})
		if err != nil {
			return PlacedOrder{}, false, fmt.Errorf("encode order: %w", err)
		}
		return in.made(orders[i], answer, true), true, nil
	}
	return PlacedOrder{}, false, nil
}

// Twins are orders of one checkout besides the one that counts.
type Twins struct{ CustomerID, Key, Keep string }

// CancelTwins cancels unpaid orders that a late shop made of the same checkout.
func (a *Activities) CancelTwins(ctx context.Context, in Twins) error {
	orders, err := a.clayful.RecentOrders(ctx, in.CustomerID)
	if err != nil {
		return err
	}
	for _, o := range orders {
		if o.MetaString(model.CheckoutKey) != in.Key || o.ID == in.Keep || o.Status != model.OrderPlaced {
			continue
		}
		_, err := a.clayful.CancelOrder(ctx, o.ID, "store", "같은 주문이 한 번 더 만들어져 취소합니다")
		if err != nil && shopRefusal(err) == nil {
			return err
		}
	}
	return nil
}

// Price is what an order costs.
type Price struct {
	OrderID string
	Due     model.KRW
}

// RegisterPrice tells Iamport what the order costs, so that its payment window
// takes nothing else.
func (a *Activities) RegisterPrice(ctx context.Context, in Price) error {
	return a.iamport.Prepare(ctx, in.OrderID, int64(in.Due))
}

// shopRefusal is a refusal by the shop in its own words, nil for anything else.
func shopRefusal(err error) *model.Error {
	var refusal *clayful.Error
	if !errors.As(err, &refusal) || clayful.IsUnavailable(err) {
		return nil
	}
	code := refusal.Code
	if code == "" {
		code = "refused"
	}
	return &model.Error{Code: model.Code(code), Detail: model.Discreet(refusal.Message), Status: refusal.Status}
}
