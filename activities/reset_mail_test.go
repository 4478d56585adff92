package activities

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/byeolshow/byeolshow/clients/clayful"
)

// TestResetMailIsNotRepeatedBlindly is about what a try that failed may be
// followed by.
func TestResetMailIsNotRepeatedBlindly(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer  http.HandlerFunc // nil: nobody is there any more
		repeats bool
	}{
		"busy":    {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) }, true},
		"away":    {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }, true},
		"broken":  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, false},
		"refused": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) }, false},
		"dropped": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, false},
		"gone":    {nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var server *httptest.Server
			server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodGet {
					c.answer(w, r)
					return
				}
				if c.answer == nil {
					w.Header().Set("Connection", "close")
					require.NoError(t, server.Listener.Close())
				}
				_, _ = io.WriteString(w, `[{"_id":"C","userId":"byeol","email":"byeol@byeolshow.example"}]`)
			}))
			t.Cleanup(server.Close)
			a := New(Config{Clayful: clayful.New(clayful.Config{BaseURL: server.URL})})
			err := a.MailReset(t.Context(), ResetMail{UserID: "byeol", Email: "byeol@byeolshow.example"})
			require.Error(t, err)
			var known *temporal.ApplicationError
			require.Equal(t, c.repeats, !errors.As(err, &known) || !known.NonRetryable(), "%v", err)
		})
	}
}
