package workflows

import (
	"errors"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/byeolshow/byeolshow/activities"
)

// Intervals of the stream watch.
const (
	watchEvery      = 15 * time.Second
	watchRecordings = time.Minute
	watchRounds     = 40
)

// StreamWatch is what makes a lost webhook harmless: it looks at Mux again and
// again, and tells each broadcast what a webhook should have. There is one, and
// it never ends.
func StreamWatch(ctx workflow.Context) error {
	workflow.SetCurrentDetails(ctx, "Asks Mux every 15 seconds what a lost webhook would have told.")
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		Summary:             "Compare Mux's streams with the broadcasts",
		StartToCloseTimeout: 2 * watchRounds * watchEvery,
		HeartbeatTimeout:    30 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: watchEvery, BackoffCoefficient: 1},
	})
	var steps *activities.Activities
	for !workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
		var findings []activities.Finding
		watch := activities.Watch{Every: watchEvery, Rounds: watchRounds, Recording: watchRecordings}
		if err := workflow.ExecuteActivity(ctx, steps.WatchStreams, watch).Get(ctx, &findings); err != nil {
			return err
		}
		told := make([]workflow.Future, len(findings))
		for i, finding := range findings {
			told[i] = tell(ctx, finding)
		}
		for i, future := range told {
			err := future.Get(ctx, nil)
			if lost(ctx, err) {
				err = takeUp(ctx, findings[i].VODID)
			}
			if err != nil {
				workflow.GetLogger(ctx).Warn("broadcast could not be told what Mux knows",
					"vod_id", findings[i].VODID, "error", err)
			}
		}
		if len(findings) > 0 {
			pause := workflow.TimerOptions{Summary: "Pause before the next look at Mux"}
			if err := workflow.NewTimerWithOptions(ctx, watchEvery, pause).Get(ctx, nil); err != nil {
				return err
			}
		}
	}
	return workflow.NewContinueAsNewError(ctx, StreamWatch)
}

// lost tells whether a broadcast could not be told because it has no workflow:
// an operator ended it, or Temporal's data is gone.
func lost(ctx workflow.Context, err error) bool {
	var unknown *temporal.UnknownExternalWorkflowExecutionError
	return errors.As(err, &unknown) && workflow.GetVersion(ctx, "lost broadcasts", workflow.DefaultVersion, 1) == 1
}

// takeUp gives a broadcast a workflow again. It is told in the next round.
func takeUp(ctx workflow.Context, vodID int64) error {
	return workflow.ExecuteChildWorkflow(workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:          BroadcastID(vodID),
		WorkflowTaskTimeout: TaskTimeout,
		ParentClosePolicy:   enums.PARENT_CLOSE_POLICY_ABANDON,
		StaticSummary:       "Taken up again: its workflow was lost",
	}), TypeBroadcast, BroadcastInput{VODID: vodID}).GetChildWorkflowExecution().Get(ctx, nil)
}

func tell(ctx workflow.Context, finding activities.Finding) workflow.Future {
	if finding.Recording != nil {
		return workflow.SignalExternalWorkflow(ctx, BroadcastID(finding.VODID), "", SignalRecording, *finding.Recording)
	}
	report := StreamReport{Active: finding.Active, AssetID: finding.AssetID, At: finding.At}
	return workflow.SignalExternalWorkflow(ctx, BroadcastID(finding.VODID), "", SignalStream, report)
}
