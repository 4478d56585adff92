package workflows

import (
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/byeolshow/byeolshow/activities"
)

// WithdrawalID is the workflow id of a customer's withdrawal:
// withdrawal/<customer id>.
func WithdrawalID(customerID string) string { return "withdrawal/" + customerID }

// TypeWithdrawal is the name of the Withdrawal workflow.
const TypeWithdrawal = "Withdrawal"

// WithdrawalInput starts a Withdrawal workflow. StreamID is the customer's
// stream at Mux, "" when they have none.
type WithdrawalInput struct {
	CustomerID string
	StreamID   string `json:",omitempty"`
}

// Attributes are what an operator finds it by.
func (in WithdrawalInput) Attributes() temporal.SearchAttributes {
	return temporal.NewSearchAttributes(AttributeCustomer.ValueSet(in.CustomerID))
}

// Withdrawal deletes a customer: their sessions end first, then the account at
// the shop and the stream at Mux, then what is here. What was begun
// is finished, however long the shop is silent.
func Withdrawal(ctx workflow.Context, in WithdrawalInput) error {
	var steps *activities.Activities
	book := journal{
		progress: &Progress{},
		headline: func() string { return "Withdrawal of customer " + in.CustomerID },
		heard:    new(int),
	}
	if err := book.open(ctx); err != nil {
		return err
	}
	member := activities.MemberRef{CustomerID: in.CustomerID}
	if workflow.GetVersion(ctx, "sessions-first", workflow.DefaultVersion, 1) == 1 {
		book.waitingFor(ctx, "Ending the sessions")
		if err := book.soon(ctx, "End the sessions", steps.RevokeSessions, member, nil); err != nil {
			return err
		}
	}
	book.waitingFor(ctx, "Deleting the account at the shop")
	if err := book.soon(ctx, "Delete the account", steps.DeleteAccount, member, nil); err != nil {
		return err
	}
	if in.StreamID != "" {
		book.waitingFor(ctx, "The account is gone: deleting the stream at Mux")
		if err := book.soon(ctx, "Delete the stream", steps.DeleteStream, activities.StreamRef{StreamID: in.StreamID}, nil); err != nil {
			return err
		}
	}
	book.waitingFor(ctx, "The account is gone: forgetting the member here")
	if err := book.soon(ctx, "Forget the member", steps.ForgetMember, member, nil); err != nil {
		return err
	}
	book.waitingFor(ctx, "Over: nothing is left of the member but their coupons' log")
	return nil
}
