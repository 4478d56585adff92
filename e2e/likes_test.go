package e2e

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// follow toggles, and answers the status that came back.
func (p shopper) follow(influencer string) string {
	p.t.Helper()
	return p.toggled("/user/influencer/like/", map[string]any{"InfluencerId": influencer})
}

func (p shopper) like(vod any) string {
	p.t.Helper()
	return p.toggled("/user/myvod/", map[string]any{"vod_id": vod})
}

func (p shopper) toggled(path string, body any) string {
	p.t.Helper()
	got := p.call("POST", path, body)
	require.Equal(p.t, 202, got.status, string(got.body))
	answer := got.object(p.t)["success"].(map[string]any)
	require.Len(p.t, answer, 2)
	require.NotEmpty(p.t, answer["message"])
	return answer["status"].(string)
}

// refused expects an error, and none of its effects.
func (p shopper) refused(status int, method, path string, body any) {
	p.t.Helper()
	got := p.call(method, path, body)
	require.Equal(p.t, status, got.status, "%s %v: %s", path, body, got.body)
	requireError(p.t, got, path)
}

func influencer(t *testing.T, id string) map[string]any {
	t.Helper()
	got := shared.call(t, "GET", "/influencer/info/?influencer_id="+id, "", nil)
	require.Equal(t, 200, got.status, string(got.body))
	return got.object(t)["success"].(map[string]any)["data"].(map[string]any)
}

// meta is a field of a customer's meta in the shop.
func meta(t *testing.T, customer, field string) any {
	t.Helper()
	return shopGet(t, "/customers/"+customer+"?raw=true").object(t)["meta"].(map[string]any)[field]
}

func setCustomer(t *testing.T, customer string, fields map[string]any) {
	t.Helper()
	got := shopSend(t, "PUT", "/customers/"+customer, fields)
	require.Equal(t, 200, got.status, string(got.body))
	// What another instance remembers of a customer is forgotten by the shop's notice.
	require.Equal(t, 200, shopHook(t, "/webhook/clayful/", shared.variable("CLAYFUL_WEBHOOK_SECRET"), "customer.update", time.Now(), map[string]any{"customerId": customer}).status)
}

func TestUser5Follow(t *testing.T) {
	star, p := shared.newPerson(t, influencers), newShopper(t)
	require.Equal(t, "1", p.follow(star.id))
	require.InDelta(t, 1, influencer(t, star.id)["Follower"], 0)
	require.Equal(t, []any{star.id}, meta(t, p.id, "Following"))
	require.Equal(t, "0", p.toggled("/user/influencer/like", map[string]any{"influencer_id": star.id}), "the other spelling")
	require.InDelta(t, 0, influencer(t, star.id)["Follower"], 0)
	require.Equal(t, []any{}, meta(t, p.id, "Following"))

	for name, body := range map[string]any{
		"nothing": map[string]any{}, "unknown": map[string]any{"InfluencerId": nothing}, "a customer": map[string]any{"InfluencerId": p.id},
		"a number": map[string]any{"InfluencerId": 5}, "a path": map[string]any{"InfluencerId": "../" + star.id},
	} {
		require.Equal(t, 400, p.call("POST", "/user/influencer/like/", body).status, name)
	}
	require.Equal(t, []any{}, meta(t, p.id, "Following"))

	// The counter cannot be changed: the list is set back.
	counter := "/v1/customers/" + star.id
	fault(t, map[string]any{"vendor": "clayful", "method": "PUT", "path": counter, "mode": "error", "times": 1})
	p.refused(503, "POST", "/user/influencer/like/", map[string]any{"InfluencerId": star.id})
	require.Equal(t, []any{}, meta(t, p.id, "Following"))
	require.InDelta(t, 0, influencer(t, star.id)["Follower"], 0)
	// It was changed, and the answer lost: it is not changed again.
	for path, method := range map[string]string{counter: "PUT", "/v1/customers/" + p.id + "/meta/Following": "POST"} {
		for _, want := range []string{"1", "0"} {
			fault(t, map[string]any{"vendor": "clayful", "method": method, "path": path, "mode": "drop", "times": 1})
			require.Equal(t, want, p.follow(star.id), path)
			require.Equal(t, want, fmt.Sprint(influencer(t, star.id)["Follower"]))
		}
	}

	// What the shop shows wrong, as after a crash, is put right each hour.
	require.Equal(t, "1", p.follow(star.id))
	require.Equal(t, 200, shopSend(t, "PUT", "/customers/"+star.id, map[string]any{"meta": map[string]any{"Follower": 7}}).status)
	shared.keepHouse(t)
	require.InDelta(t, 1, meta(t, star.id, "Follower"), 0)
	require.Equal(t, "0", p.follow(star.id))

	// A former influencer can be left, and not followed.
	require.Equal(t, "1", p.follow(star.id))
	setCustomer(t, star.id, map[string]any{"groups": []string{members}})
	require.Equal(t, "0", p.follow(star.id))
	require.InDelta(t, 0, meta(t, star.id, "Follower"), 0)
	p.refused(400, "POST", "/user/influencer/like/", map[string]any{"InfluencerId": star.id})

	// One who was counted wrong stays at none.
	require.Equal(t, 200, shopSend(t, "PUT", "/customers/"+p.id, map[string]any{"meta": map[string]any{"Following": []string{star.id}}}).status)
	require.Equal(t, "0", p.follow(star.id))
	require.InDelta(t, 0, meta(t, star.id, "Follower"), 0)
}

// TestFollowersAreCounted has a crowd follow one influencer at the same time,
// and one customer change their mind a hundred times.
func TestFollowersAreCounted(t *testing.T) {
	star := shared.newPerson(t, influencers)
	const crowd = 100
	fans := make([]shopper, crowd)
	var wait sync.WaitGroup
	for i := range fans {
		fans[i] = newShopper(t)
	}
	toggle := func(p shopper) answer {
		got, err := try("POST", "http://"+shared.api+"/user/influencer/like/", p.token, map[string]any{"InfluencerId": star.id})
		if err != nil {
			t.Errorf("no answer: %v", err)
		}
		return got
	}
	statuses := make([]int, 2*crowd+1)
	fickle := newShopper(t)
	for i := range crowd {
		wait.Go(func() { statuses[i] = toggle(fans[i]).status })
	}
	for i := crowd; i < len(statuses); i++ {
		wait.Go(func() { statuses[i] = toggle(fickle).status })
	}
	wait.Wait()
	for _, status := range statuses {
		require.Equal(t, 202, status)
	}
	require.InDelta(t, crowd+1, meta(t, star.id, "Follower"), 0, "101 changes of mind end in following")
	require.Equal(t, []any{star.id}, meta(t, fickle.id, "Following"))
	for i := range fans {
		wait.Go(func() { toggle(fans[i]) })
	}
	wait.Wait()
	require.InDelta(t, 1, influencer(t, star.id)["Follower"], 0)
	require.Equal(t, "0", fickle.follow(star.id))
	require.InDelta(t, 0, influencer(t, star.id)["Follower"], 0)
}

// TestTogglesCutShort kills the process in the middle of toggles, and lets the
// shop hang there. Whoever toggles again is counted once, or not at all.
func TestTogglesCutShort(t *testing.T) {
	t.Parallel()
	type toggle struct {
		name  string
		field string // of meta, whose change hangs; "" is the count's
		like  bool
		off   bool
		again string // what is answered when it is toggled again after a crash
	}
	toggles := []toggle{
		{"the list, following", "Following/push", false, false, "1"},
		{"the count, following", "", false, false, "1"},
		{"the list, leaving", "Following/pull", false, true, "0"},
		{"the count, leaving", "", false, true, "1"},
		{"the list, liking", "my_vod/push", true, false, "1"},
		{"the list, no longer liking", "my_vod/pull", true, true, "0"},
	}
	// cut makes a shopper whose next toggle hangs, at that path of the shop.
	cut := func(t *testing.T, step toggle) (p shopper, path string, body map[string]any, count func() any) {
		t.Helper()
		star, p := shared.newSeller(t), newShopper(t)
		path, body, count = "/user/influencer/like/", map[string]any{"InfluencerId": star.id}, func() any { return meta(t, star.id, "Follower") }
		if step.like {
			id, _ := star.reserveIn(t, time.Hour)
			path, body, count = "/user/myvod/", map[string]any{"vod_id": id}, func() any { return shared.media(t, id)["like_count"] }
		}
		if step.off {
			require.Equal(t, "1", p.toggled(path, body))
		}
		hang := map[string]any{"vendor": "clayful", "method": "POST", "path": "/v1/customers/" + p.id + "/meta/" + step.field, "mode": "hang", "times": 1}
		if step.field == "" {
			hang["method"], hang["path"] = "PUT", "/v1/customers/"+star.id
		}
		fault(t, hang)
		return p, path, body, count
	}

	api := shared.startAPI(t)
	var checks []func()
	var wait sync.WaitGroup
	for _, step := range toggles {
		p, path, body, count := cut(t, step)
		wait.Go(func() {
			if got, err := try("POST", "http://"+api.address+path, p.token, body); err == nil {
				t.Errorf("%s: answered %d", step.name, got.status)
			}
		})
		require.Eventually(t, func() bool { return !waits(t, p.id, body["InfluencerId"]) }, 10*time.Second, 20*time.Millisecond)
		checks = append(checks, func() {
			require.Equal(t, step.again, p.toggled(path, body), step.name)
			if step.again == "1" {
				require.InDelta(t, 1, count(), 0, step.name)
				require.Equal(t, "0", p.toggled(path, body))
			}
			require.InDelta(t, 0, count(), 0, step.name)
		})
	}
	api.kill()
	wait.Wait()
	for _, check := range checks {
		check()
	}

	for _, step := range toggles {
		t.Run(step.name, func(t *testing.T) {
			t.Parallel()
			p, path, body, count := cut(t, step)
			before, after := 0, "1"
			if step.off {
				before, after = 1, "0"
			}
			p.refused(503, "POST", path, body)
			require.InDelta(t, before, count(), 0, "all is set back")
			require.Equal(t, after, p.toggled(path, body))
			require.InDelta(t, 1-before, count(), 0)
		})
	}
}

// waits tells whether a fault at one of the customers still waits for its call.
func waits(t *testing.T, customers ...any) bool {
	t.Helper()
	for _, fault := range shared.control(t, "GET", "/faults", nil).list(t) {
		for _, id := range customers {
			if id != nil && strings.Contains(fault["path"].(string), id.(string)) {
				return true
			}
		}
	}
	return false
}

// TestChangesAreSeenByEveryProcess changes a customer at one process and asks
// another, which remembers them.
func TestChangesAreSeenByEveryProcess(t *testing.T) {
	t.Parallel()
	star, p := shared.newSeller(t), newShopper(t)
	id, _ := star.reserveIn(t, time.Hour)
	other := shared.startAPI(t)
	read := func(path string) string {
		got := call(t, "GET", "http://"+other.address+path, p.token, nil)
		require.Equal(t, 200, got.status, string(got.body))
		return string(got.body)
	}
	bank := `{"refund_holder":"별이","refund_bank":"04","refund_account":"123"}`
	for _, change := range []struct {
		method, path string
		body         any
		read, shows  string
	}{
		{"POST", "/user/", map[string]any{"mobile": "01012345678"}, "/user/", "01012345678"},
		{"POST", "/user/refund_bank/", json.RawMessage(bank), "/user/refund_bank/", "별이"},
		{"POST", "/user/push_agree/", nil, "/user/push_agree/", "true"},
		{"POST", "/user/influencer/like/", map[string]any{"InfluencerId": star.id}, "/user/influencer/like/", star.id},
		{"POST", "/user/myvod/", map[string]any{"vod_id": id}, "/user/myvod/", strconv.Itoa(id)},
	} {
		require.NotContains(t, read(change.read), change.shows)
		got := p.call(change.method, change.path, change.body)
		require.Less(t, got.status, 300, string(got.body))
		require.Contains(t, read(change.read), change.shows)
	}
	require.Equal(t, 200, shopSend(t, "PUT", "/customers/"+p.id, map[string]any{"mobile": "01087654321"}).status)
	require.Equal(t, 200, shopHook(t, "/webhook/clayful/", shared.variable("CLAYFUL_WEBHOOK_SECRET"), "customer.update", time.Now(), map[string]any{"customerId": p.id}).status)
	require.Contains(t, read("/user/"), "01087654321")
}

func TestUser6Followed(t *testing.T) {
	first, second, p := shared.newPerson(t, influencers), shared.newPerson(t, influencers), newShopper(t)
	list := func() []any {
		got := p.call("GET", "/user/influencer/like/", nil)
		require.Equal(t, 200, got.status, string(got.body))
		return got.object(t)["success"].(map[string]any)["Influencer_List"].([]any)
	}
	require.JSONEq(t, `{"success":{"Influencer_List":[]}}`, string(p.call("GET", "/user/influencer/like/", nil).body))
	p.follow(first.id)
	p.follow(second.id)
	found := list()
	require.Len(t, found, 2)
	require.Equal(t, first.id, found[0].(map[string]any)["_id"])
	shape := influencer(t, first.id)
	for _, more := range []string{"live_vod", "youtube", "instagram"} {
		delete(shape, more)
	}
	require.Equal(t, shape, found[0])

	setCustomer(t, second.id, map[string]any{"groups": []string{members}})
	require.Len(t, list(), 1, "no longer an influencer")
	// A placeholder, ids of nobody, and many.
	following := []string{"", "x/y"}
	for i := range 130 {
		following = append(following, fmt.Sprintf("NXBXDY%06d", i))
	}
	setCustomer(t, p.id, map[string]any{"meta": map[string]any{"Following": append(following, first.id)}})
	shared.control(t, "DELETE", "/calls", nil)
	require.Len(t, list(), 1)
	require.Equal(t, 2, calls(t, "clayful", "GET /v1/customers"))
}

func TestUser7LikedVODs(t *testing.T) {
	star, p := shared.newSeller(t), newShopper(t)
	require.JSONEq(t, `{"success":{"my_vod":[]}}`, string(p.call("GET", "/user/myvod/", nil).body))
	later, _ := star.reserveIn(t, 3*time.Hour)
	sooner, _ := star.reserveIn(t, time.Hour)
	gone := star.reserve(t, nil)
	for _, id := range []int{sooner, later, gone} {
		require.Equal(t, "1", p.like(id))
	}
	require.Equal(t, 202, star.command(t, "/media/delete/", gone).status)
	list := func() []any {
		return p.call("GET", "/user/myvod/", nil).object(t)["success"].(map[string]any)["my_vod"].([]any)
	}
	found := list()
	require.Len(t, found, 2)
	require.InDelta(t, later, found[0].(map[string]any)["vod_id"], 0, "the newest first")
	one := shared.media(t, later)
	delete(one, "product_list")
	require.Equal(t, one, found[0])

	setCustomer(t, p.id, map[string]any{"meta": map[string]any{"my_vod": []any{"", "x", "999999999", nil, strconv.Itoa(sooner)}}})
	require.Eventually(t, func() bool { // the shop's notice of the change may come meanwhile
		require.Len(t, list(), 1)
		shared.control(t, "DELETE", "/calls", nil)
		for range 5 {
			require.Len(t, list(), 1)
		}
		return calls(t, "clayful", "GET /v1/me") == 0
	}, 10*time.Second, 100*time.Millisecond)
}

func TestUser8LikeVOD(t *testing.T) {
	star, p := shared.newSeller(t), newShopper(t)
	id, _ := star.reserveIn(t, time.Hour)
	updated := func() any { return shared.media(t, id)["like_count"] }
	require.Equal(t, "1", p.like(strconv.Itoa(id)))
	require.InDelta(t, 1, updated(), 0)
	require.Equal(t, []any{strconv.Itoa(id)}, meta(t, p.id, "my_vod"))
	require.Equal(t, "1", newShopper(t).like(id), "another's like")
	require.InDelta(t, 2, updated(), 0)
	require.Equal(t, "0", p.like(id))
	require.InDelta(t, 1, updated(), 0)
	require.Equal(t, []any{}, meta(t, p.id, "my_vod"))

	for _, body := range []any{
		map[string]any{}, map[string]any{"vod_id": 999999999}, map[string]any{"vod_id": "x"}, map[string]any{"vod_id": -1}, map[string]any{"vod_id": nil},
	} {
		got := p.call("POST", "/user/myvod/", body)
		require.Equal(t, 400, got.status)
		require.NotEmpty(t, got.object(t)["error"].(map[string]any)["detail"])
	}
	path := "/v1/customers/" + p.id + "/meta/my_vod/"
	fault(t, map[string]any{"vendor": "clayful", "path": path, "mode": "error", "times": 1})
	p.refused(503, "POST", "/user/myvod/", map[string]any{"vod_id": id})
	require.InDelta(t, 1, updated(), 0)
	fault(t, map[string]any{"vendor": "clayful", "path": path, "mode": "drop", "times": 1})
	require.Equal(t, "1", p.like(id), "it was done")
	require.InDelta(t, 2, updated(), 0)

	var wait sync.WaitGroup
	for range 21 {
		wait.Go(func() { p.like(id) })
	}
	wait.Wait()
	require.InDelta(t, 1, updated(), 0, "liked, then toggled 21 times")
	require.Equal(t, 202, star.command(t, "/media/delete/", id).status)
	p.refused(400, "POST", "/user/myvod/", map[string]any{"vod_id": id})
}

func TestMedia8LiveAlarm(t *testing.T) {
	star := shared.newSeller(t)
	id, _ := star.reserveIn(t, time.Hour)
	device := func(p shopper, name string) string {
		token := name + strings.ToLower(p.id)
		require.Equal(t, 200, p.call("POST", "/user/upload_token/", map[string]string{"firebase_token": token}).status)
		return token
	}
	alarmed, follower, both, left, stranger := newShopper(t), newShopper(t), newShopper(t), newShopper(t), newShopper(t)
	for _, p := range []shopper{alarmed, both} {
		got := p.call("POST", "/media/alarm/", map[string]any{"_id": strconv.Itoa(id)})
		require.Equal(t, 202, got.status, string(got.body))
		require.Equal(t, true, got.object(t)["status"])
		require.NotEmpty(t, got.object(t)["message"])
		require.Equal(t, []any{strconv.Itoa(id)}, meta(t, p.id, "Live_id"))
	}
	for _, p := range []shopper{follower, both, left} {
		require.Equal(t, "1", p.follow(star.id))
	}
	require.Equal(t, "0", left.follow(star.id))
	require.InDelta(t, 2, shared.media(t, id)["push_count"], 0)
	ringing := []string{device(alarmed, "a-"), device(follower, "f-"), device(follower, "tablet-"), device(both, "b-")}
	silent := []string{device(left, "l-"), device(stranger, "s-")}
	device(follower, "dead-")
	require.Len(t, both.call("GET", "/media/alarm/", nil).list(t), 1)
	require.Empty(t, follower.call("GET", "/media/alarm/", nil).list(t))

	// FCM does not know us at first: nobody is forgotten, nothing is lost.
	fault(t, map[string]any{"vendor": "fcm", "path": "/v1/", "mode": "error", "status": 401, "times": 2})
	fault(t, map[string]any{"vendor": "fcm", "path": "/v1/", "mode": "error", "status": 404, "times": 1})
	require.Equal(t, 202, star.command(t, "/media/live_alarm/", id).status)
	for _, token := range ringing {
		require.Eventually(t, func() bool { return shared.pushes(t, token) == 1 }, 10*time.Second, 50*time.Millisecond, token)
	}
	pushed := shared.control(t, "GET", "/push?customer="+ringing[0], nil).list(t)[0]
	notification := pushed["notification"].(map[string]any)
	require.Contains(t, notification["title"], star.userID, "the influencer's alias")
	require.Equal(t, "라이브", notification["body"])
	require.Equal(t, map[string]any{"Live": strconv.Itoa(id)}, pushed["data"])
	require.Equal(t, 202, star.command(t, "/media/live_alarm/", id).status, "again, and nothing is sent")

	star.connect(t)
	recording := func() bool {
		for _, asset := range shared.control(t, "GET", "/mux/assets", nil).list(t) {
			if asset["live_stream_id"] == streamOf(t, star) {
				return true
			}
		}
		return false
	}
	require.Eventually(t, recording, 10*time.Second, 50*time.Millisecond)
	require.Equal(t, 202, star.command(t, "/media/start/", id).status)
	require.Equal(t, 202, star.command(t, "/media/end/", id).status)
	shared.awaitStatus(t, id, "completed", 30*time.Second)
	for _, token := range ringing {
		require.Equal(t, 1, shared.pushes(t, token), token)
	}
	for _, token := range silent {
		require.Zero(t, shared.pushes(t, token), token)
	}
	require.Equal(t, 409, star.command(t, "/media/live_alarm/", id).status)
	got := alarmed.call("POST", "/media/alarm/", map[string]any{"_id": id})
	require.Equal(t, 202, got.status)
	require.Equal(t, false, got.object(t)["status"], "the alarms went with the broadcast, and none comes")
	require.Equal(t, []any{}, meta(t, alarmed.id, "Live_id"))
}
