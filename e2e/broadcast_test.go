package e2e

import (
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// fan sets an alarm on the broadcast and returns the device it rings.
func fan(t *testing.T, id int) string {
	t.Helper()
	who := shared.newPerson(t, members)
	device := who.id + ":phone"
	require.Equal(t, 200, shared.call(t, "POST", "/user/upload_token/", who.token, map[string]string{"firebase_token": device}).status)
	got := shared.call(t, "POST", "/media/alarm/", who.token, map[string]any{"_id": id})
	require.Equal(t, 202, got.status, string(got.body))
	require.Equal(t, true, got.object(t)["status"])
	return device
}

func TestReservedBroadcastGoesLiveByItself(t *testing.T) {
	star := shared.newSeller(t)
	id, at := star.reserveIn(t, 6*time.Second)
	device := fan(t, id)
	require.True(t, shared.listed(t, "/media/schedule/ready/", id))
	scheduled := shared.media(t, id)["started_at"]
	star.connect(t)

	shared.awaitStatus(t, id, "live", time.Until(at)+2*time.Second)
	require.False(t, time.Now().Before(at), "it went live before its time")
	require.True(t, shared.listed(t, "/media/schedule/today/live", id))
	require.False(t, shared.listed(t, "/media/schedule/ready", id))
	require.Eventually(t, func() bool { return shared.pushes(t, device) == 1 }, 10*time.Second, 100*time.Millisecond)

	star.disconnect(t)
	shared.awaitStatus(t, id, "completed", 20*time.Second)
	vod := shared.media(t, id)
	require.NotNil(t, vod["mux_asset_playback_id"])
	require.Equal(t, scheduled, vod["started_at"])
	require.Equal(t, 1, shared.pushes(t, device))
}

func TestStreamThatComesLateStartsTheBroadcast(t *testing.T) {
	star := shared.newSeller(t)
	id, at := star.reserveIn(t, time.Second)
	require.Eventually(t, func() bool { return time.Now().After(at.Add(time.Second)) }, 5*time.Second, 50*time.Millisecond)
	require.Equal(t, "ready", shared.status(t, id))
	star.connect(t)
	shared.awaitStatus(t, id, "live", 4*time.Second) // active after one second, then at most two
	require.Equal(t, 202, star.command(t, "/media/end/", id).status)
	shared.awaitStatus(t, id, "completed", 20*time.Second)
}

func TestLostWebhooksDelayButDoNotStop(t *testing.T) {
	star := shared.newSeller(t)
	shared.control(t, "POST", "/faults", map[string]any{"vendor": "mux-webhook", "mode": "error"})
	t.Cleanup(func() { call(t, "DELETE", "http://"+shared.sandbox+"/control/faults", "", nil) })
	id, at := star.reserveIn(t, time.Second)
	require.Eventually(t, func() bool { return time.Now().After(at.Add(time.Second)) }, 5*time.Second, 50*time.Millisecond)
	star.connect(t)
	shared.awaitStatus(t, id, "live", 90*time.Second)
	star.disconnect(t)
	shared.awaitStatus(t, id, "completed", 2*time.Minute)
	require.NotNil(t, shared.media(t, id)["mux_asset_playback_id"])
}

func TestRepeatedAndLateWebhooksChangeNothingMore(t *testing.T) {
	star := shared.newSeller(t)
	shared.control(t, "POST", "/faults", map[string]any{"vendor": "mux-webhook", "mode": "drop", "rate": 0.5})
	shared.control(t, "POST", "/faults", map[string]any{"vendor": "mux-webhook", "mode": "delay", "ms": 700, "rate": 0.3})
	t.Cleanup(func() { call(t, "DELETE", "http://"+shared.sandbox+"/control/faults", "", nil) })
	id, _ := star.reserveIn(t, 3*time.Second)
	device := fan(t, id)
	star.connect(t)
	shared.awaitStatus(t, id, "live", 90*time.Second)
	star.disconnect(t)
	shared.awaitStatus(t, id, "completed", 2*time.Minute)
	require.Equal(t, 1, shared.pushes(t, device))
}

func TestWorkerKilledBeforeTheTimeAndStartedAfterIt(t *testing.T) {
	star := shared.newSeller(t)
	id, at := star.reserveIn(t, 3*time.Second)
	star.connect(t)
	shared.killWorker()
	started := false
	defer func() {
		if !started {
			shared.startWorker()
		}
	}()
	require.Eventually(t, func() bool { return time.Now().After(at.Add(time.Second)) }, 10*time.Second, 50*time.Millisecond)
	require.Equal(t, "ready", shared.status(t, id))
	shared.startWorker()
	started = true
	shared.awaitStatus(t, id, "live", time.Minute)
	star.disconnect(t)
	shared.awaitStatus(t, id, "completed", time.Minute)
}

// TestWorkerKilledInEveryState kills the worker wherever a broadcast waits, and
// starts another: the end is the same.
func TestWorkerKilledInEveryState(t *testing.T) {
	star := shared.newSeller(t)
	restart := func() { shared.killWorker(); shared.startWorker() }
	id, at := star.reserveIn(t, 4*time.Second)
	device := fan(t, id)
	restart() // ready, about to go live
	require.Eventually(t, func() bool { return time.Now().After(at.Add(time.Second)) }, 10*time.Second, 50*time.Millisecond)
	restart() // waiting for the encoder
	star.connect(t)
	shared.awaitStatus(t, id, "live", time.Minute)
	require.Eventually(t, func() bool { return shared.pushes(t, device) == 1 }, 10*time.Second, 50*time.Millisecond)
	restart() // on air
	shared.control(t, "POST", "/faults", map[string]any{"vendor": "mux-webhook", "mode": "delay", "ms": 1500})
	t.Cleanup(func() { call(t, "DELETE", "http://"+shared.sandbox+"/control/faults", "", nil) })
	require.Equal(t, 202, star.command(t, "/media/end/", id).status)
	restart() // closed, its recording on the way
	shared.control(t, "DELETE", "/faults", nil)
	shared.awaitStatus(t, id, "completed", 2*time.Minute)
	require.NotNil(t, shared.media(t, id)["mux_asset_playback_id"])
	require.Equal(t, 1, shared.pushes(t, device))
}

// TestWorkerKilledWhileItSendsThePush kills the worker with pushes on the wire:
// they are sent on by another, and no device rings twice.
func TestWorkerKilledWhileItSendsThePush(t *testing.T) {
	star := shared.newSeller(t)
	id, _ := star.reserveIn(t, 4*time.Second)
	devices := make([]string, 3)
	for i := range devices {
		devices[i] = fan(t, id)
	}
	shared.control(t, "POST", "/faults", map[string]any{"vendor": "fcm", "mode": "delay", "ms": 1500})
	t.Cleanup(func() { call(t, "DELETE", "http://"+shared.sandbox+"/control/faults", "", nil) })
	sending := func() float64 {
		n := 0.0
		for _, count := range shared.control(t, "GET", "/calls?vendor=fcm", nil).object(t) {
			n += count.(float64)
		}
		return n
	}
	before := sending()
	star.connect(t)
	require.Eventually(t, func() bool { return sending() > before }, 30*time.Second, 20*time.Millisecond)
	shared.killWorker()
	shared.control(t, "DELETE", "/faults", nil)
	shared.startWorker()
	require.Eventually(t, func() bool { return star.command(t, "/media/end/", id).status == 202 }, 30*time.Second, time.Second)
	shared.awaitStatus(t, id, "completed", 2*time.Minute)
	for _, device := range devices {
		require.LessOrEqual(t, shared.pushes(t, device), 1)
	}
}

func TestEverythingKilledWhileLive(t *testing.T) {
	star := shared.newSeller(t)
	id, _ := star.reserveIn(t, 2*time.Second)
	star.connect(t)
	shared.awaitStatus(t, id, "live", 20*time.Second)
	shared.killEverything()
	require.NoError(t, shared.start())
	require.Equal(t, "live", shared.status(t, id))
	star.disconnect(t)
	shared.awaitStatus(t, id, "completed", time.Minute)
	require.NotNil(t, shared.media(t, id)["mux_asset_playback_id"])
}

func TestDeletedWhileLiveLeavesNothingAtMux(t *testing.T) {
	star := shared.newSeller(t)
	id, _ := star.reserveIn(t, 2*time.Second)
	star.connect(t)
	shared.awaitStatus(t, id, "live", 20*time.Second)
	asset := func() bool {
		for _, a := range shared.control(t, "GET", "/mux/assets", nil).list(t) {
			if a["live_stream_id"] == streamOf(t, star) {
				return true
			}
		}
		return false
	}
	require.True(t, asset())
	shared.control(t, "POST", "/faults", map[string]any{"vendor": "mux", "mode": "error", "status": 500})
	t.Cleanup(func() { call(t, "DELETE", "http://"+shared.sandbox+"/control/faults", "", nil) })
	require.Equal(t, 202, star.command(t, "/media/delete/", id).status)
	for _, list := range []string{
		"/media/schedule/today/live", "/media/schedule/ready/", "/media/hot/", "/influencer/list/live/",
		"/influencer/myvod/?influencer_id=" + star.id,
	} {
		require.False(t, shared.listed(t, list, id), list)
	}
	require.Equal(t, "gone", shared.status(t, id))
	calls := func() float64 {
		n, _ := shared.control(t, "GET", "/calls?vendor=mux", nil).object(t)["PUT /video/v1/live-streams/{LIVE_STREAM_ID}/complete"].(float64)
		return n
	}
	failed := calls()
	require.Eventually(t, func() bool { return calls() > failed+1 }, 20*time.Second, 100*time.Millisecond, "it is tried again")
	require.True(t, asset())
	shared.control(t, "DELETE", "/faults", nil)
	require.Eventually(t, func() bool { return !asset() }, time.Minute, 200*time.Millisecond)
}

func streamOf(t *testing.T, star *seller) string {
	t.Helper()
	got := star.s.call(t, "GET", "/influencer/streamkey/", star.token, nil)
	return got.object(t)["success"].(map[string]any)["Stream_id"].(string)
}

func TestManyStartsAtOnceAreOne(t *testing.T) {
	t.Parallel()
	star := shared.newSeller(t)
	id, _ := star.reserveIn(t, 2*time.Second) // the automatic start competes
	device := fan(t, id)
	star.connect(t)
	require.Eventually(t, func() bool { return shared.listed(t, "/media/schedule/ready/", id) }, time.Second, 50*time.Millisecond)
	var wait sync.WaitGroup
	statuses := make([]int, 20)
	for i := range statuses {
		wait.Go(func() { statuses[i] = star.command(t, "/media/start/", id).status })
	}
	wait.Wait()
	for _, status := range statuses {
		require.Contains(t, []int{202, 409}, status)
	}
	require.Equal(t, "live", shared.status(t, id))
	require.Eventually(t, func() bool { return shared.pushes(t, device) == 1 }, 10*time.Second, 100*time.Millisecond)
	require.Equal(t, 202, star.command(t, "/media/live_alarm/", id).status)
	require.Equal(t, 202, star.command(t, "/media/end/", id).status)
	require.Equal(t, 409, star.command(t, "/media/end/", id).status)
	shared.awaitStatus(t, id, "completed", time.Minute)
	require.Equal(t, 1, shared.pushes(t, device))
	require.Equal(t, 409, star.command(t, "/media/start/", id).status)
}

func TestOneBroadcastOnAirPerInfluencer(t *testing.T) {
	t.Parallel()
	star := shared.newSeller(t)
	first, second := star.reserve(t, nil), star.reserve(t, nil)
	var wait sync.WaitGroup
	statuses := make([]int, 2)
	for i, id := range []int{first, second} {
		wait.Go(func() { statuses[i] = star.command(t, "/media/start/", id).status })
	}
	wait.Wait()
	require.ElementsMatch(t, []int{202, 400}, statuses)
	live, other := first, second
	if statuses[0] != 202 {
		live, other = second, first
	}
	require.Equal(t, 202, star.command(t, "/media/end/", live).status)
	require.Equal(t, 400, star.command(t, "/media/start/", other).status, "the recording is still awaited")
	shared.awaitStatus(t, live, "completed", time.Minute) // without a recording
	require.Equal(t, 202, star.command(t, "/media/start/", other).status)
}

func TestEditMovesTheTimeAndRevivesAMissedBroadcast(t *testing.T) {
	star := shared.newSeller(t)
	id, _ := star.reserveIn(t, time.Hour)
	star.connect(t)
	at := time.Now().Add(3 * time.Second).Truncate(time.Second)
	got := shared.call(t, "POST", "/media/edit/", star.token, map[string]any{
		"media_id": strconv.Itoa(id), "title": "새 제목", "started_at": at.Format(time.RFC3339),
	})
	require.Equal(t, 200, got.status, string(got.body))
	require.Equal(t, "새 제목", shared.media(t, id)["title"])
	shared.awaitStatus(t, id, "live", time.Until(at)+2*time.Second)
	star.disconnect(t)
	shared.awaitStatus(t, id, "completed", 20*time.Second)
	got = shared.call(t, "POST", "/media/edit/", star.token, map[string]any{
		"media_id": id, "title": "다시보기", "started_at": time.Now().Add(time.Hour).Format(time.RFC3339),
	})
	require.Equal(t, 200, got.status, string(got.body))
	vod := shared.media(t, id)
	require.Equal(t, "다시보기", vod["title"])
	require.Equal(t, "completed", vod["status"])
	require.Equal(t, 202, star.command(t, "/media/delete/", id).status)
	require.Eventually(t, func() bool {
		for _, a := range shared.control(t, "GET", "/mux/assets", nil).list(t) {
			if a["live_stream_id"] == streamOf(t, star) {
				return false
			}
		}
		return true
	}, 30*time.Second, 200*time.Millisecond)
}

func TestWebhooksNotOfMuxDoNothing(t *testing.T) {
	star := shared.newSeller(t)
	id := star.reserve(t, nil)
	require.Equal(t, 202, star.command(t, "/media/start/", id).status)
	body := fmt.Appendf(nil, `{"id":"forged-%d","type":"video.asset.live_stream_completed","created_at":"2026-01-01T00:00:00Z",
		"data":{"id":"forged","live_stream_id":%q,"created_at":"%d","duration":60,"playback_ids":[{"id":"forged"}]}}`,
		id, streamOf(t, star), time.Now().Unix())
	said := ""
	send := func(secret string, at time.Time) int {
		got := muxHook(t, secret, at, body)
		said = string(got.body)
		return got.status
	}
	secret := shared.variable("MUX_WEBHOOK_SECRET")
	require.Equal(t, 401, send("wrong", time.Now()))
	require.Equal(t, 401, send("", time.Now()))
	require.Equal(t, 401, send(secret, time.Now().Add(-6*time.Minute)))
	require.Equal(t, 401, send(secret, time.Now().Add(6*time.Minute)))
	require.Equal(t, 401, shared.call(t, "POST", "/media/callback/", "", map[string]string{}).status)
	require.Nil(t, shared.media(t, id)["mux_asset_playback_id"])
	require.Equal(t, 200, send(secret, time.Now()))
	require.Equal(t, `"completed"`, said)
	require.Equal(t, 200, send(secret, time.Now()), "a replay is taken and changes nothing")
	require.Equal(t, `"OK"`, said)
	require.Eventually(t, func() bool { return shared.media(t, id)["mux_asset_playback_id"] == "forged" }, 10*time.Second, 50*time.Millisecond)
	require.Equal(t, 202, star.command(t, "/media/end/", id).status)
	require.Equal(t, "completed", shared.status(t, id), "its recording is known already")
	body = []byte(`{"id":"of-nothing","type":"video.asset.live_stream_completed","data":{"id":"unknown","live_stream_id":"unknown"}}`)
	require.Equal(t, 200, send(secret, time.Now()))
	require.Equal(t, `"OK"`, said, "nobody waits for it")
}
