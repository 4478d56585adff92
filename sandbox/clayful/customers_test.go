package clayful_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/byeolshow/byeolshow/embedded/embeddedtest"
	"github.com/byeolshow/byeolshow/sandbox/clayful"
)

// TestCustomersAreFoundAndForgotten finds people by what they are called, and
// deletes one with all that is theirs.
func TestCustomersAreFoundAndForgotten(t *testing.T) {
	t.Parallel()
	pool, err := pgxpool.New(t.Context(), embeddedtest.Database(t))
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	shop, err := clayful.New(t.Context(), pool, clayful.Config{
		Demo: true, BackendToken: "backend", TokenSecret: []byte("secret"), ResetURL: "https://byeolshow.example/reset/", Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	server := httptest.NewServer(shop.Routes())
	t.Cleanup(server.Close)
	send := func(method, path, body string) (int, []byte) {
		request, err := http.NewRequestWithContext(t.Context(), method, server.URL+"/v1"+path, strings.NewReader(body))
		require.NoError(t, err)
		request.Header.Set("Authorization", "Bearer backend")
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		defer func() { _ = response.Body.Close() }()
		text, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		return response.StatusCode, text
	}
	ids := func(path string) []string {
		status, text := send("GET", path, "")
		require.Equal(t, 200, status, string(text))
		var found []struct {
			ID string `json:"_id"`
		}
		require.NoError(t, json.Unmarshal(text, &found))
		list := []string{}
		for _, one := range found {
			list = append(list, one.ID)
		}
		return list
	}
	status, text := send("POST", "/customers", `{"userId":"Ab","email":"A.B@byeolshow.example","password":"x","alias":"Byeol 별","name":{"first":"Byeol 별"}}`)
	require.Equal(t, 201, status, string(text))
	var made struct {
		ID string `json:"_id"`
	}
	require.NoError(t, json.Unmarshal(text, &made))
	for filter, want := range map[string][]string{
		"userId=Ab": {made.ID}, "userId=AB": {}, "userId=nobody,Ab": {made.ID}, "userId=any": {},
		"email=a.b%40BYEOLSHOW.example": {made.ID}, "email=none": {},
		"firstName=" + url.QueryEscape("bYEOL 별"): {made.ID}, "firstName=" + url.QueryEscape("별"): {},
	} {
		require.Equal(t, want, ids("/customers?"+filter), filter)
	}
	sorted, reversed := ids("/customers?sort=id"), ids("/customers?sort=-id")
	require.Greater(t, len(sorted), 1)
	slices.Reverse(reversed)
	require.Equal(t, sorted, reversed)
	for _, bad := range []string{
		`{"userId":"c","password":"x","gender":"other"}`, `{"userId":"c","password":"x","birthdate":"yesterday"}`, `{"userId":"c"}`,
		`{"userId":"c","email":"no address","password":"x"}`, `{"password":"x"}`,
	} {
		status, text = send("POST", "/customers", bad)
		require.Equal(t, 400, status, "%s: %s", bad, text)
	}

	status, text = send("POST", "/wishlists", `{"customer":"`+made.ID+`","name":"product_wishlist"}`)
	require.Equal(t, 201, status, string(text))
	status, text = send("POST", "/customers/"+made.ID+"/coupons", `{"coupon":"`+clayful.DemoCoupon(1)+`"}`)
	require.Equal(t, 200, status, string(text))
	status, text = send("POST", "/customers/verifications", `{"userId":"Ab","scope":"reset-password","expiresIn":259200}`)
	require.Equal(t, 200, status, string(text))
	left := func() (n int) {
		require.NoError(t, pool.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM sandbox_clayful.document WHERE body->>'customer' = $1)
			+ (SELECT count(*) FROM sandbox_clayful.verification WHERE customer = $1)`, made.ID).Scan(&n))
		return n
	}
	require.Equal(t, 3, left())
	status, _ = send("DELETE", "/customers/"+made.ID, "")
	require.Equal(t, 204, status)
	require.Zero(t, left())
	status, text = send("DELETE", "/customers/"+made.ID, "")
	require.Equal(t, 404, status)
	require.Contains(t, string(text), "not-existing-customer")

	_, err = pool.Exec(t.Context(), `UPDATE sandbox_clayful.document SET body = jsonb_set(body, '{social}', '[{"vendor":"naver"}]') WHERE id = 'DEM222222AA2'`)
	require.NoError(t, err)
	status, text = send("POST", "/customers/verifications/emails", `{"userId":"demo","scope":"reset-password"}`)
	require.Equal(t, 400, status, string(text))
	mails, err := shop.Mails(t.Context(), "demo@byeolshow.example")
	require.NoError(t, err)
	require.Empty(t, mails)
}
