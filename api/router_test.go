package api

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatIsRefusedBeforeAHandlerReadsIt(t *testing.T) {
	t.Parallel()
	a, shop, _ := newAPI(t)
	handler, err := New(a.Config)
	require.NoError(t, err)
	token := a.opened(t)
	for name, test := range map[string]struct {
		method, path, kind, body string
		shop                     int32
		status                   int
	}{
		"a huge body":                       {"POST", "/user/auth/", "application/json", strings.Repeat(" ", 2<<20), 0, 413},
		"a huge body that says it is files": {"POST", "/user/auth/", "multipart/form-data; boundary=x", strings.Repeat(" ", 2<<20), 0, 413},
		"an odd method":                     {"BREW", "/ping/", "", "", 0, 405},
		"an odd method for no route":        {"BREW", "/coffee/", "", "", 0, 404},
		"a shop that does not know us":      {"POST", "/user/auth/", "", `{"userId":"star1","password":"x"}`, 401, 503},
		"null where a text must be":         {"POST", "/influencer/update/", "", `{"description":null}`, 0, 400},
		"null where a list must be":         {"POST", "/influencer/update/", "", `{"tag":null}`, 0, 400},
	} {
		shop.status.Store(test.shop)
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), test.method, test.path, strings.NewReader(test.body))
		r.Header.Set("Content-Type", test.kind)
		r.Header.Set("Custom-Token", token)
		handler.ServeHTTP(w, r)
		require.Equal(t, test.status, w.Code, "%s: %s", name, w.Body)
		require.Contains(t, w.Body.String(), `{"error":{"message":"`, name)
		require.Equal(t, test.status == http.StatusMethodNotAllowed, w.Header().Get("Allow") != "", name)
	}
}
