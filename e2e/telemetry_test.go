package e2e

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
)

// observed is a system of its own that tells all it can.
type observed struct {
	*system

	collector *collector
	metrics   []string // where API and worker tell their metrics
	health    string   // the worker's
}

// observe has the tests' own means work on a system that tells all it can, until
// the test ends.
func observe(t *testing.T) observed {
	t.Helper()
	dir, err := os.MkdirTemp("", "byeolshow-observed-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o755)) // Postgres is another user
	receiver := newCollector(t)
	var free [3]string
	for i := range free {
		free[i], err = freeAddress()
		require.NoError(t, err)
	}
	port := func(address string) string {
		_, port, err := net.SplitHostPort(address)
		require.NoError(t, err)
		return port
	}
	s, err := newSystem(shared.program, filepath.Join(dir, "data"), "LOG_LEVEL=debug", "HEALTH_ADDR="+free[2],
		"OTEL_EXPORTER_OTLP_ENDPOINT="+receiver.URL, "OTEL_BSP_SCHEDULE_DELAY=200", "OTEL_BLRP_SCHEDULE_DELAY=200",
		"OTEL_METRICS_EXPORTER=prometheus", "OTEL_EXPORTER_PROMETHEUS_HOST=127.0.0.1", "OTEL_EXPORTER_PROMETHEUS_PORT="+port(free[0]))
	require.NoError(t, err)
	t.Cleanup(s.stop)
	require.NoError(t, s.startDev(), s.output)
	s.besides = append(s.besides, "OTEL_EXPORTER_PROMETHEUS_PORT="+port(free[1]))
	s.startWorker()
	other := shared
	shared = s
	t.Cleanup(func() { shared = other })
	return observed{s, receiver, free[:2], free[2]}
}

func TestSeenFromOutside(t *testing.T) { //nolint:paralleltest // the tests' means are of one system at a time
	o := observe(t)
	t.Run("health", o.testHealth)
	t.Run("one trace", o.testOneTrace)
	t.Run("metrics", o.testMetrics)
	t.Run("privacy", o.testPrivacy)
}

// testOneTrace follows a checkout and the verification of its payment.
func (s observed) testOneTrace(t *testing.T) {
	o, _ := newShopper(t).paid(line(1, 1))
	var trace tree
	require.Eventually(t, func() bool {
		trace = s.collector.traceOf("POST /cart/checkout")
		return trace.path("RunWorkflow:Checkout") != nil && trace.path("RunWorkflow:Checkout")[0] == "POST /cart/checkout"
	}, 20*time.Second, 100*time.Millisecond, "%v", trace)
	const place = "StartActivity:PlaceOrder"
	for _, path := range [][]string{
		{"POST /cart/checkout", "StartWorkflow:Checkout", "RunWorkflow:Checkout", place, "RunActivity:PlaceOrder", "clayful POST /v1/customers/{id}/cart/checkout/order"},
		{"POST /cart/checkout", "RunWorkflow:Checkout", "RunActivity:PlaceOrder", "INSERT"},
		{"POST /cart/checkout", "RunWorkflow:Checkout", "RunActivity:RegisterPrice", "iamport POST /payments/prepare"},
		{"POST /cart/checkout", "RunWorkflow:Checkout", "StartChildWorkflow:Order"},
	} {
		trace.requirePath(t, path...)
	}
	for _, span := range trace {
		require.NotContains(t, span.GetName(), o.id)
	}
	require.Eventually(t, func() bool {
		trace = s.collector.traceOf("POST /payment/verify")
		return trace.path("clayful PUT /v1/orders/{id}/transactions") != nil
	}, 20*time.Second, 100*time.Millisecond, "%v", trace)
	trace.requirePath(t, "POST /payment/verify", "UpdateWithStartWorkflow:settle", "HandleUpdate:settle", "RunActivity:SyncPaid", "clayful PUT /v1/orders/{id}/transactions")
}

// testHealth has Temporal stop for a while.
func (s observed) testHealth(t *testing.T) {
	ready := func(address string) answer {
		got, err := try("GET", "http://"+address+"/readyz", "", nil)
		if err != nil {
			return answer{}
		}
		return got
	}
	for _, address := range []string{s.api, s.health} {
		require.Eventually(t, func() bool { return ready(address).status == 200 }, 20*time.Second, 100*time.Millisecond)
		require.JSONEq(t, `{"status":"ok","parts":{"postgres":"ok","temporal":"ok"}}`, string(ready(address).body))
	}
	pid, err := strconv.Atoi(strings.TrimSpace(readFile(t, s.dir, "run", "temporal.pid")))
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(pid, syscall.SIGSTOP))
	defer func() { _ = syscall.Kill(pid, syscall.SIGCONT) }()
	for _, address := range []string{s.api, s.health} {
		var got answer
		require.Eventually(t, func() bool { got = ready(address); return got.status == 503 }, 20*time.Second, 100*time.Millisecond)
		require.JSONEq(t, `{"status":"unavailable","parts":{"postgres":"ok","temporal":"unreachable"}}`, string(got.body))
		require.Equal(t, 200, call(t, "GET", "http://"+address+"/healthz", "", nil).status, "it lives")
	}
	require.NoError(t, syscall.Kill(pid, syscall.SIGCONT))
	require.Eventually(t, func() bool { return ready(s.api).status == 200 }, 10*time.Second, 100*time.Millisecond)
}

// testMetrics has all that is measured happen, the bad things too.
func (s observed) testMetrics(t *testing.T) {
	star := shared.newSeller(t)
	live, _ := star.reserveIn(t, 2*time.Second)
	star.connect(t)
	s.awaitStatus(t, live, "live", 30*time.Second)
	enter(t, s.api, live, "별하나").send(t, map[string]any{"message": "안녕하세요"})
	flooder := enter(t, s.api, live, "별둘")
	for range 200 { // until the server has had enough
		_ = flooder.ws.Write(t.Context(), websocket.MessageText, []byte("?"))
	}
	_, _ = shared.newSeller(t).reserveIn(t, time.Second) // which nobody comes to
	fault(t, map[string]any{"vendor": "clayful", "method": "GET", "path": "/v1/coupons", "mode": "drop", "times": 6})
	require.Equal(t, 503, s.call(t, "GET", "/coupon/manager/", "", nil).status)
	stuck, err := s.operator(t).ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{
		ID: "order/stuck", TaskQueue: "nobody's", TypedSearchAttributes: temporal.NewSearchAttributes(
			temporal.NewSearchAttributeKeyKeyword("StuckReason").ValueSet("it's a test"),
			temporal.NewSearchAttributeKeyKeyword("OrderStage").ValueSet("vbank-issued")),
	}, "Order")
	require.NoError(t, err)
	s.requireMetrics(t)
	for _, line := range []string{
		`byeolshow_stuck{.*reason="it's a test"} 1`, `byeolshow_orders{.*stage="vbank-issued"} 1`, `byeolshow_broadcasts_overdue{.*} 1`,
		`broadcast_late_seconds_count{.*} 1`, `byeolshow_chat_connections{.*} 1`, `byeolshow_chat_people{.*} 1`, `byeolshow_chat_messages_total{.*} 1`,
		`byeolshow_chat_closed_total{.*reason="too-many-messages"} 1`, `http_client_request_duration_seconds_count{error_type=.*http_route="/v1/coupons".*vendor="clayful"} 3`,
		`http_server_request_duration_seconds_count{.*http_response_status_code="503",http_route="/coupon/manager".*} 1`,
	} {
		require.Eventually(t, func() bool { return regexp.MustCompile(line).Match(s.scrape(t)) }, 30*time.Second, 500*time.Millisecond, line)
	}
	require.NoError(t, s.operator(t).TerminateWorkflow(t.Context(), stuck.GetID(), "", "the test is over"))
	require.Eventually(t, func() bool { return !bytes.Contains(s.scrape(t), []byte("byeolshow_stuck{")) }, 30*time.Second, 500*time.Millisecond)
}

// scrape reads the metrics of API and worker as Prometheus does.
func (s observed) scrape(t *testing.T) []byte {
	t.Helper()
	var pages []byte
	for _, address := range s.metrics {
		pages = append(pages, call(t, "GET", "http://"+address+"/metrics", "", nil).body...)
	}
	return pages
}
