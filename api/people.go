package api

import (
	"context"
	"errors"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/byeolshow/byeolshow/workflows"
)

// personal is a workflow of one person, started unless it runs.
func personal(id, summary string, attributes temporal.SearchAttributes) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		ID:                       id,
		TaskQueue:                workflows.QueuePeople,
		WorkflowTaskTimeout:      workflows.TaskTimeout,
		WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		StaticSummary:            summary,
		TypedSearchAttributes:    attributes,
	}
}

// answered waits for what an update has to say.
func answered(ctx context.Context, handle client.WorkflowUpdateHandle, err error) error {
	if err == nil {
		err = handle.Get(ctx, nil)
	}
	if refusal := workflows.RefusalOf(err); refusal != nil {
		return refusal
	}
	if err != nil && (ctx.Err() != nil || endedMeanwhile(err)) {
		return errors.Join(errTryLater, err)
	}
	return err
}
