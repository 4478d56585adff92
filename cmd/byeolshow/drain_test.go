package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDrainingServesOnWhileItIsNotReady(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked, stop := context.WithCancel(t.Context())
		ctx, handler := draining(asked, 5*time.Second, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNoContent)
		}))
		get := func(path string) int {
			answer := httptest.NewRecorder()
			handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
			return answer.Code
		}
		require.Equal(t, 204, get("/readyz"))
		began := time.Now()
		stop()
		synctest.Wait()
		require.Equal(t, 503, get("/readyz"))
		require.Equal(t, 503, get("/readyz/"))
		require.Equal(t, 204, get("/ping/"))
		require.NoError(t, ctx.Err())
		<-ctx.Done()
		require.Equal(t, 5*time.Second, time.Since(began))
	})
}
