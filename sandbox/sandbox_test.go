package sandbox_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/byeolshow/byeolshow/clients/clayful"
	"github.com/byeolshow/byeolshow/clients/mux"
	"github.com/byeolshow/byeolshow/embedded/embeddedtest"
	"github.com/byeolshow/byeolshow/sandbox"
	shop "github.com/byeolshow/byeolshow/sandbox/clayful"
	payments "github.com/byeolshow/byeolshow/sandbox/iamport"
	video "github.com/byeolshow/byeolshow/sandbox/mux"
	"github.com/byeolshow/byeolshow/sandbox/oauth"
)

func TestMain(m *testing.M) { embeddedtest.Main(m) }

const webhookSecret = "webhook secret"

// world is a sandbox, and whoever its webhooks go to.
type world struct {
	t   *testing.T
	url string

	mu     sync.Mutex
	events []mux.Event
	refuse int // webhooks still to be answered with 500
}

func newWorld(t *testing.T, changes ...func(*sandbox.Config)) *world {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), embeddedtest.Database(t))
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	w := &world{t: t}
	hooks := httptest.NewServer(http.HandlerFunc(w.receive))
	t.Cleanup(hooks.Close)
	config := sandbox.Config{
		Pool: pool, Control: true, Logger: slog.New(slog.DiscardHandler), MuxWebhookSecret: webhookSecret,
		Clayful: shop.Config{BackendToken: "backend", StorefrontToken: "storefront", TokenSecret: []byte("secret"), ResetURL: "http://x/reset"},
		Mux: video.Config{
			TokenID: "id", TokenSecret: "secret", WebhookURL: hooks.URL, ConnectDelay: 50 * time.Millisecond,
			LongestReconnect: 200 * time.Millisecond, CutAfter: 100 * time.Millisecond,
		},
	}
	vendors := httptest.NewUnstartedServer(nil)
	w.url = "http://" + vendors.Listener.Addr().String()
	config.Iamport = payments.Config{Key: "key", Secret: "secret"}
	config.Clayful.Social = map[string]string{"kakao": w.url + "/kakao", "naver": w.url + "/naver", "facebook": w.url + "/facebook"}
	for vendor, app := range map[string]*oauth.App{"kakao": &config.Kakao, "naver": &config.Naver, "facebook": &config.Facebook} {
		*app = oauth.App{ID: "42", ClientID: vendor + "-id", Secret: "secret", Callback: "https://shop.example/" + vendor}
	}
	config.Clayful.Iamport = shop.IamportConfig{BaseURL: w.url + "/iamport", Key: "key", Secret: "secret"}
	for _, change := range changes {
		change(&config)
	}
	server, err := sandbox.New(t.Context(), config)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- server.Run(ctx) }()
	t.Cleanup(func() { cancel(); require.NoError(t, <-stopped) })
	vendors.Config.Handler = server.Handler()
	vendors.Start()
	t.Cleanup(vendors.Close)
	return w
}

func (w *world) receive(rw http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	event, err := mux.ParseEvent(r.Header.Get("Mux-Signature"), body, webhookSecret, time.Now())
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil || w.refuse > 0 {
		w.refuse--
		rw.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.events = append(w.events, event)
}

// received counts the webhooks of a type about a stream or its recordings.
func (w *world) received(kind, stream string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, event := range w.events {
		if event.Type == kind && (event.StreamID == stream || event.Asset.LiveStreamID == stream) {
			n++
		}
	}
	return n
}

func (w *world) awaitEvent(kind, stream string) {
	w.t.Helper()
	require.Eventually(w.t, func() bool { return w.received(kind, stream) > 0 }, 10*time.Second, 10*time.Millisecond, kind)
}

func (w *world) mux() *mux.Client {
	w.t.Helper()
	client, err := mux.New(mux.Config{BaseURL: w.url + "/mux", TokenID: "id", TokenSecret: "secret"})
	require.NoError(w.t, err)
	return client
}

// call is a plain request; answer is what it brought, decoded.
func (w *world) call(method, path string, body any, headers ...string) (int, any) {
	w.t.Helper()
	encoded, err := json.Marshal(body)
	require.NoError(w.t, err)
	request, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, bytes.NewReader(encoded))
	require.NoError(w.t, err)
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(w.t, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.NoError(w.t, err)
	var answer any
	if len(text) > 0 {
		require.NoError(w.t, json.Unmarshal(text, &answer), string(text))
	}
	return response.StatusCode, answer
}

func (w *world) shop(method, path string, body any, headers ...string) (int, any) {
	w.t.Helper()
	return w.call(method, "/clayful/v1"+path, body, append([]string{"Authorization", "Bearer backend"}, headers...)...)
}

func TestStreamLivesAndLeavesARecording(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client := w.mux()
	stream, err := client.CreateLiveStream(t.Context())
	require.NoError(t, err)
	status, _ := w.call("POST", "/control/mux/streams/"+stream.StreamKey+"/connect", nil)
	require.Equal(t, 200, status)
	for _, kind := range []string{"connected", "recording", "active"} {
		w.awaitEvent("video.live_stream."+kind, stream.ID)
	}
	now, err := client.LiveStream(t.Context(), stream.ID)
	require.NoError(t, err)
	require.True(t, now.Active())
	active, err := client.ActiveLiveStreams(t.Context())
	require.NoError(t, err)
	require.Contains(t, active, stream.ID)
	assets, err := client.AssetsOfStream(t.Context(), stream.ID)
	require.NoError(t, err)
	require.Len(t, assets, 1)
	require.True(t, assets[0].IsLive)
	require.Equal(t, now.ActiveAssetID, assets[0].ID)

	w.mu.Lock()
	w.refuse = 2 // webhooks are repeated
	w.mu.Unlock()
	_, _ = w.call("POST", "/control/mux/streams/"+stream.StreamKey+"/disconnect", nil)
	for _, kind := range []string{"video.live_stream.disconnected", "video.live_stream.idle", "video.asset.live_stream_completed"} {
		w.awaitEvent(kind, stream.ID)
	}
	assets, err = client.AssetsOfStream(t.Context(), stream.ID)
	require.NoError(t, err)
	require.False(t, assets[0].IsLive)
	require.Positive(t, assets[0].Duration)
	require.NotEmpty(t, assets[0].PlaybackID)
	require.NoError(t, client.DeleteAsset(t.Context(), assets[0].ID))
	require.NoError(t, client.DeleteAsset(t.Context(), assets[0].ID), "gone is gone")
}

func TestReconnectingWithinTheWindowGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client := w.mux()
	stream, err := client.CreateLiveStream(t.Context())
	require.NoError(t, err)
	connect := func(what string) { _, _ = w.call("POST", "/control/mux/streams/"+stream.StreamKey+"/"+what, nil) }
	connect("connect")
	w.awaitEvent("video.live_stream.active", stream.ID)
	connect("disconnect")
	connect("connect")
	require.Eventually(t, func() bool { return w.received("video.live_stream.active", stream.ID) == 2 }, 5*time.Second, 10*time.Millisecond)
	require.Zero(t, w.received("video.live_stream.idle", stream.ID))
	require.NoError(t, client.Complete(t.Context(), stream.ID))
	w.awaitEvent("video.asset.live_stream_completed", stream.ID)
	w.awaitEvent("video.live_stream.disconnected", stream.ID)
	key, err := client.ResetStreamKey(t.Context(), stream.ID)
	require.NoError(t, err)
	status, _ := w.call("POST", "/control/mux/streams/"+stream.StreamKey+"/connect", nil)
	require.Equal(t, 404, status, "the old key is dead")
	status, _ = w.call("PUT", "/mux/video/v1/live-streams/"+stream.ID+"/disable", nil, "Authorization", "Basic aWQ6c2VjcmV0")
	require.Equal(t, 200, status)
	status, _ = w.call("POST", "/control/mux/streams/"+key.StreamKey+"/connect", nil)
	require.Equal(t, 409, status, "a disabled stream takes no encoder")
}

func TestMuxIsStrict(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	auth := []string{"Authorization", "Basic aWQ6c2VjcmV0"}
	for _, test := range []struct {
		method, path string
		body         any
		headers      []string
		status       int
		kind         string
	}{
		{"GET", "/live-streams", nil, nil, 401, "unauthorized"},
		{"GET", "/live-streams/none", nil, auth, 404, "not_found"},
		{"GET", "/nothing", nil, auth, 404, "not_found"},
		{"GET", "/live-streams?limit=x", nil, auth, 400, "invalid_parameters"},
		{"POST", "/live-streams", map[string]any{"playback_policy": []string{"open"}}, auth, 400, "invalid_parameters"},
		{"POST", "/live-streams", map[string]any{"latency_mode": "none"}, auth, 400, "invalid_parameters"},
		{"POST", "/live-streams", map[string]any{"unknown": 1}, auth, 400, "invalid_parameters"},
		{"POST", "/live-streams", map[string]any{"reconnect_window": -1}, auth, 400, "invalid_parameters"},
		{"DELETE", "/assets/none", nil, auth, 404, "not_found"},
	} {
		status, answer := w.call(test.method, "/mux/video/v1"+test.path, test.body, test.headers...)
		require.Equal(t, test.status, status, test.path)
		require.Equal(t, test.kind, answer.(map[string]any)["error"].(map[string]any)["type"])
	}
	limited := false
	for range 400 {
		if status, _ := w.call("GET", "/mux/video/v1/live-streams", nil, auth...); status == 429 {
			limited = true
			break
		}
	}
	require.True(t, limited, "nobody may ask for ever")
}

func TestFaults(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client := w.mux()
	status, _ := w.call("POST", "/control/faults", map[string]any{"vendor": "mux", "mode": "explode"})
	require.Equal(t, 400, status)
	_, _ = w.call("POST", "/control/faults", map[string]any{"vendor": "mux", "method": "POST", "mode": "drop", "times": 1})
	_, err := client.CreateLiveStream(t.Context())
	require.True(t, mux.IsRetryable(err), "the line was cut")
	_, streams := w.call("GET", "/control/mux/streams", nil)
	require.Len(t, streams, 3, "it was made all the same, beside those of the demo")
	_, err = client.CreateLiveStream(t.Context())
	require.NoError(t, err, "the fault is used up")
	_, _ = w.call("POST", "/control/faults", map[string]any{"vendor": "mux", "path": "/video/v1/assets", "mode": "error", "status": 502})
	_, err = client.AssetsOfStream(t.Context(), "x")
	require.True(t, mux.IsRetryable(err))
	_, err = client.ActiveLiveStreams(t.Context())
	require.NoError(t, err, "another path")
	_, _ = w.call("DELETE", "/control/faults", nil)
	_, err = client.AssetsOfStream(t.Context(), "x")
	require.NoError(t, err)
	_, calls := w.call("GET", "/control/calls?vendor=mux", nil)
	require.InDelta(t, 2, calls.(map[string]any)["POST /video/v1/live-streams"], 0)
}

func TestShopKeepsItsPeople(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client := clayful.New(clayful.Config{BaseURL: w.url + "/clayful", Token: "backend"})
	auth, err := client.Authenticate(t.Context(), "star1", "star1234!")
	require.NoError(t, err)
	require.InDelta(t, 604800, float64(auth.ExpiresIn), 0)
	me, err := client.Me(t.Context(), auth.Token)
	require.NoError(t, err)
	require.Equal(t, "별하나", *me.Alias)
	require.True(t, me.InGroup(shop.DemoInfluencers))
	_, err = client.Authenticate(t.Context(), "star1", "wrong")
	require.True(t, clayful.IsCode(err, "invalid-password"))
	_, err = client.Authenticate(t.Context(), "nobody", "wrong")
	require.True(t, clayful.IsCode(err, "not-existing-customer"))
	_, err = client.Me(t.Context(), auth.Token+"x")
	require.True(t, clayful.IsCode(err, "unauthorized"))
	influencers, err := client.CustomersInGroup(t.Context(), shop.DemoInfluencers)
	require.NoError(t, err)
	require.Len(t, influencers, 3)

	status, created := w.shop("POST", "/customers", map[string]any{"userId": "neu", "email": "neu@x.example", "password": "p", "groups": []string{"none"}})
	require.Equal(t, 400, status)
	require.Equal(t, "not-existing-group-relation", created.(map[string]any)["errorCode"])
	status, created = w.shop("POST", "/customers", map[string]any{"userId": 5})
	require.Equal(t, 400, status)
	require.Equal(t, "payload.userId", created.(map[string]any)["validation"].(map[string]any)["source"])
	status, created = w.shop("POST", "/customers", map[string]any{"userId": "neu", "email": "neu@x.example", "password": "p"})
	require.Equal(t, 201, status)
	raw := created.(map[string]any)
	require.IsType(t, "", raw["createdAt"], "writes answer raw")
	require.NotContains(t, raw, "password")
	_, got := w.shop("GET", "/customers/"+raw["_id"].(string), nil)
	require.IsType(t, map[string]any{}, got.(map[string]any)["createdAt"], "reads are formatted")
	_, got = w.shop("GET", "/customers/"+raw["_id"].(string)+"?raw=true&fields=createdAt", nil)
	require.Len(t, got, 2)
	status, _ = w.call("GET", "/clayful/v1/customers", nil, "Authorization", "Bearer storefront")
	require.Equal(t, 403, status)
	status, _ = w.call("GET", "/clayful/v1/products", nil, "Authorization", "Bearer storefront")
	require.Equal(t, 200, status)
	status, _ = w.shop("DELETE", "/customers/"+raw["_id"].(string), nil)
	require.Equal(t, 204, status)
	status, _ = w.shop("GET", "/customers/"+raw["_id"].(string), nil)
	require.Equal(t, 404, status)
}

func TestShopUnderRaces(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client := clayful.New(clayful.Config{BaseURL: w.url + "/clayful", Token: "backend"})
	var wait sync.WaitGroup
	statuses := make([]int, 40)
	for i := range statuses {
		wait.Go(func() {
			statuses[i], _ = w.shop("POST", "/customers", map[string]any{"userId": "same", "password": "p"})
			_, _ = w.shop("POST", "/customers/STAR2222AAA2/meta/Follower/inc", map[string]any{"value": 1})
			if err := client.PushMeta(context.Background(), "customers", "STAR2222AAA2", "my_vod", "7", strconv.Itoa(i)); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	made := 0
	for _, status := range statuses {
		if status == 201 {
			made++
		}
	}
	require.Equal(t, 1, made)
	star, err := client.Customer(t.Context(), "STAR2222AAA2")
	require.NoError(t, err)
	require.Equal(t, 160, star.MetaInt("Follower"))
	require.Len(t, star.MetaStrings("my_vod"), 40)
	require.NoError(t, client.PullMeta(t.Context(), "customers", "STAR2222AAA2", "my_vod", "7"))
	star, err = client.Customer(t.Context(), "STAR2222AAA2")
	require.NoError(t, err)
	require.Len(t, star.MetaStrings("my_vod"), 39)
}

func TestShopLists(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for path, n := range map[string]int{
		"/products":                                                              24,
		"/products?limit=120":                                                    60,
		"/products?limit=120&page=2":                                             0,
		"/products?limit=50&page=2":                                              10,
		"/products?ids=PRDUCT222223":                                             1,
		"/products?collection=any&limit=120":                                     60,
		"/products?collection=CCBEAUTY2222&limit=120":                            30,
		"/products?collection=CCSKNCARE222&limit=120":                            10,
		"/products?discount.type=fixed&limit=120":                                10,
		"/products?discount.type=fixed,percentage&limit=120":                     20,
		"/products?price.saleMin=60000&limit=120":                                8,
		"/products?q=07&search=name.ko&searchMatch=partial":                      1,
		"/collections?parent=none":                                               2,
		"/collections?parent=CCBEAUTY2222":                                       2,
		"/customers?userId=demo":                                                 1,
		"/customers?userId=demo,demo2":                                           2,
		"/customers?firstName=%EB%8D%B0%EB%AA%A8":                                1,
		"/customers?email=star1@byeolshow.example&group=" + shop.DemoInfluencers: 1,
		"/customers?email=star1@byeolshow.example&group=" + shop.DemoMembers:     0,
	} {
		status, list := w.shop("GET", path, nil)
		require.Equal(t, 200, status, path)
		require.Equal(t, n, len(list.([]any)), path)
	}
	_, count := w.shop("GET", "/products/count?raw=true", nil)
	require.Equal(t, map[string]any{"count": 60.0}, count)
	_, sorted := w.shop("GET", "/products?ids=PRDUCT222224,PRDUCT222223&sort=ids", nil)
	require.Equal(t, "PRDUCT222224", sorted.([]any)[0].(map[string]any)["_id"])
	require.Equal(t, map[string]any{"raw": 11900.0, "convertedRaw": 11900.0, "formatted": "11,900원", "converted": "11,900원"},
		sorted.([]any)[0].(map[string]any)["price"].(map[string]any)["original"])
}

func TestResetLinkWorksOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	status, _ := w.shop("POST", "/customers/verifications/emails", map[string]any{"userId": "demo", "scope": "reset-password"})
	require.Equal(t, 200, status)
	_, mails := w.call("GET", "/control/mail?to=demo@byeolshow.example", nil)
	require.Len(t, mails, 1)
	_, made := w.shop("POST", "/customers/verifications", map[string]any{"userId": "demo", "scope": "reset-password"})
	reset := func(secret any) int {
		status, _ := w.shop("PUT", "/customers/DEM222222AA2/password", map[string]any{"secret": secret, "password": "fresh1234!"})
		return status
	}
	require.Equal(t, 400, reset("guess"))
	require.Equal(t, 200, reset(made.(map[string]any)["secret"]))
	require.Equal(t, 400, reset(made.(map[string]any)["secret"]))
	client := clayful.New(clayful.Config{BaseURL: w.url + "/clayful", Token: "backend"})
	_, err := client.Authenticate(t.Context(), "demo", "fresh1234!")
	require.NoError(t, err)
	_, err = client.Authenticate(t.Context(), "demo", "demo1234!")
	require.True(t, clayful.IsCode(err, "invalid-password"))
}

func TestCustomerTokensExpire(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sandbox.Config) { c.Clayful.TokenLifetime = 2 * time.Second })
	status, answer := w.call("POST", "/clayful/v1/customers/auth", map[string]string{"userId": "demo", "password": "demo1234!"}, "Authorization", "Bearer storefront")
	require.Equal(t, 200, status)
	token := answer.(map[string]any)["token"].(string)
	me := func() int {
		status, answer = w.call("GET", "/clayful/v1/me", nil, "Authorization", "Bearer storefront", "Authorization-Customer", token)
		return status
	}
	require.Equal(t, 200, me())
	require.Eventually(t, func() bool { return me() == 401 }, 10*time.Second, 100*time.Millisecond)
	require.Equal(t, "unauthorized", answer.(map[string]any)["errorCode"])
}
