package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/byeolshow/byeolshow/activities"
)

// ResetMailID is the workflow id of a mail with which a password can be set
// anew: mail/<random id>.
func ResetMailID(id string) string { return "mail/" + id }

// TypeResetMail is the name of the ResetMail workflow.
const TypeResetMail = "ResetMail"

// ResetMailInput starts a ResetMail workflow: whoever asked knows this pair.
type ResetMailInput struct{ UserID, Email string }

// Personal marks it to be sealed in histories.
func (ResetMailInput) Personal() {}

// mailing is how long a mail is tried to be sent. Whoever waits longer has
// asked for another.
const mailing = time.Hour

// ResetMail has the shop mail a link with which a new password can be set, if
// there is such a customer and they log in with a password. Whether there is
// one nobody who can read this workflow learns. What may have sent the mail is
// not repeated.
func ResetMail(ctx workflow.Context, in ResetMailInput) error {
	var steps *activities.Activities
	workflow.SetCurrentDetails(ctx, "Mailing a link to set a new password, if there is such a customer")
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		Summary:                "Mail the link, if there is such a customer",
		StartToCloseTimeout:    time.Minute, // longer than all its calls may take
		ScheduleToCloseTimeout: mailing,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: time.Second, MaximumInterval: 15 * time.Second,
			NonRetryableErrorTypes: []string{"TemporalTimeout:StartToClose"}, // a worker died, perhaps after it was sent
		},
	})
	return workflow.ExecuteActivity(ctx, steps.MailReset, activities.ResetMail{UserID: in.UserID, Email: in.Email}).Get(ctx, nil)
}
