// Package worker puts the workflows and activities on their task queues.
package worker

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/byeolshow/byeolshow/activities"
	"github.com/byeolshow/byeolshow/workflows"
)

// Config is what a worker needs.
type Config struct {
	Temporal   client.Client
	Activities *activities.Activities
	Rules      workflows.Rules

	// Deployment and BuildID are name and version of the worker deployment it
	// belongs to. Without a Deployment its workflows run on any worker.
	Deployment, BuildID string
}

// deployment says which workflows this worker takes. What lives long moves on
// to the newest version with its next step, and is kept compatible by
// workflow.GetVersion.
func (c Config) deployment() worker.DeploymentOptions {
	if c.Deployment == "" {
		return worker.DeploymentOptions{}
	}
	return worker.DeploymentOptions{
		UseVersioning:             true,
		Version:                   worker.WorkerDeploymentVersion{DeploymentName: c.Deployment, BuildID: c.BuildID},
		DefaultVersioningBehavior: workflow.VersioningBehaviorAutoUpgrade,
	}
}

// startsAtOnce is how many broadcasts one worker can hold ready for their
// second. Each costs a goroutine.
const startsAtOnce = 5000

// stickyWorkflows bounds the sleeping broadcasts a worker keeps in memory; the
// others are replayed when they wake.
const stickyWorkflows = 2000

// stickyPatience is how long a worker that remembers a workflow is waited for
// before any other may take its next step.
const stickyPatience = 2 * time.Second

// pollers wait for work at the server, as many as it asks for. A fixed two, the
// SDK's default, leave a burst of checkouts in the queue's backlog, where they
// were seen to lie for twenty seconds.
var pollers = worker.NewPollerBehaviorAutoscaling(worker.PollerBehaviorAutoscalingOptions{})

// Run works until its context ends, then lets what is being done finish. It
// returns an error when a worker cannot start or dies.
func Run(parent context.Context, config Config) error {
	worker.SetStickyWorkflowCacheSize(stickyWorkflows)
	ctx, die := context.WithCancelCause(parent)
	defer die(nil)
	options := worker.Options{
		WorkerStopTimeout:            10 * time.Second,
		WorkflowTaskPollerBehavior:   pollers,
		ActivityTaskPollerBehavior:   pollers,
		StickyScheduleToStartTimeout: stickyPatience,
		Interceptors:                 []interceptor.WorkerInterceptor{&activities.Blamer{}},
		DeploymentOptions:            config.deployment(),
		OnFatalError:                 func(err error) { die(fmt.Errorf("a worker died: %w", err)) },
	}
	broadcasts := worker.New(config.Temporal, workflows.QueueBroadcasts, options)
	broadcasts.RegisterWorkflowWithOptions(config.Rules.Broadcast, workflow.RegisterOptions{Name: workflows.TypeBroadcast})
	broadcasts.RegisterWorkflow(workflows.StreamWatch)
	broadcasts.RegisterWorkflow(workflows.Housekeeping)
	broadcasts.RegisterActivity(config.Activities)

	orders := worker.New(config.Temporal, workflows.QueueOrders, options)
	for name, definition := range map[string]any{workflows.TypeOrder: config.Rules.Order, workflows.TypeRefund: config.Rules.Refund} {
		orders.RegisterWorkflowWithOptions(definition, workflow.RegisterOptions{Name: name})
	}
	// What takes seconds ends on the version it began on.
	for name, definition := range map[string]any{workflows.TypeCheckout: config.Rules.Checkout, workflows.TypeCoupon: config.Rules.Coupon} {
		orders.RegisterWorkflowWithOptions(definition, workflow.RegisterOptions{Name: name, VersioningBehavior: workflow.VersioningBehaviorPinned})
	}
	orders.RegisterActivity(config.Activities)

	people := worker.New(config.Temporal, workflows.QueuePeople, options)
	for name, definition := range map[string]any{
		workflows.TypeSignUp: config.Rules.SignUp, workflows.TypeWelcome: workflows.Welcome, workflows.TypeWithdrawal: workflows.Withdrawal,
		workflows.TypeResetMail: workflows.ResetMail, workflows.TypeImageChange: config.Rules.ImageChange,
		workflows.TypeRevocation: workflows.Revocation,
	} {
		people.RegisterWorkflowWithOptions(definition, workflow.RegisterOptions{Name: name})
	}
	people.RegisterActivity(config.Activities)

	options.DisableWorkflowWorker = true
	options.MaxConcurrentActivityExecutionSize = startsAtOnce
	options.WorkerStopTimeout = time.Second
	starts := worker.New(config.Temporal, workflows.QueueStarts, options)
	starts.RegisterActivity(config.Activities.StartOnTime)

	for queue, w := range map[string]worker.Worker{
		workflows.QueueBroadcasts: broadcasts, workflows.QueueOrders: orders, workflows.QueuePeople: people,
		workflows.QueueStarts: starts,
	} {
		if err := w.Start(); err != nil {
			return fmt.Errorf("start worker of %s: %w", queue, err)
		}
		defer w.Stop()
	}
	if err := startStanding(ctx, config.Temporal); err != nil {
		return err
	}
	<-ctx.Done()
	if parent.Err() != nil {
		return nil
	}
	return context.Cause(ctx)
}

// startStanding sees to it that the workflows run of which there is one each.
func startStanding(ctx context.Context, temporal client.Client) error {
	for _, standing := range []struct {
		id, cron, summary string
		workflow          any
	}{
		{workflows.StreamWatchID, "", "Tells broadcasts what a lost webhook would have", workflows.StreamWatch},
		{workflows.HousekeepingID, workflows.HousekeepingTimes, "Forgets what nobody needs any more", workflows.Housekeeping},
	} {
		_, err := temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
			ID:                       standing.id,
			TaskQueue:                workflows.QueueBroadcasts,
			CronSchedule:             standing.cron,
			WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
			StaticSummary:            standing.summary,
		}, standing.workflow)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("start %s: %w", standing.id, err)
		}
	}
	return nil
}
