package iamport_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/byeolshow/byeolshow/embedded/embeddedtest"
	"github.com/byeolshow/byeolshow/sandbox/fault"
	"github.com/byeolshow/byeolshow/sandbox/iamport"
	"github.com/byeolshow/byeolshow/sandbox/webhook"
)

func TestMain(m *testing.M) { embeddedtest.Main(m) }

// bank is an Iamport, its control, and the shop its notices go to.
type bank struct {
	t      *testing.T
	pool   *pgxpool.Pool
	faults *fault.Book
	notice string // where notices go
	url    string
	token  string

	mu      sync.Mutex
	notices []map[string]any
}

func newBank(t *testing.T) *bank {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), embeddedtest.Database(t))
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	require.NoError(t, webhook.Migrate(t.Context(), pool))
	b := &bank{t: t, pool: pool, faults: fault.NewBook()}
	shop := httptest.NewServer(http.HandlerFunc(b.receive))
	t.Cleanup(shop.Close)
	b.notice = shop.URL
	b.start()
	return b
}

// start opens a server on the state that is there.
func (b *bank) start() {
	b.t.Helper()
	sender := &webhook.Sender{
		Pool: b.pool, Vendor: "iamport", Sign: func(http.Header, []byte, time.Time) {}, Faults: b.faults, Logger: slog.New(slog.DiscardHandler),
	}
	server, err := iamport.New(b.t.Context(), b.pool, iamport.Config{
		Key: "key", Secret: "secret", NoticeURL: b.notice, Sender: sender, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(b.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- sender.Run(ctx) }()
	b.t.Cleanup(func() { cancel(); require.NoError(b.t, <-stopped) })
	routes := chi.NewRouter()
	routes.Mount("/iamport", b.faults.Before("iamport", server.Routes()))
	routes.Mount("/control/iamport", server.ControlRoutes())
	web := httptest.NewServer(routes)
	b.t.Cleanup(web.Close)
	b.url = web.URL
	_, given := b.send("POST", "/iamport/users/getToken", map[string]any{"imp_key": "key", "imp_secret": "secret"})
	b.token = given["response"].(map[string]any)["access_token"].(string)
}

func (b *bank) receive(_ http.ResponseWriter, r *http.Request) {
	var notice map[string]any
	if json.NewDecoder(r.Body).Decode(&notice) == nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.notices = append(b.notices, notice)
	}
}

// told counts the notices of a payment in a status.
func (b *bank) told(impUID, status string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, notice := range b.notices {
		if notice["imp_uid"] == impUID && notice["status"] == status {
			n++
		}
	}
	return n
}

func (b *bank) awaitTold(times int, impUID, status string) {
	b.t.Helper()
	require.Eventually(b.t, func() bool { return b.told(impUID, status) == times }, 10*time.Second, 10*time.Millisecond, status)
}

// send is a request as JSON, or as a form when the body is url.Values.
func (b *bank) send(method, path string, body any) (int, map[string]any) {
	b.t.Helper()
	status, text := b.raw(method, path, body)
	var answer map[string]any
	require.NoError(b.t, json.Unmarshal(text, &answer), string(text))
	return status, answer
}

func (b *bank) raw(method, path string, body any) (int, []byte) {
	b.t.Helper()
	kind, payload := "application/json", []byte(nil)
	switch body := body.(type) {
	case nil:
	case string:
		payload = []byte(body)
	case url.Values:
		kind, payload = "application/x-www-form-urlencoded", []byte(body.Encode())
	default:
		var err error
		payload, err = json.Marshal(body)
		require.NoError(b.t, err)
	}
	request, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, bytes.NewReader(payload))
	require.NoError(b.t, err)
	request.Header.Set("Content-Type", kind)
	request.Header.Set("Authorization", b.token)
	response, err := http.DefaultClient.Do(request)
	require.NoError(b.t, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.NoError(b.t, err)
	return response.StatusCode, text
}

// fine is a call of the API that has to succeed, and its response.
func (b *bank) fine(method, path string, body any) map[string]any {
	b.t.Helper()
	status, answer := b.send(method, "/iamport"+path, body)
	require.Equal(b.t, 200, status, "%v", answer)
	require.Zero(b.t, answer["code"], "%v", answer)
	return answer["response"].(map[string]any)
}

// refused is a call of the API that has to fail.
func (b *bank) refused(status int, method, path string, body any) {
	b.t.Helper()
	got, answer := b.send(method, "/iamport"+path, body)
	require.Equal(b.t, status, got, "%s %s %v: %v", method, path, body, answer)
	require.NotZero(b.t, answer["code"])
	require.NotEmpty(b.t, answer["message"])
	require.Nil(b.t, answer["response"])
}

// pay is what a person does in the payment window.
func (b *bank) pay(body map[string]any) string {
	b.t.Helper()
	status, answer := b.send("POST", "/control/iamport/pay", body)
	require.Equal(b.t, 200, status, "%v", answer)
	return answer["imp_uid"].(string)
}

func (b *bank) prepare(merchantUID string, amount int) {
	b.t.Helper()
	b.fine("POST", "/payments/prepare", map[string]any{"merchant_uid": merchantUID, "amount": amount})
}

// paid is a payment by card.
func (b *bank) paid(merchantUID string, amount int) string {
	b.t.Helper()
	b.prepare(merchantUID, amount)
	return b.pay(map[string]any{"merchant_uid": merchantUID})
}

func (b *bank) payment(impUID string) map[string]any {
	b.t.Helper()
	return b.fine("GET", "/payments/"+impUID, nil)
}

func (b *bank) control(status int, path string, body map[string]any) {
	b.t.Helper()
	got, answer := b.send("POST", "/control/iamport"+path, body)
	require.Equal(b.t, status, got, "%v", answer)
}

func TestTokens(t *testing.T) {
	t.Parallel()
	b := newBank(t)
	ask := func() (string, time.Duration) {
		given := b.fine("POST", "/users/getToken", url.Values{"imp_key": {"key"}, "imp_secret": {"secret"}})
		return given["access_token"].(string), time.Duration(given["expired_at"].(float64)-given["now"].(float64)) * time.Second
	}
	leave := func(rest string) {
		_, err := b.pool.Exec(t.Context(), "UPDATE sandbox_iamport.token SET expires_at = now() + $1::interval", rest)
		require.NoError(t, err)
	}
	again, lasts := ask()
	require.Equal(t, b.token, again, "the same while it lasts")
	require.InDelta(t, 30*60, lasts.Seconds(), 5)
	leave("2 minutes")
	again, lasts = ask()
	require.Equal(t, b.token, again)
	require.InDelta(t, 2*60, lasts.Seconds(), 5)
	leave("30 seconds")
	again, lasts = ask()
	require.Equal(t, b.token, again)
	require.InDelta(t, 5*60+30, lasts.Seconds(), 5, "extended in its last minute")

	bare := b.token
	b.token = "Bearer " + bare
	b.refused(404, "GET", "/payments/imp_000000000000", nil)
	leave("-1 seconds")
	b.refused(401, "GET", "/payments/imp_000000000000", nil)
	b.token = bare
	b.refused(401, "GET", "/payments/imp_000000000000", nil)
	again, _ = ask()
	require.NotEqual(t, bare, again)
	for _, token := range []string{"", "Bearer ", "x"} {
		b.token = token
		b.refused(401, "POST", "/payments/cancel", map[string]any{"imp_uid": "x"})
	}
	for _, secret := range []any{"", "wrong", nil, 1} {
		b.refused(401, "POST", "/users/getToken", map[string]any{"imp_key": "key", "imp_secret": secret})
	}
}

func TestPreparedAmounts(t *testing.T) {
	t.Parallel()
	b := newBank(t)
	b.prepare("O", 1000)
	b.refused(200, "POST", "/payments/prepare", map[string]any{"merchant_uid": "O", "amount": 1000})
	b.fine("PUT", "/payments/prepare", url.Values{"merchant_uid": {"O"}, "amount": {"900"}})
	require.EqualValues(t, 900, b.fine("GET", "/payments/prepare/O", nil)["amount"])
	b.refused(404, "GET", "/payments/prepare/none", nil)
	b.refused(404, "PUT", "/payments/prepare", map[string]any{"merchant_uid": "none", "amount": 1})
	for _, amount := range []any{nil, 0, -1, 1.5, "x", []int{1}, "1e99"} {
		b.refused(400, "POST", "/payments/prepare", map[string]any{"merchant_uid": "P", "amount": amount})
	}
	b.refused(400, "POST", "/payments/prepare", map[string]any{"merchant_uid": strings.Repeat("x", 41), "amount": 1})
	b.refused(400, "POST", "/payments/prepare", "{")

	require.EqualValues(t, 900, b.payment(b.pay(map[string]any{"merchant_uid": "O"}))["amount"])
	tampered := b.payment(b.pay(map[string]any{"merchant_uid": "O", "amount": 100}))
	require.EqualValues(t, 100, tampered["amount"], "control overrides it")
	b.control(409, "/pay", map[string]any{"merchant_uid": "none"})
}

func TestAPaymentAsIamportShowsIt(t *testing.T) {
	t.Parallel()
	b := newBank(t)
	impUID := b.paid("O", 1000)
	require.Regexp(t, `^imp_\d{12}$`, impUID)
	p := b.payment(impUID)
	for name, value := range map[string]any{
		"imp_uid": impUID, "merchant_uid": "O", "status": "paid", "amount": 1000.0, "cancel_amount": 0.0, "currency": "KRW", "sandbox": false,
		"pay_method": "card", "failed_at": 0.0, "cancelled_at": 0.0, "vbank_num": nil, "vbank_date": 0.0, "cancel_history": []any{},
	} {
		require.Equal(t, value, p[name], name)
	}
	require.InDelta(t, time.Now().Unix(), p["paid_at"], 5)
	require.NotContains(t, p, "refund_accounts")
	balance := b.fine("GET", "/payments/"+impUID+"/balance", nil)
	require.EqualValues(t, 1000, balance["amount"])

	test := b.pay(map[string]any{"merchant_uid": "O", "sandbox": true})
	b.refused(404, "GET", "/payments/"+test, nil)
	require.Equal(t, true, b.fine("GET", "/payments/"+test+"?include_sandbox=true", nil)["sandbox"])
	require.EqualValues(t, 1, b.fine("GET", "/payments/findAll/O", nil)["total"])
	require.EqualValues(t, 2, b.fine("GET", "/payments/findAll/O?include_sandbox=true", nil)["total"])
	require.Equal(t, impUID, b.fine("GET", "/payments/find/O", nil)["imp_uid"])
}

func TestFinding(t *testing.T) {
	t.Parallel()
	b := newBank(t)
	b.prepare("O", 1000)
	var uids []string
	for _, outcome := range []string{"failed", "paid", "failed"} {
		uids = append(uids, b.pay(map[string]any{"merchant_uid": "O", "outcome": outcome}))
	}
	other := b.paid("P", 500)
	require.Equal(t, uids[2], b.fine("GET", "/payments/find/O", nil)["imp_uid"], "the newest")
	require.Equal(t, uids[0], b.fine("GET", "/payments/find/O?sorting=started", nil)["imp_uid"])
	for _, path := range []string{"/payments/find/O/paid", "/payments/find/O/paid?sorting=-paid"} {
		require.Equal(t, uids[1], b.fine("GET", path, nil)["imp_uid"])
	}
	b.refused(404, "GET", "/payments/find/O/cancelled", nil)
	b.refused(404, "GET", "/payments/findAll/none", nil)
	for _, query := range []string{"sorting=x", "page=0", "limit=1001", "limit=x", "page=999999999999999999"} {
		b.refused(400, "GET", "/payments/findAll/O?"+query, nil)
	}

	listed := func(path string) []string {
		found := []string{}
		for _, p := range b.fine("GET", path, nil)["list"].([]any) {
			found = append(found, p.(map[string]any)["imp_uid"].(string))
		}
		return found
	}
	for _, path := range []string{"/payments/findAll/O", "/payments/findAll/O/", "/payments/findAll/O/all"} {
		require.Equal(t, []string{uids[2], uids[1], uids[0]}, listed(path), path)
	}
	require.Equal(t, []string{uids[2], uids[0]}, listed("/payments/findAll/O/failed"))
	first := b.fine("GET", "/payments/findAll/O?limit=2", nil)
	require.Equal(t, []any{3.0, 0.0, 2.0}, []any{first["total"], first["previous"], first["next"]})
	last := b.fine("GET", "/payments/findAll/O?limit=2&page=2", nil)
	require.Equal(t, []any{1.0, 0.0}, []any{last["previous"], last["next"]})
	require.Equal(t, []string{uids[0]}, listed("/payments/findAll/O?limit=2&page=2"))

	require.Equal(t, []string{other, uids[1]}, listed("/payments/status/paid"))
	require.Len(t, listed("/payments/status/all"), 4)
	require.Empty(t, listed("/payments/status/cancelled"))
	day, now := int64(24*60*60), time.Now().Unix()
	require.Len(t, listed(fmt.Sprintf("/payments/status/paid?from=%d&to=%d", now-day, now+day)), 2)
	require.Empty(t, listed(fmt.Sprintf("/payments/status/paid?from=%d&to=%d", now-2*day, now-day)))
	b.refused(400, "GET", fmt.Sprintf("/payments/status/paid?from=%d&to=%d", now-91*day, now), nil)
	b.refused(400, "GET", fmt.Sprintf("/payments/status/paid?from=%d&to=%d", now, now-day), nil)

	_, several := b.send("GET", "/iamport/payments?imp_uid[]="+uids[0]+"&imp_uid[]="+other+"&imp_uid[]=imp_none", nil)
	require.Len(t, several["response"], 2)
	b.refused(400, "GET", "/payments", nil)
	b.refused(400, "GET", "/payments?"+strings.Repeat("imp_uid[]=x&", 101), nil)
	b.refused(404, "GET", "/nothing", nil)
}

func TestCancel(t *testing.T) {
	t.Parallel()
	b := newBank(t)
	one := b.paid("O", 1000)
	for name, body := range map[string]map[string]any{
		"another checksum": {"imp_uid": one, "amount": 300, "checksum": 999},
		"no checksum left": {"imp_uid": one, "amount": 300, "checksum": 0},
		"too much":         {"imp_uid": one, "amount": 1001},
		"unknown":          {"imp_uid": "imp_000000000000", "merchant_uid": "O"},
		"nothing named":    {"amount": 1},
	} {
		got, answer := b.send("POST", "/iamport/payments/cancel", body)
		require.Equal(t, 200, got, name)
		require.EqualValues(t, 1, answer["code"], name)
		require.NotEmpty(t, answer["message"], name)
	}
	for _, amount := range []any{-1, 0.5, "x", []int{300}, map[string]any{}, true} {
		b.refused(400, "POST", "/payments/cancel", map[string]any{"imp_uid": one, "amount": amount})
		b.refused(400, "POST", "/payments/cancel", map[string]any{"imp_uid": one, "amount": 1, "checksum": amount})
	}
	require.EqualValues(t, 0, b.payment(one)["cancel_amount"], "a refusal gives nothing back")

	part := b.fine("POST", "/payments/cancel", map[string]any{"imp_uid": one, "merchant_uid": "O", "amount": 300, "checksum": 1000, "reason": "first"})
	require.Equal(t, []any{300.0, "cancelled"}, []any{part["cancel_amount"], part["status"]})
	rest := b.fine("POST", "/payments/cancel", url.Values{"merchant_uid": {"O"}, "checksum": {"700"}, "amount": {""}, "enable_webhook": {"true"}})
	require.EqualValues(t, 1000, rest["cancel_amount"], "no amount is all that is left")
	history := rest["cancel_history"].([]any)
	require.Len(t, history, 2)
	require.Equal(t, "first", history[0].(map[string]any)["reason"])
	require.EqualValues(t, 700, history[1].(map[string]any)["amount"])
	require.NotEqual(t, history[0].(map[string]any)["cancellation_id"], history[1].(map[string]any)["cancellation_id"])
	b.refused(200, "POST", "/payments/cancel", map[string]any{"imp_uid": one})
	b.awaitTold(1, one, "cancelled")
	b.mu.Lock()
	notices := slices.Clone(b.notices)
	b.mu.Unlock()
	require.Contains(t, notices, map[string]any{
		"imp_uid": one, "merchant_uid": "O", "status": "cancelled", "cancellation_id": history[1].(map[string]any)["cancellation_id"],
	})

	failed := b.pay(map[string]any{"merchant_uid": "O", "outcome": "failed"})
	b.refused(200, "POST", "/payments/cancel", map[string]any{"imp_uid": failed})
}

// TestCancelsAtOnce has many give back the same money.
func TestCancelsAtOnce(t *testing.T) {
	t.Parallel()
	b := newBank(t)
	atOnce := func(body map[string]any) (given int64) {
		var wait sync.WaitGroup
		var done atomic.Int64
		for range 24 {
			wait.Go(func() {
				if _, answer := b.send("POST", "/iamport/payments/cancel", body); answer["code"] == 0.0 {
					done.Add(1)
				}
			})
		}
		wait.Wait()
		return done.Load()
	}
	plain := b.paid("O", 1000)
	require.EqualValues(t, 3, atOnce(map[string]any{"merchant_uid": "O", "amount": 300}), "never more than was paid")
	require.EqualValues(t, 900, b.payment(plain)["cancel_amount"])
	require.Len(t, b.payment(plain)["cancel_history"], 3)
	guarded := b.paid("P", 1000)
	require.EqualValues(t, 1, atOnce(map[string]any{"imp_uid": guarded, "amount": 300, "checksum": 1000}), "the checksum lets one through")
	require.EqualValues(t, 300, b.payment(guarded)["cancel_amount"])
}

func TestVirtualAccounts(t *testing.T) {
	t.Parallel()
	b := newBank(t)
	b.prepare("O", 1000)
	impUID := b.pay(map[string]any{"merchant_uid": "O", "pay_method": "vbank", "outcome": "ready", "expires_in": 60})
	p := b.payment(impUID)
	require.Equal(t, []any{"ready", 0.0}, []any{p["status"], p["paid_at"]})
	require.InDelta(t, time.Now().Unix()+60, p["vbank_date"], 5)
	require.NotEmpty(t, p["vbank_num"])
	b.awaitTold(1, impUID, "ready")
	b.refused(200, "POST", "/payments/cancel", map[string]any{"imp_uid": impUID})
	b.control(200, "/deposit", map[string]any{"imp_uid": impUID})
	b.control(409, "/deposit", map[string]any{"imp_uid": impUID})
	b.awaitTold(1, impUID, "paid")
	account := map[string]any{"imp_uid": impUID, "amount": 400, "refund_holder": "홍길동", "refund_bank": "04", "refund_account": "123"}
	for _, name := range []string{"refund_holder", "refund_bank", "refund_account"} {
		kept := account[name]
		account[name] = ""
		b.refused(200, "POST", "/payments/cancel", account)
		account[name] = kept
	}
	require.EqualValues(t, 400, b.fine("POST", "/payments/cancel", account)["cancel_amount"])
	_, ledger := b.raw("GET", "/control/iamport/ledger?merchant_uid=O", nil)
	require.Contains(t, string(ledger), "홍길동")

	till := time.Now().Add(time.Hour).Unix()
	dated := b.pay(map[string]any{"merchant_uid": "O", "pay_method": "vbank", "outcome": "ready", "vbank_date": till})
	require.EqualValues(t, till, b.payment(dated)["vbank_date"])
}

func TestVirtualAccountsWithoutAWindow(t *testing.T) {
	t.Parallel()
	b := newBank(t)
	due := time.Now().Add(time.Hour).Unix()
	open := func(change map[string]any) map[string]any {
		body := map[string]any{"merchant_uid": "O", "amount": 1000, "vbank_code": "04", "vbank_due": due, "vbank_holder": "별쇼"}
		for name, value := range change {
			body[name] = value
		}
		return body
	}
	for _, wrong := range []map[string]any{{"merchant_uid": ""}, {"merchant_uid": strings.Repeat("x", 41)}, {"amount": 0}, {"vbank_due": 1}, {"vbank_due": "x"}} {
		b.refused(400, "POST", "/vbanks", open(wrong))
	}
	p := b.fine("POST", "/vbanks", open(nil))
	impUID := p["imp_uid"].(string)
	require.Equal(t, []any{"ready", "vbank", float64(due)}, []any{p["status"], p["pay_method"], p["vbank_date"]})
	for _, wrong := range []map[string]any{{"amount": 0}, {"amount": "x"}, {"vbank_due": "x"}, {"vbank_due": 1}} {
		b.refused(400, "PUT", "/vbanks/"+impUID, wrong)
	}
	require.EqualValues(t, 900, b.fine("PUT", "/vbanks/"+impUID, map[string]any{"amount": 900, "vbank_due": due + 60})["amount"])
	require.EqualValues(t, 800, b.fine("PUT", "/vbanks", map[string]any{"imp_uid": impUID, "amount": 800})["amount"])
	require.EqualValues(t, due+60, b.payment(impUID)["vbank_date"])
	require.Equal(t, "cancelled", b.fine("DELETE", "/vbanks/"+impUID, nil)["status"])
	b.refused(200, "DELETE", "/vbanks/"+impUID, nil)
	b.control(409, "/deposit", map[string]any{"imp_uid": impUID})
	b.control(409, "/pay", map[string]any{"imp_uid": impUID})
	b.refused(404, "PUT", "/vbanks/imp_none", map[string]any{"amount": 1})
}

func TestFailedThenPaid(t *testing.T) {
	t.Parallel()
	b := newBank(t)
	b.prepare("O", 1000)
	impUID := b.pay(map[string]any{"merchant_uid": "O", "outcome": "failed"})
	p := b.payment(impUID)
	require.Equal(t, []any{"failed", 0.0}, []any{p["status"], p["paid_at"]})
	require.NotZero(t, p["failed_at"])
	require.NotEmpty(t, p["fail_reason"])
	require.Equal(t, impUID, b.pay(map[string]any{"imp_uid": impUID, "pay_method": "vbank", "outcome": "ready"}))
	p = b.payment(impUID)
	require.Equal(t, []any{"ready", "vbank", 0.0, nil}, []any{p["status"], p["pay_method"], p["failed_at"], p["fail_reason"]})
	number := p["vbank_num"]
	b.awaitTold(1, impUID, "ready")
	require.Equal(t, impUID, b.pay(map[string]any{"imp_uid": impUID}))
	p = b.payment(impUID)
	require.Equal(t, []any{"paid", number}, []any{p["status"], p["vbank_num"]}, "into the account that was issued")
	b.awaitTold(1, impUID, "paid")
	require.Zero(t, b.told(impUID, "failed"), "there is no notice of a failure")
	b.control(409, "/pay", map[string]any{"imp_uid": impUID})
	b.control(409, "/pay", map[string]any{"imp_uid": "imp_none"})
	b.control(409, "/pay", map[string]any{"merchant_uid": "O", "outcome": "x"})
	status, _ := b.send("POST", "/control/iamport/pay", "{")
	require.Equal(t, 400, status)
}

// TestNoticesOfABadDay loses, delays and repeats them.
func TestNoticesOfABadDay(t *testing.T) {
	t.Parallel()
	b := newBank(t)
	b.prepare("O", 1000)
	quiet := b.pay(map[string]any{"merchant_uid": "O", "notify": false})
	b.faults.Add(fault.Fault{Vendor: "iamport-webhook", Mode: fault.Error, Times: 1})
	lost := b.pay(map[string]any{"merchant_uid": "O"})
	require.Eventually(t, func() bool { return len(b.faults.Faults()) == 0 }, 10*time.Second, 10*time.Millisecond)
	b.faults.Add(fault.Fault{Vendor: "iamport-webhook", Mode: fault.Drop, Times: 1})
	repeated := b.pay(map[string]any{"merchant_uid": "O"})
	b.awaitTold(2, repeated, "paid")
	b.faults.Add(fault.Fault{Vendor: "iamport-webhook", Mode: fault.Delay, MS: 100, Times: 1})
	late := b.pay(map[string]any{"merchant_uid": "O"})
	b.awaitTold(1, late, "paid")
	b.control(200, "/cancel", map[string]any{"imp_uid": late, "amount": 100})
	b.awaitTold(1, late, "cancelled")
	b.control(200, "/cancel", map[string]any{"imp_uid": late, "notify": false})
	b.control(409, "/cancel", map[string]any{"imp_uid": late})
	require.EqualValues(t, 1000, b.payment(late)["cancel_amount"])
	require.Zero(t, b.told(quiet, "paid"))
	require.Zero(t, b.told(lost, "paid"))
}

func TestARestartKeepsEverything(t *testing.T) {
	t.Parallel()
	b := newBank(t)
	one := b.paid("O", 1000)
	b.fine("POST", "/payments/cancel", map[string]any{"imp_uid": one, "amount": 300, "reason": "r"})
	b.prepare("P", 500)
	before, token := b.payment(one), b.token
	b.start()
	require.Equal(t, token, b.token)
	require.Equal(t, before, b.payment(one))
	require.EqualValues(t, 500, b.fine("GET", "/payments/prepare/P", nil)["amount"])
	var ledger []map[string]any
	_, text := b.raw("GET", "/control/iamport/ledger", nil)
	require.NoError(t, json.Unmarshal(text, &ledger))
	require.Len(t, ledger, 1)
	require.Equal(t, []any{map[string]any{"amount": 300.0, "reason": "r"}}, ledger[0]["cancels"])
}

func TestThePaymentWindow(t *testing.T) {
	t.Parallel()
	b := newBank(t)
	b.prepare("O", 1000)
	const window = "/control/iamport/window"
	status, page := b.raw("GET", window+"?merchant_uid=O&amount=1000&redirect=https://shop.example/done?a=b", nil)
	require.Equal(t, 200, status)
	for _, part := range []string{"1000원", "결제 승인", "결제 거절", "가상계좌 발급", "https://shop.example/done?a=b"} {
		require.Contains(t, string(page), part)
	}
	require.NotContains(t, string(page), "<script")
	for query, want := range map[string]int{
		"merchant_uid=O": 200, "merchant_uid=none": 404, "merchant_uid=none&amount=700": 200, "": 404,
		"merchant_uid=O&amount=999": 409, "merchant_uid=O&amount=x": 400, "merchant_uid=none&amount=-1": 400,
	} {
		status, _ := b.raw("GET", window+"?"+query, nil)
		require.Equal(t, want, status, query)
	}
	_, page = b.raw("GET", window+"?merchant_uid=%3Cscript%3E&amount=7", nil)
	require.NotContains(t, string(page), "<script")

	press := func(form url.Values) (status int, back string) {
		client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		response, err := client.PostForm(b.url+window, form)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		return response.StatusCode, response.Header.Get("Location")
	}
	for button, want := range map[string][2]string{"approve": {"paid", "true"}, "vbank": {"ready", "true"}, "decline": {"failed", "false"}} {
		status, location := press(url.Values{"merchant_uid": {"O"}, "amount": {"1000"}, "press": {button}, "redirect": {"https://shop.example/done?a=b"}})
		require.Equal(t, http.StatusSeeOther, status)
		back, err := url.Parse(location)
		require.NoError(t, err)
		query := back.Query()
		require.Equal(t, []string{"shop.example", "/done", "b", "O", want[1]},
			[]string{back.Host, back.Path, query.Get("a"), query.Get("merchant_uid"), query.Get("imp_success")})
		require.Equal(t, want[0], b.payment(query.Get("imp_uid"))["status"], button)
	}
	for _, redirect := range []string{"", "javascript:alert(1)", "//evil.example", "ftp://x/", "/here"} {
		status, location := press(url.Values{"merchant_uid": {"O"}, "press": {"approve"}, "redirect": {redirect}})
		require.Equal(t, 200, status, redirect)
		require.Empty(t, location, redirect)
	}
	status, _ = press(url.Values{"merchant_uid": {"O"}, "amount": {"10"}, "press": {"approve"}})
	require.Equal(t, 409, status)
	status, _ = press(url.Values{"merchant_uid": {"none"}, "press": {"approve"}})
	require.Equal(t, 404, status)
	status, _ = press(url.Values{"merchant_uid": {"none"}, "amount": {"700"}, "press": {"approve"}})
	require.Equal(t, 200, status)
	require.EqualValues(t, 700, b.fine("GET", "/payments/find/none", nil)["amount"])
}
