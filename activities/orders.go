package activities

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/byeolshow/byeolshow/clients/clayful"
	"github.com/byeolshow/byeolshow/model"
)

// OrderRef names an order.
type OrderRef struct{ OrderID string }

// OrderOf is what of the shop's order decides about money and time.
func OrderOf(o clayful.Order) model.Order {
	order := model.Order{
		ID: o.ID, CustomerID: string(o.Customer), Status: o.Status, Due: model.KRW(o.Total.Amount), Done: o.Done, PlacedAt: o.CreatedAt.Time,
	}
	if !o.ReceivedAt.IsZero() {
		order.ReceivedAt = &o.ReceivedAt.Time
	}
	arrived := len(o.Fulfillments) > 0
	var last time.Time
	for _, parcel := range o.Fulfillments {
		arrived = arrived && parcel.Status == "arrived"
		if parcel.UpdatedAt.After(last) {
			last = parcel.UpdatedAt.Time
		}
	}
	if arrived {
		order.ArrivedAt = &last
	}
	for _, r := range o.Refunds {
		order.Refunds = append(order.Refunds, model.Refund{ID: r.ID, Status: r.Status, Amount: model.KRW(r.Total.Price.WithTax)})
	}
	return order
}

// LoadOrder reads the order. One the shop does not have is a refusal.
func (a *Activities) LoadOrder(ctx context.Context, in OrderRef) (model.Order, error) {
	o, err := a.clayful.Order(ctx, in.OrderID)
	if refusal := shopRefusal(err); refusal != nil {
		return model.Order{}, Refuse(refusal)
	}
	if err != nil {
		return model.Order{}, err
	}
	return OrderOf(*o), nil
}

// SyncOrder has the shop take over what Iamport knows of the order's payments,
// and answers the order's status afterwards.
func (a *Activities) SyncOrder(ctx context.Context, in OrderRef) (string, error) {
	status, err := a.clayful.SyncTransactions(ctx, in.OrderID)
	if refusal := shopRefusal(err); refusal != nil {
		return "", Refuse(refusal)
	}
	return status, err
}

// SyncPaid is SyncOrder of an order that somebody paid: the shop has to say so.
func (a *Activities) SyncPaid(ctx context.Context, in OrderRef) (string, error) {
	status, err := a.SyncOrder(ctx, in)
	if err == nil && status == model.OrderPlaced {
		err = errors.New("the shop has not heard of the payment yet")
	}
	return status, err
}

// Cancellation asks for an order to be cancelled. By is customer or store.
type Cancellation struct{ OrderID, By, Reason string }

// Personal marks it to be sealed in histories: customers give reasons.
func (Cancellation) Personal() {}

// CancelledOrder is the shop's answer to a cancellation.
type CancelledOrder struct{ Answer json.RawMessage }

// Personal marks it to be sealed in histories.
func (CancelledOrder) Personal() {}

// CancelOrder cancels an order that nobody paid, also a second ago: the shop
// asks Iamport first. Anything else is the refusal invalid-order-status.
func (a *Activities) CancelOrder(ctx context.Context, in Cancellation) (CancelledOrder, error) {
	status, err := a.SyncOrder(ctx, OrderRef{in.OrderID})
	if err != nil {
		return CancelledOrder{}, err
	}
	var answer json.RawMessage
	switch status {
	case model.OrderPlaced:
		answer, err = a.clayful.CancelOrder(ctx, in.OrderID, in.By, in.Reason)
	case model.OrderCancelled: // by an earlier run, whose answer was lost
		answer, err = a.clayful.RawOrder(ctx, in.OrderID)
	default:
		return CancelledOrder{}, Refuse(&model.Error{Code: model.CodeOrderStatus, Detail: "결제된 주문은 취소할 수 없습니다"})
	}
	if refusal := shopRefusal(err); refusal != nil {
		return CancelledOrder{}, Refuse(refusal)
	}
	return CancelledOrder{answer}, err
}

// CancelMismatched cancels an order as it stands, without asking Iamport: what
// was paid is known not to be what was due. Once cancelled it stays so.
func (a *Activities) CancelMismatched(ctx context.Context, in Cancellation) error {
	_, err := a.clayful.CancelOrder(ctx, in.OrderID, in.By, in.Reason)
	refusal := shopRefusal(err)
	if refusal == nil {
		return err
	}
	order, err := a.clayful.Order(ctx, in.OrderID)
	if err != nil {
		return err
	}
	if order.Status == model.OrderCancelled { // by an earlier run
		return nil
	}
	return Refuse(refusal)
}

// MarkDone closes the order for good. Closing it again changes nothing.
func (a *Activities) MarkDone(ctx context.Context, in OrderRef) error {
	err := a.clayful.MarkDone(ctx, in.OrderID)
	if refusal := shopRefusal(err); refusal != nil {
		return Refuse(refusal)
	}
	return err
}

// RefundRef names a refund.
type RefundRef struct{ OrderID, RefundID string }

// LoadRefund reads a refund. One the shop does not have is a refusal.
func (a *Activities) LoadRefund(ctx context.Context, in RefundRef) (model.Refund, error) {
	order, err := a.LoadOrder(ctx, OrderRef{in.OrderID})
	if err != nil {
		return model.Refund{}, err
	}
	refund, ok := order.Refund(in.RefundID)
	if !ok {
		return model.Refund{}, Refuse(&model.Error{Code: "not-existing-refund", Detail: in.RefundID})
	}
	return refund, nil
}

// Restock puts the items of the refund back into stock, once.
func (a *Activities) Restock(ctx context.Context, in RefundRef) error {
	err := a.clayful.RestockAll(ctx, in.OrderID, in.RefundID)
	if refusal := shopRefusal(err); refusal != nil {
		return Refuse(refusal)
	}
	return err
}
