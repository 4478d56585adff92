package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/byeolshow/byeolshow/activities"
)

// HousekeepingID is the workflow id of the hourly housekeeping.
const HousekeepingID = "housekeeping"

// HousekeepingTimes are when it runs, as cron says it, in UTC.
const HousekeepingTimes = "17 * * * *"

// Housekeeping forgets what nobody needs any more: sessions that are over, and
// webhook events too old to come again.
func Housekeeping(ctx workflow.Context) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		Summary:                "Forget old sessions and webhook events",
		StartToCloseTimeout:    time.Minute,
		ScheduleToCloseTimeout: 30 * time.Minute,
		RetryPolicy:            &temporal.RetryPolicy{MaximumInterval: time.Minute},
	})
	var steps *activities.Activities
	return workflow.ExecuteActivity(ctx, steps.Purge).Get(ctx, nil)
}
