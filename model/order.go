package model

import (
	"slices"
	"time"
)

// CheckoutKey is where an order's meta names the checkout it came from.
const CheckoutKey = "checkout_key"

// OrderStage is how far an order is in the eyes of its workflow.
type OrderStage string

// The stages of an order.
const (
	StagePlaced      OrderStage = "placed"       // waits for its payment
	StageVBankIssued OrderStage = "vbank-issued" // waits for a deposit
	StagePaid        OrderStage = "paid"         // on its way, or arrived
	StageCancelled   OrderStage = "cancelled"
	StageDone        OrderStage = "done"
	StageUnknown     OrderStage = "unknown" // the shop has no such order
)

// Order is what the shop says of an order, as far as money and time go.
type Order struct {
	ID         string
	CustomerID string
	Status     string // the shop's word
	Due        KRW
	Done       bool
	PlacedAt   time.Time
	ArrivedAt  *time.Time // when the last of its parcels arrived, nil before
	ReceivedAt *time.Time // when the customer said so
	Refunds    []Refund
}

// The shop's words for an order's status that decide something.
const (
	OrderPlaced    = "placed"
	OrderCancelled = "cancelled"
	OrderRefunded  = "refunded" // all of it
)

// Refund is a claim to get money back.
type Refund struct {
	ID     string
	Status string // requested, accepted, cancelled
	Amount KRW
}

// The shop's words for a refund's status.
const (
	RefundRequested = "requested"
	RefundAccepted  = "accepted"
	RefundCancelled = "cancelled"
)

// Stage is the stage the shop's word stands for.
func (o Order) Stage() OrderStage {
	switch {
	case o.Status == OrderCancelled:
		return StageCancelled
	case o.Done:
		return StageDone
	case o.Status == OrderPlaced:
		return StagePlaced
	}
	return StagePaid
}

// Refund finds a refund by its id.
func (o Order) Refund(id string) (Refund, bool) {
	for _, r := range o.Refunds {
		if r.ID == id {
			return r, true
		}
	}
	return Refund{}, false
}

// DoneAt is when the order is done for good: a time after all of it arrived,
// unless a refund is being asked for.
func (o Order) DoneAt(after time.Duration) (time.Time, bool) {
	if o.Done || o.ArrivedAt == nil || o.Stage() != StagePaid || o.refundAsked() {
		return time.Time{}, false
	}
	return o.ArrivedAt.Add(after), true
}

// Undone tells whether all of the order's money is back: whether its parcels
// were ever sent or arrive does not matter any more.
func (o Order) Undone() bool { return o.Status == OrderRefunded && !o.Done && !o.refundAsked() }

func (o Order) refundAsked() bool {
	return slices.ContainsFunc(o.Refunds, func(r Refund) bool { return r.Status == RefundRequested })
}
