package workflows_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/byeolshow/byeolshow/activities"
	"github.com/byeolshow/byeolshow/model"
	"github.com/byeolshow/byeolshow/workflows"
)

func TestCouponIsAskedForOnceAndLookedForUntilItIsKnown(t *testing.T) {
	t.Parallel()
	silent := errors.New("connection cut")
	given, refused := json.RawMessage(`{"_id":"CXVPXN222222"}`), &model.Error{Code: "expired-coupon", Status: 400}
	notGiven := &model.Error{Code: model.CodeNoUpstream}
	for name, c := range map[string]struct {
		give    error
		settle  []error // in turn; the last one goes on
		refusal *model.Error
		looks   int
	}{
		"given":                      {},
		"refused":                    {give: activities.Refuse(refused), refusal: refused},
		"given before":               {give: activities.Refuse(model.ErrIssued), refusal: model.ErrIssued},
		"unknown, given":             {give: silent, settle: []error{nil}, looks: 1},
		"unknown, not given":         {give: silent, settle: []error{silent, activities.Refuse(notGiven)}, refusal: notGiven, looks: 2},
		"the shop is down for hours": {give: silent, settle: append(slices.Repeat([]error{silent}, 200), nil), looks: 201},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var suite testsuite.WorkflowTestSuite
			env := suite.NewTestWorkflowEnvironment()
			env.SetTestTimeout(time.Minute)
			env.RegisterWorkflowWithOptions(workflows.Coupon, workflow.RegisterOptions{Name: workflows.TypeCoupon})
			var steps *activities.Activities
			asked, looks := 0, 0
			env.OnActivity(steps.GiveCoupon, anything, anything).Return(func(context.Context, activities.Issue) (json.RawMessage, error) {
				asked++
				return given, c.give
			}).Maybe()
			env.OnActivity(steps.SettleIssue, anything, anything).Return(func(context.Context, activities.Issue) (json.RawMessage, error) {
				looks++
				return given, c.settle[looks-1]
			}).Maybe()
			env.ExecuteWorkflow(workflows.TypeCoupon, workflows.CouponInput{CustomerID: "CUSTXMER2222", CouponID: "CXVPXN222222"})
			require.True(t, env.IsWorkflowCompleted())
			require.Equal(t, 1, asked)
			require.Equal(t, c.looks, looks)
			err := env.GetWorkflowError()
			if c.refusal != nil {
				require.Equal(t, c.refusal, workflows.RefusalOf(err))
				return
			}
			require.NoError(t, err)
			var answer json.RawMessage
			require.NoError(t, env.GetWorkflowResult(&answer))
			require.JSONEq(t, string(given), string(answer))
		})
	}
}
