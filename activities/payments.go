package activities

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/byeolshow/byeolshow/clients/iamport"
	"github.com/byeolshow/byeolshow/model"
)

// PaymentOf is what of Iamport's payment decides.
func PaymentOf(p iamport.Payment) model.Payment {
	payment := model.Payment{
		ImpUID: p.ImpUID, OrderID: p.MerchantUID, Method: p.PayMethod, Status: p.Status, Currency: p.Currency,
		Amount: model.KRW(p.Amount), Returned: model.KRW(p.CancelAmount), Test: p.Sandbox,
	}
	if p.Paid() {
		at := time.Unix(p.PaidAt, 0).UTC()
		payment.PaidAt = &at
	}
	if p.VBankDate > 0 {
		till := time.Unix(p.VBankDate, 0).UTC()
		payment.OpenTill = &till
	}
	return payment
}

// Payments are all payments of the order that count, the earliest paid first.
func (a *Activities) Payments(ctx context.Context, in OrderRef) ([]model.Payment, error) {
	found, err := a.iamport.Payments(ctx, in.OrderID)
	if err != nil {
		return nil, err
	}
	payments := []model.Payment{}
	for _, p := range found {
		if payment := PaymentOf(p); a.testPayments || !payment.Test {
			payments = append(payments, payment)
		}
	}
	slices.SortStableFunc(payments, func(a, b model.Payment) int {
		if a.PaidAt == nil || b.PaidAt == nil {
			return cmp.Compare(unpaid(a), unpaid(b))
		}
		return a.PaidAt.Compare(*b.PaidAt)
	})
	return payments, nil
}

func unpaid(p model.Payment) int {
	if p.PaidAt == nil {
		return 1
	}
	return 0
}

// Return is money to be given back. Reference names what for; it goes into
// Iamport's own record and is how an earlier run is recognised.
type Return struct {
	OrderID, CustomerID string
	ImpUID              string    // of which payment; "" is the first paid with enough left
	Amount              model.KRW // 0 is all that is left
	Reference, Reason   string
	RefundID            string    `json:",omitempty"` // the refund it is for, which has to be accepted still
	Left                model.KRW `json:",omitempty"` // what has to be left of the payment before, when the shop was not asked
}

// Error types of GiveBack that repeating alone does not mend.
const (
	// ErrorNoAccount: money of a virtual account has nowhere to go.
	ErrorNoAccount = "no-refund-account"
	// ErrorNothingLeft: no payment has that much left.
	ErrorNothingLeft = "nothing-left"
	// ErrorNotAccepted: the shop no longer accepts the refund, or accepts another
	// amount.
	ErrorNotAccepted = "refund-not-accepted"
	// ErrorNotRefundable: another amount is left than was believed, or a refund of
	// the shop waits for it.
	ErrorNotRefundable = "not-refundable"
)

// GiveBack gives money back once. It looks for its reference in Iamport's
// record first, and lets Iamport refuse when more or less is left than it
// believes. After an unknown end it is run again, and looks again. What was
// accepted an hour ago may have been taken back since: a refund is read once
// more before its money goes.
func (a *Activities) GiveBack(ctx context.Context, in Return) error {
	payments, err := a.iamport.Payments(ctx, in.OrderID)
	if err != nil {
		return err
	}
	var from *iamport.Payment
	known := false
	for i, p := range payments {
		known = known || in.ImpUID == p.ImpUID
		for _, earlier := range p.CancelHistory {
			if strings.Contains(earlier.Reason, in.Reference) {
				return nil
			}
		}
		suits := in.ImpUID == p.ImpUID || in.ImpUID == "" && p.Currency == "KRW" && p.Left() >= int64(in.Amount)
		if suits && p.Paid() && p.Left() > 0 && (from == nil || p.PaidAt < from.PaidAt) {
			from = &payments[i]
		}
	}
	if from == nil {
		switch {
		case in.ImpUID != "" && !known:
			return fmt.Errorf("iamport does not tell of payment %s of order %s", in.ImpUID, in.OrderID)
		case in.Left > 0:
			return temporal.NewNonRetryableApplicationError("nothing is left of the payment", ErrorNotRefundable, nil)
		case in.Amount == 0: // somebody gave it back otherwise
			return nil
		}
		return temporal.NewApplicationError(fmt.Sprintf("no payment of order %s has %d won left", in.OrderID, in.Amount), ErrorNothingLeft)
	}
	if in.Left > 0 {
		if err := a.mayGoBesides(ctx, in, *from); err != nil {
			return err
		}
	}
	request := iamport.CancelRequest{
		ImpUID: from.ImpUID, MerchantUID: from.MerchantUID, Amount: int64(in.Amount), Checksum: from.Left(),
		Reason: in.Reason + " [" + in.Reference + "]",
	}
	if request.Amount == 0 {
		request.Amount = from.Left()
	}
	if from.PayMethod == "vbank" {
		if err := a.addAccount(ctx, in.CustomerID, &request); err != nil {
			return err
		}
	}
	if in.RefundID != "" {
		refund, err := a.LoadRefund(ctx, RefundRef{in.OrderID, in.RefundID})
		if err != nil {
			return err
		}
		if refund.Status != model.RefundAccepted || refund.Amount != in.Amount {
			return temporal.NewNonRetryableApplicationError("the shop does not accept the refund any more", ErrorNotAccepted, nil)
		}
	}
	_, err = a.iamport.Cancel(ctx, request)
	return blame(err)
}

// mayGoBesides refuses to give money back outside the shop's refunds while
// another amount is left than was believed, or one of those waits for its own.
func (a *Activities) mayGoBesides(ctx context.Context, in Return, from iamport.Payment) error {
	refuse := func(format string, args ...any) error {
		return temporal.NewNonRetryableApplicationError(fmt.Sprintf(format, args...), ErrorNotRefundable, nil)
	}
	if from.Left() != int64(in.Left) {
		return refuse("%d won are left of the payment, not %d", from.Left(), in.Left)
	}
	order, err := a.LoadOrder(ctx, OrderRef{in.OrderID})
	if err != nil {
		return err
	}
	for _, refund := range order.Refunds {
		back := slices.ContainsFunc(from.CancelHistory, func(c iamport.Cancellation) bool { return strings.Contains(c.Reason, refund.ID) })
		if refund.Status != model.RefundCancelled && refund.Amount > 0 && !back {
			return refuse("refund %s is %s, and its money is not back", refund.ID, refund.Status)
		}
	}
	return nil
}

// addAccount names the account the customer registered for refunds.
func (a *Activities) addAccount(ctx context.Context, customerID string, request *iamport.CancelRequest) error {
	customer, err := a.clayful.Customer(ctx, customerID)
	if err != nil {
		return err
	}
	request.RefundHolder, request.RefundBank = customer.MetaString("refund_holder"), customer.MetaString("refund_bank")
	request.RefundAccount = customer.MetaString("refund_account")
	if request.RefundHolder == "" || request.RefundBank == "" || request.RefundAccount == "" {
		return temporal.NewApplicationError("the customer has registered no account for refunds", ErrorNoAccount)
	}
	return nil
}
