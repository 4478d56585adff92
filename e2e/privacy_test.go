package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	traces "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	spans "go.opentelemetry.io/proto/otlp/trace/v1"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/query/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"
)

// secret is what is nowhere in clear, by what it is.
type secret map[string]string

// anyJWT finds tokens of the shop, which the tests cannot know: they are JWTs.
var anyJWT = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}`)

// in lists what of the secrets is in some text, as it is or as an address or
// JSON would spell it.
func (s secret) in(text []byte) []string {
	var found []string
	for what, value := range s {
		for _, spelling := range []string{value, url.QueryEscape(value), url.PathEscape(value), asciiJSON(value)} {
			if i := bytes.Index(text, []byte(spelling)); i >= 0 {
				found = append(found, what+": "+string(text[max(0, i-200):min(len(text), i+len(spelling)+50)]))
				break
			}
		}
	}
	if at := anyJWT.FindIndex(text); at != nil {
		found = append(found, "a JWT: "+string(text[max(0, at[0]-200):at[1]]))
	}
	return found
}

// asciiJSON is a string in JSON without anything that is not ASCII.
func asciiJSON(text string) string {
	var out strings.Builder
	for _, r := range text {
		if r < 128 {
			out.WriteRune(r)
			continue
		}
		fmt.Fprintf(&out, `\u%04x`, r)
	}
	return out.String()
}

// histories are all workflows: what happened, how they are listed, and what
// their pages say.
func (s observed) histories(t *testing.T) []byte {
	t.Helper()
	operator, ctx := s.operator(t), t.Context()
	var text []byte
	keep := func(message proto.Message) {
		encoded, err := proto.Marshal(message)
		require.NoError(t, err)
		text = append(text, encoded...)
	}
	list, err := operator.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{PageSize: 1000})
	require.NoError(t, err)
	require.Greater(t, len(list.GetExecutions()), 5)
	keep(list)
	for _, found := range list.GetExecutions() {
		execution := found.GetExecution()
		events := operator.GetWorkflowHistory(ctx, execution.GetWorkflowId(), execution.GetRunId(), false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		for events.HasNext() {
			event, err := events.Next()
			require.NoError(t, err)
			keep(event)
		}
		page, err := operator.WorkflowService().QueryWorkflow(ctx, &workflowservice.QueryWorkflowRequest{
			Namespace: "default", Execution: &common.WorkflowExecution{WorkflowId: execution.GetWorkflowId(), RunId: execution.GetRunId()},
			Query: &query.WorkflowQuery{QueryType: "__temporal_workflow_metadata"},
		})
		if err == nil { // a workflow that nobody works on has no page
			keep(page)
		}
	}
	return text
}

// told is everything that anybody outside may read, by where.
func (s observed) told(t *testing.T) map[string][]byte {
	t.Helper()
	return map[string][]byte{
		"histories": s.histories(t), "lines": []byte(s.output.String()), "logs": s.collector.got("/v1/logs"),
		"traces": s.collector.got("/v1/traces"), "metrics": s.scrape(t),
	}
}

// testPrivacy has a customer buy, pay, be refused and get money back, and looks
// for the customer and for our own secrets in all that is told of it.
func (s observed) testPrivacy(t *testing.T) {
	hidden := s.secrets(t)
	s.buyAndGiveBack(t, hidden)
	require.Eventually(t, func() bool {
		return s.collector.traceOf("iamport POST /payments/cancel").path("RunActivity:GiveBack") != nil
	}, 20*time.Second, 100*time.Millisecond)
	leaks := map[string][]string{}
	for where, text := range s.told(t) {
		require.NotEmpty(t, text, where)
		if found := hidden.in(text); found != nil {
			leaks[where] = found
		}
	}
	require.Empty(t, leaks)

	// What was hidden would be found.
	require.NoError(t, s.operator(t).SignalWorkflow(t.Context(), "streams/watch", "", "nobody-listens", hidden["phone"]))
	wrong := exec.Command(s.program, "migrate")
	wrong.Env = []string{"LOG_LEVEL=" + hidden["name"]}
	wrong.Stderr = s.output
	require.Error(t, wrong.Run())
	planted, err := proto.Marshal(&traces.ExportTraceServiceRequest{ResourceSpans: []*spans.ResourceSpans{
		{ScopeSpans: []*spans.ScopeSpans{{Spans: []*spans.Span{{Name: url.QueryEscape(hidden["address"])}}}}},
	}})
	require.NoError(t, err)
	require.Equal(t, 200, call(t, "POST", s.collector.URL+"/v1/traces", "", planted).status)
	require.Equal(t, 200, call(t, "POST", s.collector.URL+"/v1/logs", "", []byte{}).status)
	told := s.told(t)
	for where, what := range map[string]string{"histories": "phone", "lines": "name", "traces": "address"} {
		require.NotEmpty(t, secret{what: hidden[what]}.in(told[where]), where)
	}
	require.NotEmpty(t, secret{}.in([]byte("token="+hidden["session"])))
	require.NotEmpty(t, secret{"name": "홍"}.in([]byte(`{"full":"\ud64d"}`)))
}

// secrets are those of the house.
func (s observed) secrets(t *testing.T) secret {
	t.Helper()
	hidden := secret{}
	var file map[string]string
	require.NoError(t, json.Unmarshal([]byte(readFile(t, s.dir, "secrets.json")), &file))
	for name, value := range file {
		value = strings.TrimPrefix(value, "dev:")
		if lines := strings.Split(value, "\n"); len(lines) > 2 { // a PEM block
			value = lines[1]
		}
		require.NotEmpty(t, value, name)
		hidden[name] = value
	}
	require.Greater(t, len(hidden), 10)
	got := call(t, "POST", "http://"+s.sandbox+"/iamport/users/getToken", "", map[string]string{
		"imp_key": file["iamport_key"], "imp_secret": file["iamport_secret"],
	})
	hidden["iamport token"] = got.object(t)["response"].(map[string]any)["access_token"].(string)
	hidden["stream key"] = shared.newSeller(t).key
	return hidden
}

// iamportKnows is a payment with all that Iamport knows of it.
func (s observed) iamportKnows(t *testing.T, token, impUID string) map[string]any {
	t.Helper()
	got := call(t, "GET", "http://"+s.sandbox+"/iamport/payments/"+impUID, "", nil, "Authorization", token)
	return got.object(t)["response"].(map[string]any)
}

// buyAndGiveBack is a customer's whole story, with bad days in it. What is
// nobody's business is added to hidden.
func (s observed) buyAndGiveBack(t *testing.T, hidden secret) {
	t.Helper()
	p := newShopper(t)
	for what, value := range map[string]string{
		"mail": p.userID + "@byeolshow.example", "user id": p.userID, "password": "pass1234!", "session": p.token,
		"name": "홍길순비밀", "phone": "01098765432", "address": "비밀로 98번길 76", "holder": "예금주비밀", "account": "110987654321",
	} {
		hidden[what] = value
	}
	got := shopSend(t, "PUT", "/customers/"+p.id, map[string]any{
		"name": map[string]any{"full": hidden["name"]}, "mobile": hidden["phone"],
		"meta": map[string]any{"refund_holder": hidden["holder"], "refund_bank": "04", "refund_account": hidden["account"]},
	})
	require.Equal(t, 200, got.status, string(got.body))
	buy := func() order {
		where := home()
		where["name"], where["mobile"], where["address1"] = map[string]any{"full": hidden["name"]}, hidden["phone"], hidden["address"]
		body := purchase(line(1, 2))
		body["payload"].(map[string]any)["address"] = map[string]any{"shipping": where, "billing": where}
		body["payload"].(map[string]any)["request"] = "부재시 " + hidden["phone"]
		return p.placed(p.call("POST", "/cart/checkout/", body, "Idempotency-Key", key()))
	}
	reason := map[string]any{"payload": map[string]any{"reason": hidden["name"] + " " + hidden["phone"]}}

	// By card, the shop's answer lost, Iamport broken for a moment.
	fault(t, map[string]any{"vendor": "clayful", "method": "POST", "path": "/v1/customers/" + p.id + "/cart/checkout", "mode": "drop", "times": 1})
	card := buy()
	impUID := card.pay(map[string]any{"notify": true})
	require.Equal(t, "success", card.verify(impUID))
	hidden["card"] = s.iamportKnows(t, hidden["iamport token"], impUID)["card_number"].(string)
	require.Equal(t, 200, card.call("PUT", "/order/"+card.id, map[string]any{"payload": map[string]any{"request": hidden["address"]}}).status)
	fault(t, map[string]any{"vendor": "iamport", "method": "POST", "path": "/payments/cancel", "mode": "drop", "times": 1})
	fault(t, map[string]any{"vendor": "clayful", "method": "PUT", "path": "/v1/orders/" + card.id, "mode": "error", "times": 2})
	refund, amount := card.requested(card.call("POST", "/refund/"+card.id+"/", map[string]any{"payload": map[string]any{
		"reason": hidden["phone"], "items": []any{card.piece(0, 1)}, "shipments": []string{},
	}}))
	require.Equal(t, 200, card.accept(refund).status)

	// Into a virtual account, and back to the customer's own.
	vbank := buy()
	impUID = vbank.pay(map[string]any{"pay_method": "vbank", "outcome": "ready", "expires_in": 600})
	require.Equal(t, "vbankIssued", vbank.verify(impUID))
	hidden["virtual account"] = s.iamportKnows(t, hidden["iamport token"], impUID)["vbank_num"].(string)
	shared.control(t, "POST", "/iamport/deposit", map[string]any{"imp_uid": impUID, "notify": true})
	vbank.awaitStatus("paid", 20*time.Second)
	require.Equal(t, 200, vbank.call("GET", "/payment/pay_info/?order_id="+vbank.id, nil).status)
	back, whole := vbank.requested(vbank.call("POST", "/refund/"+vbank.id+"/", map[string]any{"payload": map[string]any{
		"reason": hidden["account"], "items": []any{vbank.piece(0, 2)}, "shipments": []string{vbank.shipment(0)},
	}}))
	require.Equal(t, 200, vbank.accept(back).status)

	// Cancelled, refused, and refused again.
	unpaid := buy()
	require.Equal(t, 200, unpaid.call("POST", "/order/cancel/"+unpaid.id+"/", reason).status)
	require.Equal(t, 400, vbank.call("POST", "/order/cancel/"+vbank.id+"/", reason).status)
	require.Equal(t, 400, s.call(t, "POST", "/user/auth/", "", map[string]string{"userId": p.userID, "password": hidden["phone"]}).status)
	require.Equal(t, 401, s.call(t, "GET", "/order/", p.token[:len(p.token)-2], nil).status)
	odd := purchase(line(1, 1))
	odd["payload"].(map[string]any)["address"] = map[string]any{"shipping": map[string]any{"name": hidden["name"], "mobile": hidden["phone"]}}
	require.Equal(t, 400, p.call("POST", "/cart/checkout/", odd).status)

	card.awaitReturned(amount, 1)
	card.awaitStatus("partially-refunded", time.Minute)
	vbank.awaitReturned(whole, 1)
	vbank.awaitStatus("refunded", time.Minute)
}
