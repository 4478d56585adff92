package e2e

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/deployment/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
)

// versionOf is the build a workflow ran on last, and how it chooses its next.
func (s *system) versionOf(t *testing.T, workflowID string) (build string, behavior enums.VersioningBehavior) {
	t.Helper()
	found, err := s.operator(t).WorkflowService().DescribeWorkflowExecution(t.Context(), &workflowservice.DescribeWorkflowExecutionRequest{
		Namespace: "default", Execution: &common.WorkflowExecution{WorkflowId: workflowID},
	})
	require.NoError(t, err)
	info := found.GetWorkflowExecutionInfo().GetVersioningInfo()
	return info.GetDeploymentVersion().GetBuildId(), info.GetBehavior()
}

// TestUpgradeOfRunningWorkflows brings a second version of the worker beside
// the first, makes it the current one and ends the first, as docs/deployment.md
// tells. What is under way goes on, on the second.
func TestUpgradeOfRunningWorkflows(t *testing.T) {
	temporal := shared.operator(t).WorkflowService()
	use := func(build string) {
		t.Helper()
		require.EventuallyWithT(t, func(c *assert.CollectT) {
			_, err := temporal.SetWorkerDeploymentCurrentVersion(context.Background(), &workflowservice.SetWorkerDeploymentCurrentVersionRequest{
				Namespace: "default", DeploymentName: "byeolshow", BuildId: build, IgnoreMissingTaskQueues: build == "",
			})
			require.NoError(c, err)
		}, 30*time.Second, 200*time.Millisecond, "version %q cannot be made the current one", build)
	}
	shared.killWorker()
	t.Cleanup(func() { use(""); shared.startWorker() })
	// An order to use a version that is not known yet slows the next ones down.
	known := func(build string) {
		t.Helper()
		require.Eventually(t, func() bool {
			found, err := temporal.DescribeWorkerDeploymentVersion(context.Background(), &workflowservice.DescribeWorkerDeploymentVersionRequest{
				Namespace: "default", DeploymentVersion: &deployment.WorkerDeploymentVersion{DeploymentName: "byeolshow", BuildId: build},
			})
			return err == nil && len(found.GetVersionTaskQueues()) >= 7 // of four, all but one for workflows and activities
		}, 30*time.Second, 200*time.Millisecond, "version %s is not known", build)
	}
	first := shared.startNode(t, "worker", "WORKER_DEPLOYMENT=byeolshow", "WORKER_BUILD_ID=1")
	known("1")
	use("1")

	p, star := newShopper(t), shared.newSeller(t)
	star.connect(t)
	k := key()
	o := p.placed(p.call("POST", "/cart/checkout/", purchase(line(1, 1)), "Idempotency-Key", k))
	show, _ := star.reserveIn(t, time.Hour)
	watches := func(id, build string, behavior enums.VersioningBehavior) {
		t.Helper()
		require.Eventually(t, func() bool {
			ranOn, chooses := shared.versionOf(t, id)
			return ranOn == build && chooses == behavior
		}, 10*time.Second, 100*time.Millisecond, "%s does not run on version %s", id, build)
	}
	const pinned, upgrades = enums.VERSIONING_BEHAVIOR_PINNED, enums.VERSIONING_BEHAVIOR_AUTO_UPGRADE
	watches("checkout/"+p.id+"/"+k, "1", pinned)
	watches("order/"+o.id, "1", upgrades)
	watches("broadcast/"+strconv.Itoa(show), "1", upgrades)

	shared.startNode(t, "worker", "WORKER_DEPLOYMENT=byeolshow", "WORKER_BUILD_ID=2")
	known("2")
	use("2")
	first.stop(t)
	require.Equal(t, "success", o.verify(o.pay(nil)))
	watches("order/"+o.id, "2", upgrades)
	at := time.Now().Add(3 * time.Second).Truncate(time.Second)
	got := shared.call(t, "POST", "/media/edit/", star.token, map[string]any{"media_id": show, "started_at": at.Format(time.RFC3339)})
	require.Equal(t, 200, got.status, string(got.body))
	shared.awaitStatus(t, show, "live", time.Minute)
	watches("broadcast/"+strconv.Itoa(show), "2", upgrades)
	k = key()
	p.placed(p.call("POST", "/cart/checkout/", purchase(line(1, 1)), "Idempotency-Key", k))
	watches("checkout/"+p.id+"/"+k, "2", pinned)
	star.disconnect(t)
	shared.awaitStatus(t, show, "completed", time.Minute)
}
