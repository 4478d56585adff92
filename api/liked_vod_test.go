package api

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestGuardedReadAsksTheShopOnce counts the shop's calls of a member's read.
func TestGuardedReadAsksTheShopOnce(t *testing.T) {
	t.Parallel()
	s := newShelf(t, true)
	s.has("/customers/auth", `{"customer":"C","token":"shop token","expiresIn":3600}`)
	s.has("/me", `{"_id":"C","meta":{"my_vod":["","2","1","1","x","404"]}}`)
	s.aired(t, 1, map[string]any{"started_at": "2026-01-01T00:00:00Z"})
	s.aired(t, 2, map[string]any{"started_at": "2026-01-02T00:00:00Z"})
	token := s.ask(t, http.MethodPost, "/user/auth/", `{"userId":"c","password":"p"}`).Header().Get(tokenHeader)
	require.NotEmpty(t, token)
	read := func() string {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/user/myvod/", nil)
		r.Header.Set(tokenHeader, token)
		w := httptest.NewRecorder()
		s.api.ServeHTTP(w, r)
		require.Equal(t, 200, w.Code, w.Body.String())
		return w.Body.String()
	}
	s.calls()
	cold := read()
	require.Regexp(t, `^{"success":{"my_vod":\[{"vod_id":2,.*{"vod_id":1,.*}\]}}$`, cold)
	require.Equal(t, []string{"/me?"}, s.calls(), "cold")
	for range 10 {
		require.Equal(t, cold, read())
	}
	require.Empty(t, s.calls(), "warm")
	s.pass(memberMemory)
	read()
	require.Equal(t, []string{"/me?"}, s.calls())
}
