package clayful_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byeolshow/byeolshow/clients/clayful"
)

func clientOf(t *testing.T, handler http.HandlerFunc) *clayful.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return clayful.New(clayful.Config{BaseURL: server.URL + "/", Token: "backend", Timeout: 2 * time.Second})
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
		for name, want := range map[string]string{
			"Authorization": "Bearer backend", "Authorization-Customer": "token", "Accept-Language": "ko", "Accept-Currency": "KRW",
			"Accept-Time-Zone": "Asia/Seoul", "Accept-Debug-Language": "ko",
		} {
			if r.Header.Get(name) != want {
				http.Error(w, name, http.StatusTeapot)
				return
			}
		}
		_, _ = io.WriteString(w, `{"_id":"C","groups":["A",{"_id":"B","name":"b"}],"avatar":null,"createdAt":{"raw":"2026-01-01T00:00:00.000Z"}}`)
	})
	me, err := client.Me(t.Context(), "token")
	require.NoError(t, err)
	require.True(t, me.InGroup("A"))
	require.True(t, me.InGroup("B"))
	require.False(t, me.InGroup("C"))
	require.Equal(t, 2026, me.CreatedAt.Year())
}

func TestOnlyReadsAreRepeated(t *testing.T) {
	t.Parallel()
	for _, status := range []int{429, 500, 503} {
		var calls atomic.Int32
		client := clientOf(t, func(w http.ResponseWriter, _ *http.Request) {
			calls.Add(1)
			w.WriteHeader(status)
		})
		_, err := client.Customer(t.Context(), "x")
		require.True(t, clayful.IsUnavailable(err))
		require.EqualValues(t, 3, calls.Swap(0))
		require.True(t, clayful.IsUnavailable(client.UpdateCustomer(t.Context(), "x", map[string]string{})))
		require.EqualValues(t, 1, calls.Load())
	}
}

func TestAReadThatSucceedsLater(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	client := clientOf(t, func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1) < 3 {
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(w, `{"_id":"x"}`)
	})
	customer, err := client.Customer(t.Context(), "x")
	require.NoError(t, err)
	require.Equal(t, "x", customer.ID)
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		status            int
		body, code, words string
	}{
		{400, `{"statusCode":400,"error":"Bad Request","errorCode":"duplicated-email","message":"이미"}`, "duplicated-email", "이미"},
		{404, `{"error":"Not Found"}`, "", "Not Found"},
		{400, `<html>`, "", ""},
	} {
		client := clientOf(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(test.status)
			_, _ = io.WriteString(w, test.body)
		})
		_, err := client.Customer(t.Context(), "x")
		var refusal *clayful.Error
		require.ErrorAs(t, err, &refusal)
		require.Equal(t, test.code, refusal.Code)
		require.Equal(t, test.words, refusal.Message)
		require.False(t, clayful.IsUnavailable(err))
		require.Equal(t, test.code != "", clayful.IsCode(err, "duplicated-email"))
	}
}

// TestOurOwnTroubleIsNoRefusal keeps a token of ours that is not taken, and a
// page of somebody in between, from passing for an order that does not exist.
func TestOurOwnTroubleIsNoRefusal(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status   int
		body     string
		customer string
		trouble  bool
	}{
		"our token":            {401, `{"errorCode":"unauthorized"}`, "", true},
		"our token's rights":   {403, `{"error":"Forbidden"}`, "", true},
		"a proxy's page":       {404, `<html>`, "", true},
		"the customer's token": {401, `{"errorCode":"unauthorized"}`, "token", false},
		"no such order":        {404, `{"errorCode":"not-existing-order"}`, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := clientOf(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			})
			var err error
			if c.customer != "" {
				_, err = client.OwnOrder(t.Context(), c.customer, "x")
			} else {
				_, err = client.Order(t.Context(), "x")
			}
			require.Error(t, err)
			require.Equal(t, c.trouble, clayful.IsUnavailable(err))
		})
	}
}

func TestSilenceIsNoRefusal(t *testing.T) {
	t.Parallel()
	client := clientOf(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"_id":`) })
	_, err := client.Customer(t.Context(), "x")
	require.True(t, clayful.IsUnavailable(err))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = client.Customer(ctx, "x")
	require.Error(t, err)
	require.False(t, clayful.IsUnavailable(err), "the caller hung up")
}

// TestAFailureKeepsTheQueryToItself has nobody listen.
func TestAFailureKeepsTheQueryToItself(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	client := clayful.New(clayful.Config{BaseURL: server.URL, Timeout: time.Second})
	_, err := client.ProductPage(t.Context(), url.Values{"search": {"demo@byeolshow.example"}}, 1)
	require.True(t, clayful.IsUnavailable(err))
	require.ErrorContains(t, err, "GET /products: dial tcp")
	require.NotContains(t, err.Error(), "demo")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = client.Product(ctx, "P")
	require.ErrorIs(t, err, context.Canceled)
}

func TestProductsKeepTheirOrder(t *testing.T) {
	t.Parallel()
	client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
		ids := strings.Split(r.URL.Query().Get("ids"), ",")
		if len(ids) > 120 {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		var list []map[string]string
		for i := len(ids) - 1; i >= 0; i-- {
			if ids[i] != "gone" {
				list = append(list, map[string]string{"_id": ids[i]})
			}
		}
		_ = json.NewEncoder(w).Encode(list)
	})
	ids := []string{"b", "gone", "a", "b"}
	for range 200 {
		ids = append(ids, "n"+string(rune('A'+len(ids)%20))+string(rune('A'+len(ids)/20)))
	}
	products, err := client.Products(t.Context(), ids)
	require.NoError(t, err)
	require.JSONEq(t, `{"_id":"b"}`, string(products[0]))
	require.JSONEq(t, `{"_id":"a"}`, string(products[1]))
	require.Len(t, products, 202)
}

func TestMetaOfEitherForm(t *testing.T) {
	t.Parallel()
	var c clayful.Customer
	require.NoError(t, json.Unmarshal([]byte(`{"meta":{"n":3,"N":{"raw":4,"formatted":"4"},"s":"x","l":["a",1,null],"no":false,"null":null}}`), &c))
	require.Equal(t, 3, c.MetaInt("n"))
	require.Equal(t, 4, c.MetaInt("N"))
	require.Equal(t, 0, c.MetaInt("s"))
	require.Equal(t, "x", c.MetaString("s"))
	require.Equal(t, "", c.MetaString("n"))
	require.Equal(t, []string{"a", "1"}, c.MetaStrings("l"))
	require.Equal(t, []string{}, c.MetaStrings("absent"))
	require.True(t, c.MetaFalse("no"))
	require.False(t, c.MetaFalse("absent"))
	require.False(t, c.MetaFalse("null"))
}

func FuzzValues(f *testing.F) {
	for _, seed := range []string{`1`, `{"raw":1}`, `null`, `"x"`, `{"_id":"a","url":null}`, `{"ko":"가"}`, `{"raw":null}`, `[]`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, into := range []any{new(clayful.Num), new(clayful.Time), new(clayful.Ref), new(clayful.Image), new(clayful.Text), new(clayful.Customer)} {
			_ = json.Unmarshal([]byte(text), into) // it may refuse, and must not panic
		}
	})
}
