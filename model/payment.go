package model

import "time"

// Payment is what Iamport says of a payment.
type Payment struct {
	ImpUID   string
	OrderID  string // its merchant_uid
	Method   string // card, vbank, phone, …
	Status   string // ready, paid, cancelled, failed
	Currency string
	Amount   KRW
	Returned KRW // given back so far
	PaidAt   *time.Time
	OpenTill *time.Time // until when a virtual account takes the money
	Test     bool       // of a test channel
}

// ByOperator begins what Iamport's record says of money an operator gave back.
const ByOperator = "operator refund"

// Left is what was paid and not given back.
func (p Payment) Left() KRW {
	if p.PaidAt == nil {
		return 0
	}
	return p.Amount - p.Returned
}

// Pays tells whether the payment is of the amount due, in won.
func (p Payment) Pays(due KRW) bool { return p.Currency == "KRW" && p.Amount == due }

// Verdict is what a payment means for its order, in the words the app reads.
type Verdict string

// The verdicts.
const (
	VerdictSuccess     Verdict = "success"
	VerdictVBankIssued Verdict = "vbankIssued"
	VerdictFail        Verdict = "fail"
	VerdictPending     Verdict = "pending"
)

// Consequence is what has to be done about a payment.
type Consequence string

// The consequences.
const (
	Nothing           Consequence = ""
	Sync              Consequence = "sync"                 // let the shop take it over
	GiveBack          Consequence = "give-back"            // the order is dead, or paid already
	GiveBackAndCancel Consequence = "give-back-and-cancel" // it is not what was due
)

// Judge rules on a payment of an order: what Iamport says was paid has to be
// what the shop says is due. PaidBy is the payment the order is known to be
// paid by, "" when none is: a second one is given back. Paid is judged by time and amounts, not by the
// status word.
func Judge(p Payment, o Order, paidBy string) (Verdict, Consequence) {
	switch {
	case p.PaidAt != nil && p.Left() <= 0:
		return VerdictFail, Nothing
	case p.PaidAt != nil && !p.Pays(o.Due):
		return VerdictFail, GiveBackAndCancel
	case p.PaidAt != nil && o.Status == OrderCancelled:
		return VerdictFail, GiveBack
	case p.PaidAt != nil && paidBy != "" && paidBy != p.ImpUID:
		return VerdictFail, GiveBack
	case p.PaidAt != nil:
		return VerdictSuccess, Sync
	case o.Status == OrderCancelled || paidBy != "":
		return VerdictFail, Nothing
	case p.Status == "ready" && p.Method == "vbank" && p.Pays(o.Due):
		return VerdictVBankIssued, Sync
	case p.Status == "ready" && p.Method != "vbank":
		return VerdictPending, Nothing
	}
	return VerdictFail, Nothing
}
