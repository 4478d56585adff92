package model

import "errors"

// Code names a business outcome that is not success. It survives the way
// through Temporal as the type of an application error, and the API maps it to
// a status and a Korean message.
type Code string

// The outcomes a broadcast's rules can end in.
const (
	// CodeNoBroadcast: there is no such broadcast, or it is somebody else's.
	CodeNoBroadcast Code = "no-broadcast"
	// CodeNotReady: only a ready broadcast can be started.
	CodeNotReady Code = "not-ready"
	// CodeNotLive: only a live broadcast can be ended.
	CodeNotLive Code = "not-live"
	// CodeNotAnnounceable: pushes are sent for ready and live broadcasts only.
	CodeNotAnnounceable Code = "not-announceable"
	// CodeEarlierLive: the influencer has another broadcast that is live, or
	// ended and still waiting for its recording.
	CodeEarlierLive Code = "earlier-live"
	// CodeInvalid: an input breaks a rule; Detail says which.
	CodeInvalid Code = "invalid"
)

// Outcomes of the money's side.
const (
	// CodeOrderStatus: the order is not in a status that allows it.
	CodeOrderStatus Code = "invalid-order-status"
	// CodeNoAccount: money cannot be sent back to a virtual account, because the
	// customer has registered no account.
	CodeNoAccount Code = "refund-account-required"
	// CodeNoUpstream: the shop did not answer, and nothing was done.
	CodeNoUpstream Code = "upstream-unavailable"
	// CodeIssued: the customer has been given the coupon before.
	CodeIssued Code = "issued-coupon"
)

// Outcomes of accounts.
const (
	// CodeDuplicatedAlias: the nickname is another's.
	CodeDuplicatedAlias Code = "duplicated-alias"
)

// Refusals of what an operator asks.
const (
	// CodeNotStuck: there is nothing to try again, or to solve by hand.
	CodeNotStuck Code = "not-stuck"
	// CodeNotByHand: it cannot be solved by hand, or not yet.
	CodeNotByHand Code = "not-by-hand"
	// CodeNotRefundable: the order's money cannot be given back by an operator
	// now; Detail says why.
	CodeNotRefundable Code = "not-refundable"
)

// Error is a refusal by a business rule. Repeating the request unchanged does
// not help, so Temporal never retries it.
type Error struct {
	Code   Code
	Detail string
	Status int `json:",omitempty"` // HTTP status of the shop, when it is the shop's refusal
}

// Personal seals it in histories: the shop may repeat what a customer typed.
func (Error) Personal() {}

// Error implements error. It leaves the shop's words out, for it is logged.
func (e *Error) Error() string {
	if e.Detail == "" || e.Status != 0 {
		return string(e.Code)
	}
	return string(e.Code) + ": " + e.Detail
}

// Is makes two errors of the same code equal for errors.Is.
func (e *Error) Is(target error) bool {
	other, ok := target.(*Error)
	return ok && other.Code == e.Code
}

// Refusals, ready for errors.Is.
var (
	ErrNoBroadcast     = &Error{Code: CodeNoBroadcast}
	ErrNotReady        = &Error{Code: CodeNotReady}
	ErrNotLive         = &Error{Code: CodeNotLive}
	ErrNotAnnounceable = &Error{Code: CodeNotAnnounceable}
	ErrEarlierLive     = &Error{Code: CodeEarlierLive}
	ErrIssued          = &Error{Code: CodeIssued}
	ErrDuplicatedAlias = &Error{Code: CodeDuplicatedAlias}
)

// Invalid is a CodeInvalid error whose detail tells what is wrong.
func Invalid(detail string) error { return &Error{Code: CodeInvalid, Detail: detail} }

// CodeOf is the code of the refusal inside err, or "" when err is none.
func CodeOf(err error) Code {
	var refusal *Error
	if errors.As(err, &refusal) {
		return refusal.Code
	}
	return ""
}
