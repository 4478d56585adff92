package health_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byeolshow/byeolshow/health"
)

func TestReadyNamesTheParts(t *testing.T) {
	t.Parallel()
	well := func(context.Context) error { return nil }
	ill := func(context.Context) error { return errors.New("password of postgres://…") }
	for name, asked := range map[string]struct {
		checks health.Checks
		status int
		body   string
	}{
		"well":    {health.Checks{"postgres": well, "temporal": well}, 200, `{"status":"ok","parts":{"postgres":"ok","temporal":"ok"}}`},
		"one ill": {health.Checks{"postgres": ill, "temporal": well}, 503, `{"status":"unavailable","parts":{"postgres":"unreachable","temporal":"ok"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := httptest.NewRecorder()
			asked.checks.Handler().ServeHTTP(got, httptest.NewRequest(http.MethodGet, "/readyz", nil))
			require.Equal(t, asked.status, got.Code)
			require.JSONEq(t, asked.body, got.Body.String())
		})
	}
}

func TestReadyWaitsForNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		silent := health.Checks{"temporal": func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}
		got := httptest.NewRecorder()
		silent.Handler().ServeHTTP(got, httptest.NewRequest(http.MethodGet, "/readyz", nil))
		require.Equal(t, 503, got.Code)
		require.Equal(t, 2*time.Second, time.Since(began))
	})
}

func TestAliveAsksNobody(t *testing.T) {
	t.Parallel()
	got := httptest.NewRecorder()
	health.Checks{"postgres": nil}.Handler().ServeHTTP(got, httptest.NewRequest(http.MethodGet, "/healthz", nil))
	require.Equal(t, 200, got.Code)
	require.JSONEq(t, `{"status":"ok"}`, got.Body.String())
}
