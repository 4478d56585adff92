package mux_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byeolshow/byeolshow/clients/mux"
)

func clientOf(t *testing.T, handler http.HandlerFunc) *mux.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	client, err := mux.New(mux.Config{BaseURL: server.URL + "/mux", TokenID: "id", TokenSecret: "secret", Timeout: 2 * time.Second})
	require.NoError(t, err)
	return client
}

func TestCreateLiveStreamSendsWhatTheShowNeeds(t *testing.T) {
	t.Parallel()
	client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
		id, secret, _ := r.BasicAuth()
		var body map[string]any
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil || id != "id" || secret != "secret" ||
			r.Method+r.URL.Path != "POST/mux/video/v1/live-streams" || body["latency_mode"] != "reduced" || body["reconnect_window"] != 60.0 {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"data":{"id":"s","stream_key":"k","status":"idle","playback_ids":[{"id":"p"}]}}`)
	})
	stream, err := client.CreateLiveStream(t.Context())
	require.NoError(t, err)
	require.Equal(t, mux.LiveStream{ID: "s", StreamKey: "k", PlaybackID: "p", Status: "idle"}, stream)
}

func TestEachClientHasItsOwnMux(t *testing.T) {
	t.Parallel()
	answer := func(id string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"data":{"id":"`+id+r.URL.Path+`"}}`)
		}
	}
	one, two := clientOf(t, answer("one")), clientOf(t, answer("two"))
	for range 3 {
		a, err := one.LiveStream(t.Context(), "x")
		require.NoError(t, err)
		b, err := two.LiveStream(t.Context(), "y")
		require.NoError(t, err)
		require.Equal(t, "one/mux/video/v1/live-streams/x", a.ID)
		require.Equal(t, "two/mux/video/v1/live-streams/y", b.ID)
	}
}

func TestErrorsAreToldApart(t *testing.T) {
	t.Parallel()
	for status, retryable := range map[int]bool{
		400: false, 401: false, 403: false, 404: false, 409: false, 422: false, 429: true, 500: true, 502: true, 503: true,
	} {
		client := clientOf(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, `{"error":{"type":"x","messages":["y"]}}`)
		})
		_, err := client.LiveStream(t.Context(), "x")
		require.Error(t, err)
		if status != 404 && status != 400 { // the library drops what these say
			require.ErrorContains(t, err, ": y", "in Mux's own words")
		}
		require.Equal(t, retryable, mux.IsRetryable(err), "%d", status)
		_, err = client.ActiveLiveStreams(t.Context())
		require.Equal(t, retryable, mux.IsRetryable(err), "%d", status)
		if status == 404 {
			require.ErrorIs(t, err, mux.ErrNotFound)
			require.NoError(t, client.DeleteAsset(t.Context(), "x"), "gone is gone")
		} else {
			require.Error(t, client.DeleteAsset(t.Context(), "x"))
		}
	}
	cut := clientOf(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	require.True(t, mux.IsRetryable(cut.Complete(t.Context(), "x")))
}

func TestActiveLiveStreamsReadsEveryPage(t *testing.T) {
	t.Parallel()
	client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
		n := map[string]int{"1": 100, "2": 3}[r.URL.Query().Get("page")]
		list := make([]map[string]any, n)
		for i := range list {
			list[i] = map[string]any{"id": r.URL.Query().Get("page") + "-" + string(rune('0'+i)), "status": r.URL.Query().Get("status")}
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"data": list})
	})
	active, err := client.ActiveLiveStreams(t.Context())
	require.NoError(t, err)
	require.Len(t, active, 103)
}

// observer counts what passes it.
type observer struct {
	next  http.RoundTripper
	count *atomic.Int32
}

func (o observer) RoundTrip(r *http.Request) (*http.Response, error) {
	o.count.Add(1)
	return o.next.RoundTrip(r)
}

// TestEveryCallIsObserved makes a call of the library's and one of our own.
func TestEveryCallIsObserved(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"data":{"id":"s"}}`)
	}))
	t.Cleanup(server.Close)
	var count atomic.Int32
	client, err := mux.New(mux.Config{BaseURL: server.URL, TokenID: "id", TokenSecret: "secret", Observe: func(next http.RoundTripper) http.RoundTripper { return observer{next, &count} }})
	require.NoError(t, err)
	_, err = client.LiveStream(t.Context(), "s")
	require.NoError(t, err)
	_, err = client.CreateLiveStream(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 2, count.Load())
}

// TestMuxItselfIsObserved stops short of the network.
func TestMuxItselfIsObserved(t *testing.T) {
	t.Parallel()
	client, err := mux.New(mux.Config{TokenID: "id", TokenSecret: "secret", Observe: func(http.RoundTripper) http.RoundTripper { return nowhere{} }})
	require.NoError(t, err)
	_, err = client.LiveStream(t.Context(), "s")
	require.ErrorContains(t, err, "https://api.mux.com/video/v1/live-streams/s is not to be called")
}

type nowhere struct{}

func (nowhere) RoundTrip(r *http.Request) (*http.Response, error) {
	return nil, errors.New(r.URL.Scheme + "://" + r.URL.Host + r.URL.RequestURI() + " is not to be called")
}
