package workflows

import (
	"time"

	"github.com/google/uuid"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/byeolshow/byeolshow/activities"
)

// RevocationID is the workflow id of the end of a customer's sessions:
// revocation/<customer>/<random id>.
func RevocationID(customerID, id string) string { return "revocation/" + customerID + "/" + id }

// TypeRevocation is the name of the Revocation workflow. It hears SignalEnded,
// with a bool: whether nothing is left to do.
const TypeRevocation = "Revocation"

// RevocationInput starts a Revocation workflow; see activities.Revocation.
type RevocationInput struct {
	CustomerID string
	But        uuid.UUID
}

// Summary is what an operator reads in the list of workflows.
func (in RevocationInput) Summary() string {
	return "Sessions of customer " + in.CustomerID + ", whose password is being changed"
}

// Attributes are what an operator finds it by.
func (in RevocationInput) Attributes() temporal.SearchAttributes {
	return temporal.NewSearchAttributes(AttributeCustomer.ValueSet(in.CustomerID))
}

// passwordPatience is longer than the API tries to change a password.
const passwordPatience = time.Minute

// Revocation stands by while the API changes a customer's password and ends
// their sessions, and does nothing when it hears that both are over. Else it
// ends the sessions: whoever had the old password may have one of them.
func Revocation(ctx workflow.Context, in RevocationInput) error {
	var (
		over  bool
		heard bool
		steps *activities.Activities
	)
	book := journal{progress: &Progress{}, headline: in.Summary, heard: new(int)}
	if err := book.open(ctx); err != nil {
		return err
	}
	ended := workflow.GetSignalChannelWithOptions(ctx, SignalEnded, workflow.SignalChannelOptions{Description: "How the change ended"})
	workflow.Go(ctx, func(ctx workflow.Context) {
		for ended.Receive(ctx, &over) {
			heard = true
		}
	})
	book.waitingFor(ctx, "Waiting to hear how the change of the password ended")
	if err := until(ctx, workflow.Now(ctx).Add(passwordPatience), "Nobody says how the change ended", func() bool { return heard }); err != nil {
		return err
	}
	if over {
		book.waitingFor(ctx, "Over: nothing was left to do")
		return nil
	}
	book.waitingFor(ctx, "Ending the sessions")
	if err := book.soon(ctx, "End the sessions", steps.EndSessions, activities.Revocation(in), nil); err != nil {
		return err
	}
	book.waitingFor(ctx, "Over: the sessions are ended")
	return nil
}
