package iamport_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byeolshow/byeolshow/clients/iamport"
)

// TestSilenceIsNeverAnAnswer has Iamport say yes and nothing else: it must pass
// neither for a payment nor for an order without one.
func TestSilenceIsNeverAnAnswer(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`{"code":0,"message":null,"response":null}`, `{"code":0}`} {
		v := &vendor{lasts: 1800, answer: says(200, text)}
		client := v.client(t)
		_, err := client.Payment(t.Context(), "imp_1")
		require.True(t, iamport.IsUnavailable(err), text)
		_, err = client.Payments(t.Context(), "O")
		require.True(t, iamport.IsUnavailable(err), text)
		_, err = client.Cancel(t.Context(), iamport.CancelRequest{ImpUID: "imp_1", Amount: 5, Checksum: 5})
		require.True(t, iamport.IsUnavailable(err), text)
		require.NoError(t, client.Prepare(t.Context(), "O", 5), "whose answer says nothing new")
	}
}

func TestFindAsksForTheNewest(t *testing.T) {
	t.Parallel()
	v := &vendor{lasts: 1800, answer: func(w http.ResponseWriter, r *http.Request) {
		if r.URL.String() != "/payments/find/O%2F1?sorting=-started" {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		says(200, payment)(w, r)
	}}
	p, err := v.client(t).Find(t.Context(), "O/1")
	require.NoError(t, err)
	require.Equal(t, "imp_1", p.ImpUID)
	none := &vendor{lasts: 1800, answer: says(404, `{"code":-1,"message":"x","response":null}`)}
	_, err = none.client(t).Find(t.Context(), "O")
	require.True(t, iamport.IsNotFound(err))
}

func TestWhoeverWaitsForATokenMayLeave(t *testing.T) {
	t.Parallel()
	asked, open := make(chan struct{}, 1), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		asked <- struct{}{}
		<-open
		panic(http.ErrAbortHandler)
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(open) })
	client := iamport.New(iamport.Config{BaseURL: server.URL, Key: "key", Secret: "secret", Timeout: time.Minute})
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() {
		_, err := client.Payment(ctx, "imp_1")
		left <- err
	}()
	<-asked
	cancel()
	require.ErrorIs(t, <-left, context.Canceled)
}
