package api

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byeolshow/byeolshow/clients/clayful"
)

func TestCatalogueRemembers(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	now := time.Now()
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	pass := func(d time.Duration) { mu.Lock(); now = now.Add(d); mu.Unlock() }
	c := newCatalogue(clock)
	var calls atomic.Int64
	var fails error
	get := func() (string, time.Duration, error) {
		body, age, err := c.get(t.Context(), "key", func(context.Context) (any, error) { return calls.Add(1), fails })
		return string(body), age, err
	}
	body, age, err := get()
	require.NoError(t, err)
	require.Zero(t, age)
	require.Equal(t, "1", body)
	pass(4 * time.Second)
	body, _, _ = get()
	require.Equal(t, "1", body, "it is fresh")
	pass(2 * time.Second)
	body, _, _ = get()
	require.Equal(t, "2", body)

	down := &clayful.Error{Status: http.StatusServiceUnavailable}
	fails = down
	pass(time.Minute)
	body, age, err = get()
	require.NoError(t, err)
	require.Equal(t, "2", body, "the last good answer goes on")
	require.Equal(t, time.Minute, age)
	fails = &clayful.Error{Status: http.StatusNotFound, Code: "not-existing-product"}
	_, _, err = get()
	require.ErrorIs(t, err, fails, "a refusal is an answer")
	fails = errors.New("our own fault")
	_, _, err = get()
	require.Error(t, err)
	fails = down
	pass(5 * time.Minute)
	_, _, err = get()
	require.ErrorIs(t, err, fails, "it is too old by now")
}

func TestCatalogueFliesOnce(t *testing.T) {
	t.Parallel()
	c := newCatalogue(time.Now)
	release := make(chan struct{})
	var calls atomic.Int64
	gone, leave := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	for i := range 20 {
		ctx := t.Context()
		if i == 0 {
			ctx = gone
		}
		wait.Go(func() {
			body, _, err := c.get(ctx, "key", func(ctx context.Context) (any, error) {
				calls.Add(1)
				<-release
				return "x", ctx.Err()
			})
			if i == 0 {
				require.ErrorIs(t, err, context.Canceled)
				return
			}
			require.NoError(t, err)
			require.Equal(t, `"x"`, string(body))
		})
	}
	require.Eventually(t, func() bool { return calls.Load() == 1 }, time.Second, time.Millisecond)
	leave() // who leaves does not end the others' flight
	close(release)
	wait.Wait()
	require.LessOrEqual(t, calls.Load(), int64(2))
}

func TestCataloguePanicIsAnError(t *testing.T) {
	t.Parallel()
	c := newCatalogue(time.Now)
	_, _, err := c.get(t.Context(), "key", func(context.Context) (any, error) { panic("odd document") })
	require.ErrorContains(t, err, "odd document")
}

func TestBareErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err    error
		status int
		words  string
	}{
		"the shop's":         {&clayful.Error{Status: 404, Code: "not-existing-order", Message: "없음"}, 404, "not-existing-order 없음"},
		"with an odd status": {&clayful.Error{Status: 302, Code: "odd", Message: "x"}, 400, "odd x"},
		"a literal":          {&clayful.Error{Status: 400, Code: "received-order", Message: "x"}, 400, "received-order 이미 수령 완료된 주문입니다."},
		"another literal":    {&clayful.Error{Status: 409, Code: "mismatching-vendor-order-resources"}, 409, "mismatching-vendor-order-resources 여러 입점사의 주문 요소가 포함되었습니다."},
		"bad input":          {bad("page is not a positive integer"), 400, "validation page is not a positive integer"},
		"the shop is down":   {&clayful.Error{Status: 502}, 503, "upstream-unavailable " + errTryLater.Message},
		"ours":               {errNoAccount, 409, "refund-account-required " + errNoAccount.Message},
		"a fault of ours":    {errors.New("x"), 500, ""},
		"not logged in":      {errNotLoggedIn, 401, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := bareRefusalOf(c.err)
			require.Equal(t, c.status, got.Status)
			if c.words == "" {
				require.Empty(t, got.Code)
				return
			}
			require.Equal(t, c.words, got.Code+" "+got.Message)
		})
	}
}
