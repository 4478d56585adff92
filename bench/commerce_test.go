package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/byeolshow/byeolshow/workflows"
)

// upstream is how late every call to a vendor is answered.
const upstream = 50 * time.Millisecond

// ask makes a call and decodes its answer.
func ask(method, url, token string, body, into any, headers ...string) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequest(method, url, bytes.NewReader(text)) //nolint:noctx // a benchmark
	if err != nil {
		return err
	}
	request.Header.Set("Custom-Token", token)
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode > 299 {
		return fmt.Errorf("%s %s: %d %s %w", method, url, response.StatusCode, answer, err)
	}
	if header, ok := into.(*string); ok {
		*header = response.Header.Get("Custom-Token")
		return nil
	}
	return json.Unmarshal(answer, into)
}

func (h *house) logIn(b *testing.B) (token string) {
	b.Helper()
	require.NoError(b, ask("POST", h.api+"/user/auth/", "", map[string]string{"userId": "demo2", "password": "demo1234!"}, &token))
	return token
}

// delay has every vendor answer late.
func (h *house) delay(b *testing.B) {
	b.Helper()
	for _, vendor := range []string{"clayful", "iamport"} {
		fault := map[string]any{"vendor": vendor, "mode": "delay", "ms": upstream.Milliseconds()}
		require.NoError(b, ask("POST", h.sandbox+"/control/faults", "", fault, &map[string]any{}))
	}
}

var serial atomic.Int64

type purchase struct {
	id     string
	amount int64
	took   time.Duration
}

// checkout buys one item under a fresh key.
func (h *house) checkout(token string) (purchase, error) {
	home := map[string]any{"name": map[string]any{"full": "데모"}, "postcode": "06236", "country": "KR", "state": "서울", "city": "강남구", "address1": "테헤란로 152"}
	body := map[string]any{"payload": map[string]any{
		"paymentMethod": "clayful-iamport", "address": map[string]any{"shipping": home, "billing": home},
		"items": []any{map[string]any{"_id": "a", "product": "PRDUCT222223", "variant": "VRDUCT222223", "quantity": 1, "shippingMethod": "SHPMETHPARC2"}},
	}}
	var placed struct {
		Order struct {
			ID    string `json:"_id"`
			Total struct {
				Amount int64 `json:"amount"`
			} `json:"total"`
		} `json:"order"`
	}
	began := time.Now()
	err := ask("POST", h.api+"/cart/checkout/", token, body, &placed, "Idempotency-Key", fmt.Sprint("bench-", serial.Add(1)))
	return purchase{placed.Order.ID, placed.Order.Total.Amount, time.Since(began)}, err
}

// pay approves the payment and has it verified, which takes how long it says.
func (h *house) pay(p purchase) (time.Duration, error) {
	var paid struct {
		ImpUID string `json:"imp_uid"`
	}
	if err := ask("POST", h.sandbox+"/control/iamport/pay", "", map[string]any{"merchant_uid": p.id, "notify": false}, &paid); err != nil {
		return 0, err
	}
	var verdict struct {
		Status string `json:"status"`
	}
	began := time.Now()
	err := ask("POST", h.api+"/payment/verify/", "", map[string]any{"imp_uid": paid.ImpUID, "merchant_uid": p.id, "amount": p.amount}, &verdict)
	if err == nil && verdict.Status != "success" {
		err = fmt.Errorf("verdict: %s", verdict.Status)
	}
	return time.Since(began), err
}

func median(list []time.Duration) time.Duration {
	slices.Sort(list)
	return list[len(list)/2]
}

func milliseconds(d time.Duration) float64 { return d.Seconds() * 1000 }

// Upstream calls that follow each other. A checkout: the order, its price. A
// verification: the payment beside the order, then the shop, which itself asks
// Iamport for a token and for the payments.
const (
	checkoutCalls = 2
	verifyCalls   = 4
)

// BenchmarkCheckoutToPaid: one client, every upstream call 50 ms late, the
// payment approved at once.
func BenchmarkCheckoutToPaid(b *testing.B) {
	h := start(b)
	token := h.logIn(b)
	h.delay(b)
	var whole, own []time.Duration
	var id string
	for i := range 40 {
		p, err := h.checkout(token)
		require.NoError(b, err)
		verified, err := h.pay(p)
		require.NoError(b, err)
		if i < 10 { // connections and tokens
			continue
		}
		whole = append(whole, p.took+verified)
		own = append(own, p.took-checkoutCalls*upstream)
		id = p.id
	}
	b.ReportMetric(milliseconds(median(whole)), "ms-checkout-to-paid")
	b.ReportMetric(milliseconds(median(whole)-(checkoutCalls+verifyCalls)*upstream), "ms-over-upstream")
	b.ReportMetric(milliseconds(median(own)), "ms-fixed-of-checkout")
	var events int64
	for _, workflow := range []string{workflows.OrderID(id), workflows.CheckoutID("DEM222222AA3", fmt.Sprint("bench-", serial.Load()))} {
		described, err := h.temporal.DescribeWorkflowExecution(b.Context(), workflow, "")
		require.NoError(b, err)
		events += described.GetWorkflowExecutionInfo().GetHistoryLength()
	}
	b.ReportMetric(float64(events), "events-per-order")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkCheckouts: 16 clients for a minute, every upstream call 50 ms late.
func BenchmarkCheckouts(b *testing.B) {
	h := start(b)
	token := h.logIn(b)
	h.delay(b)
	const clients, lasts = 16, time.Minute
	var mu sync.Mutex
	var took []time.Duration
	var group errgroup.Group
	deadline := time.Now().Add(lasts)
	for range clients {
		group.Go(func() error {
			for time.Now().Before(deadline) {
				p, err := h.checkout(token)
				if err != nil {
					return err
				}
				mu.Lock()
				took = append(took, p.took)
				mu.Unlock()
			}
			return nil
		})
	}
	require.NoError(b, group.Wait())
	b.ReportMetric(float64(len(took))/lasts.Seconds(), "checkouts/s")
	b.ReportMetric(milliseconds(median(took)), "ms-median")
	b.ReportMetric(milliseconds(took[len(took)*99/100]), "ms-p99")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkProductList: the first page of all products, warm against a bare
// handler, and cold against the one call to the shop it takes.
func BenchmarkProductList(b *testing.B) {
	h := start(b)
	url := h.api + "/product/collection/?page=1"
	var list []json.RawMessage
	require.NoError(b, ask("GET", url, "", nil, &list))
	require.NotEmpty(b, list)
	response, err := http.Get(url) //nolint:noctx // a benchmark
	require.NoError(b, err)
	body, err := io.ReadAll(response.Body)
	require.NoError(b, err)
	require.NoError(b, response.Body.Close())
	againstBare(b, url, "", body)
	h.delay(b)
	var cold []time.Duration
	for page := range 21 { // pages nobody has asked for
		began := time.Now()
		require.NoError(b, ask("GET", fmt.Sprintf("%s/product/collection/?page=%d", h.api, 2+page), "", nil, &list))
		cold = append(cold, time.Since(began))
	}
	b.ReportMetric(milliseconds(median(cold))/milliseconds(upstream), "of-upstream-cold")
}
