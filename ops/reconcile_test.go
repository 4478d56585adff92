package ops

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/mocks"

	"github.com/byeolshow/byeolshow/clients/clayful"
	"github.com/byeolshow/byeolshow/clients/iamport"
)

func TestProblemsAreFound(t *testing.T) {
	t.Parallel()
	const good = `{"imp_uid":"imp_1","amount":1000,"paid_at":5,"currency":"KRW"}`
	const refund = `{"_id":"R1","status":"accepted","total":{"price":{"withTax":{"raw":400}}}}`
	for name, c := range map[string]struct {
		order, payments string
		want            []Kind
	}{
		"paid":   {`{"status":"paid","total":{"amount":1000},"transactions":[{"paid":1000}]}`, `[` + good + `]`, nil},
		"unpaid": {`{"status":"placed","total":{"amount":1000}}`, `[]`, nil},
		"failed": {`{"status":"placed","total":{"amount":1000}}`, `[{"imp_uid":"i","amount":1000,"paid_at":0,"status":"failed"}]`, nil},
		"twice":  {`{"status":"over-paid","total":{"amount":1000}}`, `[` + good + `,{"imp_uid":"imp_2","amount":1000,"paid_at":6}]`, []Kind{PaidTwice}},
		"twice, mended": {
			`{"status":"paid","total":{"amount":1000},"transactions":[{"paid":2000,"cancelled":1000}]}`,
			`[` + good + `,{"imp_uid":"imp_2","amount":1000,"cancel_amount":1000,"paid_at":6,"cancel_history":[{"amount":1000,"reason":"x [return imp_2]"}]}]`, nil,
		},
		"too little": {`{"status":"under-paid","total":{"amount":1100}}`, `[` + good + `]`, []Kind{WrongAmount}},
		"returned in the console": {
			`{"status":"paid","total":{"amount":1000},"transactions":[{"paid":1000,"cancelled":1000}]}`,
			`[{"imp_uid":"imp_1","amount":1000,"cancel_amount":1000,"paid_at":5,"cancel_history":[{"amount":1000,"reason":"console"}]}]`,
			[]Kind{ReturnedUnasked},
		},
		"returned by an operator": {
			`{"status":"over-refunded","total":{"amount":1000},"transactions":[{"paid":1000,"cancelled":300}]}`,
			`[{"imp_uid":"imp_1","amount":1000,"cancel_amount":300,"paid_at":5,"cancel_history":[{"amount":300,"reason":"x [operator refund 300 of 1000 won]"}]}]`, nil,
		},
		"returned before the shop heard of it": {
			`{"status":"placed","total":{"amount":1000}}`,
			`[{"imp_uid":"imp_1","amount":1000,"cancel_amount":1000,"paid_at":5,"cancel_history":[{"amount":1000,"reason":"console"}]}]`, nil,
		},
		"cancelled, and returned": {
			`{"status":"cancelled","total":{"amount":1000}}`,
			`[{"imp_uid":"imp_1","amount":1000,"cancel_amount":1000,"paid_at":5,"cancel_history":[{"amount":1000,"reason":"x [return imp_1]"}]}]`, nil,
		},
		"refunded once more by hand": {
			`{"status":"over-refunded","total":{"amount":1000},"transactions":[{"paid":1000,"cancelled":800}],"refunds":[` + refund + `]}`,
			`[{"imp_uid":"imp_1","amount":1000,"cancel_amount":800,"paid_at":5,"cancel_history":[{"amount":400,"reason":"refund R1"},{"amount":400,"reason":"again"}]}]`,
			[]Kind{ReturnedUnasked},
		},
		"not marked":           {`{"status":"placed","total":{"amount":1000}}`, `[` + good + `]`, []Kind{NotMarked}},
		"not paid":             {`{"status":"paid","total":{"amount":1000},"transactions":[{"paid":1000}]}`, `[]`, []Kind{MarkedUnpaid}},
		"kept":                 {`{"status":"cancelled","total":{"amount":1000}}`, `[` + good + `]`, []Kind{Kept}},
		"too much":             {`{"status":"over-paid","total":{"amount":900}}`, `[` + good + `]`, []Kind{WrongAmount}},
		"live, and never paid": {`{"status":"paid","total":{"amount":1000}}`, `[]`, []Kind{MarkedUnpaid}},
		"live, and its payment was not right": {
			`{"status":"paid","total":{"amount":1000},"transactions":[{"paid":1000,"cancelled":1000}]}`,
			`[{"imp_uid":"imp_1","amount":1000,"cancel_amount":1000,"paid_at":5,"cancel_history":[{"amount":1000,"reason":"x [return imp_1]"}]}]`,
			[]Kind{MarkedUnpaid},
		},
		"free": {`{"status":"paid","total":{"amount":0}}`, `[]`, nil},
		"refunded, and the shop does not know": {
			`{"status":"under-refunded","total":{"amount":1000},"transactions":[{"paid":1000,"cancelled":0}],"refunds":[` + refund + `]}`,
			`[{"imp_uid":"imp_1","amount":1000,"cancel_amount":400,"paid_at":5,"cancel_history":[{"amount":400,"reason":"환불 [refund R1]"}]}]`,
			[]Kind{NotTakenOver},
		},
		"not refunded": {`{"status":"under-refunded","total":{"amount":1000},"refunds":[` + refund + `]}`, `[` + good + `]`, []Kind{RefundMissing}},
		"refunded": {
			`{"status":"partially-refunded","total":{"amount":1000},"transactions":[{"paid":1000,"cancelled":400}],"refunds":[` + refund + `]}`,
			`[{"imp_uid":"imp_1","amount":1000,"cancel_amount":400,"paid_at":5,"cancel_history":[{"amount":400,"reason":"환불 [refund R1]"}]}]`, nil,
		},
		"refunded twice": {
			`{"status":"over-refunded","total":{"amount":1000},"transactions":[{"paid":1000,"cancelled":800}],"refunds":[` + refund + `]}`,
			`[{"imp_uid":"imp_1","amount":1000,"cancel_amount":800,"paid_at":5,"cancel_history":[{"amount":400,"reason":"refund R1"},{"amount":400,"reason":"refund R1"}]}]`,
			[]Kind{RefundDoubled},
		},
		"refunded too early": {
			`{"status":"over-refunded","total":{"amount":1000},"transactions":[{"paid":1000,"cancelled":400}],"refunds":[{"_id":"R1","status":"requested","total":{"price":{"withTax":400}}}]}`,
			`[{"imp_uid":"imp_1","amount":1000,"cancel_amount":400,"paid_at":5,"cancel_history":[{"amount":400,"reason":"refund R1"}]}]`,
			[]Kind{RefundTooEarly},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var order clayful.Order
			var payments []iamport.Payment
			require.NoError(t, json.Unmarshal([]byte(c.order), &order))
			require.NoError(t, json.Unmarshal([]byte(c.payments), &payments))
			var got []Kind
			for _, p := range append(moneyProblems(order, payments), refundProblems(order, payments)...) {
				got = append(got, p.Kind)
				require.NotEmpty(t, p.Detail)
			}
			require.Equal(t, c.want, got)
		})
	}
}

func TestUnwatchedOrdersAreFound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status enums.WorkflowExecutionStatus
		err    error
		found  bool
	}{
		"running":    {enums.WORKFLOW_EXECUTION_STATUS_RUNNING, nil, false},
		"over":       {enums.WORKFLOW_EXECUTION_STATUS_COMPLETED, nil, false},
		"terminated": {enums.WORKFLOW_EXECUTION_STATUS_TERMINATED, nil, true},
		"failed":     {enums.WORKFLOW_EXECUTION_STATUS_FAILED, nil, true},
		"none":       {0, serviceerror.NewNotFound("none"), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			temporal := &mocks.Client{}
			described := &client.WorkflowExecutionDescription{WorkflowExecutionMetadata: client.WorkflowExecutionMetadata{Status: c.status}}
			temporal.On("DescribeWorkflow", mock.Anything, "order/X", "").Return(described, c.err)
			problem, err := Books{Temporal: temporal}.unwatched(t.Context(), "order/X")
			require.NoError(t, err)
			require.Equal(t, c.found, problem != "", problem)
		})
	}
}

// TestAFinishedRefundNeedsNoWorkflow: Temporal forgets those that are over.
func TestAFinishedRefundNeedsNoWorkflow(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status, history string
		want            bool
	}{
		"requested":             {"requested", `[]`, true},
		"accepted, money to go": {"accepted", `[]`, true},
		"accepted, money back":  {"accepted", `[{"amount":400,"reason":"refund R1"}]`, false},
		"cancelled":             {"cancelled", `[]`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var refund clayful.Refund
			require.NoError(t, json.Unmarshal([]byte(`{"_id":"R1","status":"`+c.status+`","total":{"price":{"withTax":{"raw":400}}}}`), &refund))
			var payments []iamport.Payment
			require.NoError(t, json.Unmarshal([]byte(`[{"imp_uid":"imp_1","amount":1000,"paid_at":5,"cancel_history":`+c.history+`}]`), &payments))
			require.Equal(t, c.want, unfinished(refund, payments))
		})
	}
}
