package api

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/byeolshow/byeolshow/clients/clayful"
	"github.com/byeolshow/byeolshow/embedded/embeddedtest"
	"github.com/byeolshow/byeolshow/store"
)

func TestMain(m *testing.M) { embeddedtest.Main(m) }

type shop struct {
	asked  atomic.Int32
	status atomic.Int32 // of GET /me; 0 is 200
	meta   atomic.Value
}

// newAPI is an API over a real database and a shop that knows one customer.
func newAPI(t *testing.T) (*api, *shop, *time.Time) {
	t.Helper()
	pool := embeddedtest.Pool(t, 4)
	s := &shop{}
	s.meta.Store(`{}`)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s.asked.Add(1)
		if status := s.status.Load(); status != 0 {
			w.WriteHeader(int(status))
			if status == 401 {
				_, _ = io.WriteString(w, `{"errorCode":"unauthorized"}`)
			}
			return
		}
		_, _ = io.WriteString(w, `{"_id":"C","groups":["INF"],"meta":`+s.meta.Load().(string)+`}`)
	}))
	t.Cleanup(server.Close)
	now := time.Now()
	config := Config{
		Store: store.New(pool), Clayful: clayful.New(clayful.Config{BaseURL: server.URL}), InfluencerGroup: "INF",
		JWTKeys: []Key{{"new", []byte(strings.Repeat("n", 32))}, {"old", []byte(strings.Repeat("o", 32))}},
		Logger:  slog.New(slog.DiscardHandler), Now: func() time.Time { return now },
	}
	sessions, err := newSessions(config)
	require.NoError(t, err)
	return &api{Config: config, sessions: sessions}, s, &now
}

func (a *api) opened(t *testing.T) string {
	t.Helper()
	token, err := a.sessions.open(t.Context(), clayful.Auth{Customer: "C", Token: "shop token", ExpiresIn: 3600}, true)
	require.NoError(t, err)
	return token
}

// guarded is the status a guard answers with.
func guarded(guard func(http.Handler) http.Handler, token string) int {
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/", nil)
	r.Header.Set("custom-token", token)
	guard(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })).ServeHTTP(w, r)
	return w.Code
}

func TestTokensAreCheckedStrictly(t *testing.T) {
	t.Parallel()
	a, _, _ := newAPI(t)
	good := a.opened(t)
	require.Equal(t, 204, guarded(a.seller, good))
	require.NotContains(t, good, "shop token")

	key := a.sessions.keys["new"].sign
	parsed, _, err := jwt.NewParser().ParseUnverified(good, jwt.MapClaims{})
	require.NoError(t, err)
	forge := func(method jwt.SigningMethod, key any, change func(header map[string]any, claims jwt.MapClaims)) string {
		claims := jwt.MapClaims{}
		for name, value := range parsed.Claims.(jwt.MapClaims) {
			claims[name] = value
		}
		token := jwt.NewWithClaims(method, claims)
		token.Header["kid"] = "new"
		change(token.Header, claims)
		signed, err := token.SignedString(key)
		require.NoError(t, err)
		return signed
	}
	same := func(map[string]any, jwt.MapClaims) {}
	require.Equal(t, 204, guarded(a.login, forge(jwt.SigningMethodHS256, key, same)))
	ahead := forge(jwt.SigningMethodHS256, key, func(_ map[string]any, c jwt.MapClaims) { c["iat"] = a.Now().Add(time.Minute).Unix() })
	require.Equal(t, 204, guarded(a.login, ahead), "another process's clock may be ahead")
	parts := strings.Split(good, ".")
	for name, token := range map[string]string{
		"empty":           "",
		"nonsense":        "x.y.z",
		"unsigned":        parts[0] + "." + parts[1] + ".",
		"none":            forge(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, same),
		"other algorithm": forge(jwt.SigningMethodHS512, key, same),
		"wrong key":       forge(jwt.SigningMethodHS256, []byte("guess"), same),
		"raw key":         forge(jwt.SigningMethodHS256, a.JWTKeys[0].Secret, same),
		"other key id":    forge(jwt.SigningMethodHS256, key, func(h map[string]any, _ jwt.MapClaims) { h["kid"] = "old" }),
		"unknown key id":  forge(jwt.SigningMethodHS256, key, func(h map[string]any, _ jwt.MapClaims) { h["kid"] = "?" }),
		"no key id":       forge(jwt.SigningMethodHS256, key, func(h map[string]any, _ jwt.MapClaims) { delete(h, "kid") }),
		"expired":         forge(jwt.SigningMethodHS256, key, func(_ map[string]any, c jwt.MapClaims) { c["exp"] = 1 }),
		"never expires":   forge(jwt.SigningMethodHS256, key, func(_ map[string]any, c jwt.MapClaims) { delete(c, "exp") }),
		"other issuer":    forge(jwt.SigningMethodHS256, key, func(_ map[string]any, c jwt.MapClaims) { c["iss"] = "x" }),
		"other session":   forge(jwt.SigningMethodHS256, key, func(_ map[string]any, c jwt.MapClaims) { c["sid"] = uuid.NewString() }),
		"other customer":  forge(jwt.SigningMethodHS256, key, func(_ map[string]any, c jwt.MapClaims) { c["sub"] = "D" }),
		"no sealed token": forge(jwt.SigningMethodHS256, key, func(_ map[string]any, c jwt.MapClaims) { delete(c, "ct") }),
		"tampered":        parts[0] + "." + parts[1] + "A." + parts[2],
	} {
		require.Equal(t, 401, guarded(a.login, token), name)
	}
}

func TestOldKeysStillVerify(t *testing.T) {
	t.Parallel()
	a, _, _ := newAPI(t)
	before, err := newSessions(Config{JWTKeys: a.JWTKeys[1:], Store: a.Store, Clayful: a.Clayful, Now: a.Now})
	require.NoError(t, err)
	token, err := before.open(t.Context(), clayful.Auth{Customer: "C", Token: "t"}, false)
	require.NoError(t, err)
	require.Equal(t, 204, guarded(a.login, token))
}

func TestTokenLivesNoLongerThanTheShops(t *testing.T) {
	t.Parallel()
	a, _, now := newAPI(t)
	token := a.opened(t)
	*now = now.Add(time.Hour + time.Second)
	require.Equal(t, 401, guarded(a.login, token))
}

func TestGuardTellsOutageFromRefusal(t *testing.T) {
	t.Parallel()
	a, s, now := newAPI(t)
	token := a.opened(t)
	s.status.Store(503)
	require.Equal(t, 503, guarded(a.login, token))
	require.Equal(t, 401, guarded(a.login, "nonsense"), "it needs no shop to see that")
	s.status.Store(0)
	require.Equal(t, 204, guarded(a.login, token))
	s.status.Store(503)
	require.Equal(t, 204, guarded(a.login, token), "the shop was asked less than a minute ago")
	*now = now.Add(time.Minute)
	require.Equal(t, 503, guarded(a.login, token))
	s.status.Store(401)
	require.Equal(t, 401, guarded(a.login, token))
	s.status.Store(0)
	require.Equal(t, 401, guarded(a.login, token), "that revoked the session")
}

func TestGuardAsksTheShopOncePerMinute(t *testing.T) {
	t.Parallel()
	a, s, _ := newAPI(t)
	token := a.opened(t)
	for range 10 {
		require.Equal(t, 204, guarded(a.login, token))
	}
	require.EqualValues(t, 1, s.asked.Load())
}

func TestWithdrawnMembersAreNotLetIn(t *testing.T) {
	t.Parallel()
	a, s, _ := newAPI(t)
	s.meta.Store(`{"active":false}`)
	withdrawn := a.opened(t)
	require.Equal(t, 401, guarded(a.login, withdrawn))
	require.Equal(t, 401, guarded(a.seller, withdrawn))
	require.Equal(t, 204, guarded(a.optional, withdrawn), "as nobody")
	s.meta.Store(`{"active":null}`)
	require.Equal(t, 204, guarded(a.login, a.opened(t)))
}

// TestRevokedSessionsAreNotLetIn ends one, all but one, and all.
func TestRevokedSessionsAreNotLetIn(t *testing.T) {
	t.Parallel()
	a, s, _ := newAPI(t)
	first, second, third := a.opened(t), a.opened(t), a.opened(t)
	statuses := func() [3]int {
		return [3]int{guarded(a.login, first), guarded(a.login, second), guarded(a.login, third)}
	}
	require.Equal(t, [3]int{204, 204, 204}, statuses())
	m, err := a.sessions.read(first)
	require.NoError(t, err)
	require.NoError(t, a.sessions.revoke(t.Context(), m.Session))
	require.Equal(t, [3]int{401, 204, 204}, statuses())
	m, err = a.sessions.read(second)
	require.NoError(t, err)
	require.NoError(t, a.Store.RevokeSessions(t.Context(), "C", m.Session, a.Now()))
	require.Equal(t, [3]int{401, 204, 401}, statuses(), "what is remembered of a member revives no session")
	require.NoError(t, a.revokeAll(t.Context(), "C"))
	require.Equal(t, [3]int{401, 401, 401}, statuses())
	s.status.Store(503)
	require.Equal(t, [3]int{401, 401, 401}, statuses(), "no shop is needed to see that")
}

func TestLoginsAreLimitedPerPersonAndAddress(t *testing.T) {
	t.Parallel()
	a, _, _ := newAPI(t)
	handler, err := New(a.Config)
	require.NoError(t, err)
	logIn := func(user, address string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		body := `{"userId":"` + uuid.NewString() + `","USERID":"` + user + `","password":""}`
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/user/auth/", strings.NewReader(body))
		r.RemoteAddr = address + ":1234"
		r.Header.Set("X-Forwarded-For", uuid.NewString()) // believed by nobody
		handler.ServeHTTP(w, r)
		return w
	}
	for range 10 {
		require.Equal(t, 400, logIn("star1", "10.0.0.1").Code)
	}
	refused := logIn("star1", "10.0.0.1")
	require.Equal(t, 429, refused.Code)
	require.NotEmpty(t, refused.Header().Get("Retry-After"))
	require.Contains(t, refused.Body.String(), `"error"`)
	require.Equal(t, 400, logIn("star2", "10.0.0.1").Code)
	require.Equal(t, 400, logIn("star1", "10.0.0.2").Code)
}
