package push_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byeolshow/byeolshow/clients/push"
)

// account is a service account whose tokens a test server grants.
func account(t *testing.T, url string) []byte {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	credentials, err := json.Marshal(map[string]string{
		"project_id": "p", "client_email": "a@p", "token_uri": url + "/token",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	})
	require.NoError(t, err)
	return credentials
}

func TestSend(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name         string
		status       int
		body         string
		unregistered bool
		forNow       bool
		ok           bool
	}{
		{"sent", 200, `{"name":"x"}`, false, false, true},
		{"unregistered", 404, `{"error":{"status":"NOT_FOUND","details":[{"errorCode":"UNREGISTERED"}]}}`, true, false, false},
		{"busy", 429, `{"error":{"status":"RESOURCE_EXHAUSTED"}}`, false, true, false},
		{"down", 503, ``, false, true, false},
		{"an account without rights", 403, `{"error":{"status":"PERMISSION_DENIED"}}`, false, true, false},
		{"a key that was withdrawn", 401, `{"error":{"status":"UNAUTHENTICATED","details":[{"errorCode":"THIRD_PARTY_AUTH_ERROR"}]}}`, false, true, false},
		{"another project's device", 403, `{"error":{"status":"PERMISSION_DENIED","details":[{"errorCode":"SENDER_ID_MISMATCH"}]}}`, false, true, false},
		{"no such project", 404, `{"error":{"status":"NOT_FOUND"}}`, false, true, false},
		{"refused", 400, `{"error":{"status":"INVALID_ARGUMENT"}}`, false, false, false},
		{"broken", 500, ``, false, false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var sent map[string]any
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/token" {
					w.Header().Set("Content-Type", "application/json")
					_, _ = io.WriteString(w, `{"access_token":"granted","token_type":"Bearer","expires_in":3600}`)
					return
				}
				if r.URL.Path != "/v1/projects/p/messages:send" || r.Header.Get("Authorization") != "Bearer granted" {
					w.WriteHeader(http.StatusTeapot)
					return
				}
				_ = json.NewDecoder(r.Body).Decode(&sent)
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body)
			}))
			defer server.Close()
			client, err := push.New(push.Config{BaseURL: server.URL, Credentials: account(t, server.URL)})
			require.NoError(t, err)
			err = client.Send(t.Context(), push.Message{Token: "d", Title: "t", Body: "b", Data: map[string]string{"Live": "1"}})
			require.Equal(t, test.ok, err == nil)
			require.Equal(t, test.forNow, push.IsUnsent(err))
			require.Equal(t, test.unregistered, errors.Is(err, push.ErrUnregistered))
			require.Equal(t, map[string]any{"message": map[string]any{
				"token": "d", "notification": map[string]any{"title": "t", "body": "b"}, "data": map[string]any{"Live": "1"},
			}}, sent)
		})
	}
}

func TestNewRefusesWhatIsNoAccount(t *testing.T) {
	t.Parallel()
	for _, credentials := range []string{"", "{}", `{"project_id":"p"}`, "x"} {
		_, err := push.New(push.Config{Credentials: []byte(credentials)})
		require.Error(t, err, credentials)
	}
}
