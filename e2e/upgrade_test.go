package e2e

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
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
	first := shared.startNode(t, "worker", "WORKER_DEPLOYMENT=byeolshow", "WORKER_BUILD_ID=1")
	use("1")

	p, star := newShopper(t), shared.newSeller(t)
	star.connect(t)
	k := key()
	o := p.placed(p.call("POST", "/cart/checkout/", purchase(line(1, 1)), "Idempotency-Key", k))
	show, at := star.reserveIn(t, 20*time.Second)
	watches := func(id, build string, behavior enums.VersioningBehavior) {
		t.Helper()
		require.Eventually(t, func() bool {
			ranOn, chooses := shared.versionOf(t, id)
			return ranOn == build && chooses == behavior
		}, 30*time.Second, 100*time.Millisecond, "%s does not run on version %s", id, build)
	}
	const pinned, upgrades = enums.VERSIONING_BEHAVIOR_PINNED, enums.VERSIONING_BEHAVIOR_AUTO_UPGRADE
	watches("checkout/"+p.id+"/"+k, "1", pinned)
	watches("order/"+o.id, "1", upgrades)
	watches("broadcast/"+strconv.Itoa(show), "1", upgrades)

	shared.startNode(t, "worker", "WORKER_DEPLOYMENT=byeolshow", "WORKER_BUILD_ID=2")
	use("2")
	first.stop(t)
	require.Equal(t, "success", o.verify(o.pay(nil)))
	watches("order/"+o.id, "2", upgrades)
	shared.awaitStatus(t, show, "live", time.Minute)
	require.Less(t, time.Since(at), 10*time.Second)
	watches("broadcast/"+strconv.Itoa(show), "2", upgrades)
	k = key()
	p.placed(p.call("POST", "/cart/checkout/", purchase(line(1, 1)), "Idempotency-Key", k))
	watches("checkout/"+p.id+"/"+k, "2", pinned)
	star.disconnect(t)
	shared.awaitStatus(t, show, "completed", time.Minute)
}
