package activities_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"github.com/byeolshow/byeolshow/activities"
	"github.com/byeolshow/byeolshow/clients/mux"
	"github.com/byeolshow/byeolshow/clients/push"
	"github.com/byeolshow/byeolshow/embedded/embeddedtest"
	"github.com/byeolshow/byeolshow/model"
	"github.com/byeolshow/byeolshow/store"
)

func TestMain(m *testing.M) { embeddedtest.Main(m) }

func newStore(t *testing.T) *store.Store { return store.New(embeddedtest.Pool(t, 4)) }

// onAir is a broadcast of the influencer's that is live since then.
func onAir(t *testing.T, s *store.Store, influencer string, since time.Time) int64 {
	t.Helper()
	id, err := s.NextVODID(t.Context())
	require.NoError(t, err)
	require.NoError(t, s.InsertBroadcast(t.Context(), model.Broadcast{
		VODID: id, InfluencerID: influencer, InfluencerName: "별하나", MuxLivestreamID: "stream", Status: model.StatusReady, ArmedAt: since,
		Details: model.Details{Title: "라이브"},
	}))
	_, err = s.StartBroadcast(t.Context(), id, since)
	require.NoError(t, err)
	return id
}

// TestEraseRecordingSparesAFinishedShow deletes a show whose encoder recorded
// another one in the same asset, which is over and keeps it.
func TestEraseRecordingSparesAFinishedShow(t *testing.T) {
	t.Parallel()
	s, ctx, now := newStore(t), t.Context(), time.Now()
	asset := func(id string, began time.Time, seconds int) string {
		return fmt.Sprintf(`{"id":%q,"status":"ready","live_stream_id":"stream","created_at":"%d","duration":%d,"playback_ids":[{"id":"play"}]}`,
			id, began.Unix(), seconds)
	}
	var erased []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.Method == http.MethodDelete:
			erased = append(erased, path.Base(r.URL.Path))
			w.WriteHeader(http.StatusNoContent)
		case strings.HasSuffix(r.URL.Path, "/assets"):
			fmt.Fprintf(w, `{"data":[%s,%s,%s]}`,
				asset("own", now.Add(-time.Minute), 30), asset("both", now.Add(-time.Hour), 3590), asset("before", now.Add(-2*time.Hour), 60))
		default:
			fmt.Fprint(w, `{"data":{}}`)
		}
	}))
	t.Cleanup(server.Close)
	client, err := mux.New(mux.Config{BaseURL: server.URL, TokenID: "id", TokenSecret: "secret"})
	require.NoError(t, err)
	steps := activities.New(activities.Config{Store: s, Mux: client})

	finished := onAir(t, s, "STAR", now.Add(-time.Hour))
	_, err = s.AttachRecording(ctx, finished, model.Recording{AssetID: "both", PlaybackID: "play", StreamID: "stream"}, now)
	require.NoError(t, err)
	_, err = steps.End(ctx, activities.BroadcastRef{VODID: finished})
	require.NoError(t, err)
	deleted := activities.BroadcastRef{VODID: onAir(t, s, "STAR", now.Add(-2*time.Minute))}
	_, err = steps.Delete(ctx, deleted)
	require.NoError(t, err)

	require.NoError(t, steps.EraseRecording(ctx, deleted))
	require.Equal(t, []string{"own"}, erased)
	_, err = steps.Delete(ctx, activities.BroadcastRef{VODID: finished})
	require.NoError(t, err)
	require.NoError(t, steps.EraseRecording(ctx, deleted))
	require.Equal(t, []string{"own", "own", "both"}, erased, "nobody needs it any more")
}

// TestEndForgetsAlarms of a show that is completed by its end, and only of such.
func TestEndForgetsAlarms(t *testing.T) {
	t.Parallel()
	s, ctx := newStore(t), t.Context()
	steps := activities.New(activities.Config{Store: s})
	for influencer, recorded := range map[string]bool{"RECORDED": true, "OPEN": false} {
		ref := activities.BroadcastRef{VODID: onAir(t, s, influencer, time.Now().Add(-time.Hour))}
		require.NoError(t, s.SetAlarm(ctx, ref.VODID, "CUSTOMER", true))
		if recorded {
			_, err := steps.AttachRecording(ctx, activities.BroadcastRecording{
				VODID: ref.VODID, Recording: model.Recording{AssetID: "asset", PlaybackID: "play", StreamID: "stream"},
			})
			require.NoError(t, err)
		}
		has, err := s.HasAlarm(ctx, ref.VODID, "CUSTOMER")
		require.NoError(t, err)
		require.True(t, has, "it is on air")
		for range 2 { // an answer may be lost
			_, err = steps.End(ctx, ref)
			require.NoError(t, err)
			has, err = s.HasAlarm(ctx, ref.VODID, "CUSTOMER")
			require.NoError(t, err)
			require.Equal(t, !recorded, has, influencer)
		}
	}
}

// TestPushesAreOfShowsOnAir sends none about what was deleted or has ended since.
func TestPushesAreOfShowsOnAir(t *testing.T) {
	t.Parallel()
	s, ctx := newStore(t), t.Context()
	var sent atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/token" {
			fmt.Fprint(w, `{"access_token":"t","token_type":"Bearer","expires_in":3600}`)
			return
		}
		sent.Add(1)
		fmt.Fprint(w, `{"name":"x"}`)
	}))
	t.Cleanup(server.Close)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	credentials, err := json.Marshal(map[string]string{
		"project_id": "p", "client_email": "a@p", "token_uri": server.URL + "/token",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})),
	})
	require.NoError(t, err)
	client, err := push.New(push.Config{BaseURL: server.URL, Credentials: credentials})
	require.NoError(t, err)
	steps := activities.New(activities.Config{Store: s, Push: client})
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivity(steps)
	require.NoError(t, s.RegisterDevice(ctx, "device", "FOLLOWER"))

	for _, test := range []struct {
		name   string
		before func(activities.BroadcastRef) (model.Broadcast, error)
		sent   int32
	}{
		{"deleted", func(ref activities.BroadcastRef) (model.Broadcast, error) { return steps.Delete(ctx, ref) }, 0},
		{"finished", func(ref activities.BroadcastRef) (model.Broadcast, error) { return steps.End(ctx, ref) }, 0},
		{"on air", func(ref activities.BroadcastRef) (model.Broadcast, error) { return steps.Load(ctx, ref) }, 1},
	} {
		sent.Store(0)
		ref := activities.BroadcastRef{VODID: onAir(t, s, test.name, time.Now())}
		require.NoError(t, s.SetFollower(ctx, test.name, "FOLLOWER", true, 0, func(context.Context, int) error { return nil }))
		_, err := test.before(ref)
		require.NoError(t, err)
		_, err = env.ExecuteActivity(steps.SendPush, ref)
		require.NoError(t, err, test.name)
		require.Equal(t, test.sent, sent.Load(), test.name)
		b, err := s.Broadcast(ctx, ref.VODID)
		require.NoError(t, err)
		require.Equal(t, test.sent == 1, b.PushedAt != nil, test.name)
	}
}
