package iamport_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byeolshow/byeolshow/clients/iamport"
)

// vendor is an Iamport that answers as told and counts the tokens it gives.
type vendor struct {
	tokens atomic.Int64
	calls  atomic.Int64
	lasts  int64 // seconds
	answer http.HandlerFunc
}

func (v *vendor) client(t *testing.T) *iamport.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/users/getToken" {
			var in map[string]string
			if json.NewDecoder(r.Body).Decode(&in) != nil || in["imp_secret"] != "secret" {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			now := time.Now().Unix()
			_, _ = fmt.Fprintf(w, `{"code":0,"message":null,"response":{"access_token":"token-%d","now":%d,"expired_at":%d}}`, v.tokens.Add(1), now, now+v.lasts)
			return
		}
		v.calls.Add(1)
		v.answer(w, r)
	}))
	t.Cleanup(server.Close)
	return iamport.New(iamport.Config{BaseURL: server.URL, Key: "key", Secret: "secret", Timeout: 2 * time.Second})
}

func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

const payment = `{"code":0,"message":null,"response":{"imp_uid":"imp_1","merchant_uid":"O","amount":1000,"cancel_amount":"200","paid_at":5,"status":"cancelled"}}`

func TestTokenIsSharedAndRenewed(t *testing.T) {
	t.Parallel()
	v := &vendor{lasts: 1800, answer: says(200, payment)}
	client := v.client(t)
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			p, err := client.Payment(t.Context(), "imp_1")
			require.NoError(t, err)
			require.EqualValues(t, 800, p.Left())
		})
	}
	wait.Wait()
	require.EqualValues(t, 1, v.tokens.Load())

	refused := &vendor{lasts: 1800}
	refused.answer = func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "token-1" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		says(200, payment)(w, r)
	}
	_, err := refused.client(t).Cancel(t.Context(), iamport.CancelRequest{ImpUID: "imp_1", Amount: 5, Checksum: 1000})
	require.NoError(t, err)
	require.EqualValues(t, 2, refused.tokens.Load())
	require.EqualValues(t, 2, refused.calls.Load())

	never := &vendor{lasts: 1800, answer: says(401, `{"code":-1,"message":"Unauthorized","response":null}`)}
	_, err = never.client(t).Payment(t.Context(), "imp_1")
	require.True(t, iamport.IsUnavailable(err), "it says nothing of the payment")
	require.EqualValues(t, 2, never.calls.Load(), "once anew, and no more")
	require.NotContains(t, err.Error(), "token-")
}

func TestErrorsAreToldApart(t *testing.T) {
	t.Parallel()
	cut := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	for name, c := range map[string]struct {
		answer                         http.HandlerFunc
		notFound, refused, unavailable bool
		readCalls, writeCalls          int64
		message                        string
	}{
		"fine":             {answer: says(200, payment), readCalls: 1, writeCalls: 1},
		"unknown":          {says(404, `{"code":-1,"message":"없음","response":null}`), true, true, false, 1, 1, "없음"},
		"refused with 200": {says(200, `{"code":1,"message":"취소할 수 없습니다","response":null}`), false, true, false, 1, 1, "취소할 수 없습니다"},
		"bad request":      {says(400, `{"code":-1,"message":"x","response":null}`), false, true, false, 1, 1, "x"},
		"broken":           {says(500, `oops`), false, false, true, 3, 1, ""},
		"busy":             {says(429, ``), false, false, true, 3, 1, ""},
		"our key":          {says(401, `{"code":-1,"message":"Unauthorized","response":null}`), false, false, true, 2, 2, "Unauthorized"},
		"nobody there":     {says(404, `<html>`), false, false, true, 3, 1, ""},
		"a proxy's page":   {says(200, `<html>`), false, false, true, 3, 1, ""},
		"no envelope":      {says(200, `{"x":1}`), false, false, true, 3, 1, ""},
		"cut":              {cut, false, false, true, 3, 1, ""},
		"wrong number":     {says(200, `{"code":0,"response":{"amount":"ten"}}`), false, false, true, 3, 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check := func(err error) {
				require.Equal(t, c.notFound, iamport.IsNotFound(err))
				require.Equal(t, c.refused, iamport.IsRefused(err))
				require.Equal(t, c.unavailable, iamport.IsUnavailable(err))
				if err != nil {
					refusal := new(iamport.Error)
					_ = errors.As(err, &refusal)
					require.Equal(t, c.message, refusal.Message)
					if len(c.message) > 1 {
						require.NotContains(t, err.Error(), c.message, "it may repeat a customer's words")
					}
					require.NotContains(t, err.Error(), "secret")
				}
			}
			reader := &vendor{lasts: 1800, answer: c.answer}
			_, err := reader.client(t).Payment(t.Context(), "imp_1")
			check(err)
			// net/http itself repeats a GET whose kept connection was cut.
			require.GreaterOrEqual(t, reader.calls.Load(), c.readCalls)
			writer := &vendor{lasts: 1800, answer: c.answer}
			_, err = writer.client(t).Cancel(t.Context(), iamport.CancelRequest{ImpUID: "imp_1", Amount: 5})
			check(err)
			require.Equal(t, c.writeCalls, writer.calls.Load(), "no write is repeated")
		})
	}
}

func TestCancelSendsItsGuards(t *testing.T) {
	t.Parallel()
	var sent map[string]any
	v := &vendor{lasts: 1800, answer: func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewDecoder(r.Body).Decode(&sent)
		says(200, payment)(w, r)
	}}
	client := v.client(t)
	_, err := client.Cancel(t.Context(), iamport.CancelRequest{ImpUID: "imp_1", MerchantUID: "O", Amount: 300, Checksum: 0, Reason: "r"})
	require.NoError(t, err)
	require.Equal(t, map[string]any{"imp_uid": "imp_1", "merchant_uid": "O", "amount": 300.0, "checksum": 0.0, "reason": "r"}, sent)
	_, err = client.Cancel(t.Context(), iamport.CancelRequest{ImpUID: "imp_1"})
	require.Error(t, err, "0 won would be all of it")
	require.EqualValues(t, 1, v.calls.Load())
}

func TestPreparingAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		known string
		calls []string
	}{
		"the same amount": {"1000", []string{"POST", "GET"}},
		"another amount":  {"900", []string{"POST", "GET", "PUT"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls []string
			v := &vendor{lasts: 1800}
			v.answer = func(w http.ResponseWriter, r *http.Request) {
				calls = append(calls, r.Method)
				if r.Method == http.MethodPost {
					says(200, `{"code":1,"message":"이미 등록","response":null}`)(w, r)
					return
				}
				says(200, `{"code":0,"response":{"merchant_uid":"O","amount":`+c.known+`}}`)(w, r)
			}
			require.NoError(t, v.client(t).Prepare(t.Context(), "O", 1000))
			require.Equal(t, c.calls, calls)
		})
	}
}

func TestPaymentsOfAnOrderArePaged(t *testing.T) {
	t.Parallel()
	v := &vendor{lasts: 1800}
	v.answer = func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("page") == "1" {
			says(200, `{"code":0,"response":{"total":2,"next":2,"list":[{"imp_uid":"a","amount":1}]}}`)(w, r)
			return
		}
		says(200, `{"code":0,"response":{"total":2,"next":0,"list":[{"imp_uid":"b","amount":1}]}}`)(w, r)
	}
	list, err := v.client(t).Payments(t.Context(), "O")
	require.NoError(t, err)
	require.Len(t, list, 2)
	none := &vendor{lasts: 1800, answer: says(404, `{"code":-1,"message":"x","response":null}`)}
	list, err = none.client(t).Payments(t.Context(), "O")
	require.NoError(t, err)
	require.Empty(t, list)
}

func FuzzPayment(f *testing.F) {
	f.Add([]byte(`{"imp_uid":"imp_1","amount":1000,"cancel_amount":"200","paid_at":null,"card_number":1234,"cancel_history":[{"amount":"1e2","reason":null}]}`))
	f.Add([]byte(`{"amount":1e99,"imp_uid":{}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var p iamport.Payment
		if json.Unmarshal(data, &p) != nil {
			return
		}
		if !p.Paid() && p.PaidAt > 0 {
			t.Fatal("paid at a time, and not paid")
		}
		if len(p.Raw) == 0 {
			t.Fatal("the whole payment is lost")
		}
	})
}
