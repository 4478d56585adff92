package e2e

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What of a broadcast everybody sees, and what its owner sees besides.
var (
	clientKeys = strings.Fields(`vod_id mux_livestream_playback_id mux_asset_playback_id title notice description influencer_name
		influencer_id influencer_thunmbnail product_id product_name product_price product_sale product_brand product_thumbnail
		status started_at vod_view_count like_count push_count thumbnail`)
	fullKeys = append(strings.Fields("mux_livestream_id mux_asset_id product_list updated_at finished_at"), clientKeys...)
)

func requireKeys(t *testing.T, document map[string]any, keys []string) {
	t.Helper()
	var found []string
	for key := range document {
		found = append(found, key)
	}
	require.ElementsMatch(t, keys, found)
}

// ids are the broadcasts of a list, each as everybody may see it.
func ids(t *testing.T, list any) []int {
	t.Helper()
	found := []int{}
	for _, row := range list.([]any) {
		requireKeys(t, row.(map[string]any), clientKeys)
		found = append(found, int(row.(map[string]any)["vod_id"].(float64)))
	}
	return found
}

// listedIDs are the broadcasts of a list that is a bare array.
func listedIDs(t *testing.T, path string) []int {
	t.Helper()
	got := shared.call(t, "GET", path, "", nil)
	require.Equal(t, 200, got.status, string(got.body))
	rows := []any{}
	for _, row := range got.list(t) {
		rows = append(rows, row)
	}
	return ids(t, rows)
}

// among leaves of a list only what the test made, in the list's order.
func among(list []int, made ...int) []int {
	return slices.DeleteFunc(list, func(id int) bool { return !slices.Contains(made, id) })
}

// full is the broadcast as a command answers it to its owner.
func full(t *testing.T, got answer, status int) map[string]any {
	t.Helper()
	require.Equal(t, status, got.status, string(got.body))
	answer := got.object(t)["success"].(map[string]any)
	require.Len(t, answer, 2)
	require.NotEmpty(t, answer["message"])
	data := answer["data"].(map[string]any)
	requireKeys(t, data, fullKeys)
	return data
}

// reserveWith reserves with some fields that are not those of every test.
func (p *seller) reserveWith(t *testing.T, fields map[string]any) int {
	t.Helper()
	body := reservation(nil)
	for key, value := range fields {
		body[key] = value
	}
	return int(full(t, p.s.call(t, "POST", "/media/reserve/", p.token, body), 202)["vod_id"].(float64))
}

// muxHook sends a webhook as Mux does, signed with a secret at a time.
func muxHook(t *testing.T, secret string, at time.Time, body []byte) answer {
	t.Helper()
	stamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(stamp + "."))
	mac.Write(body)
	return call(t, "POST", "http://"+shared.api+"/media/callback/", "", body,
		"Mux-Signature", "t="+stamp+",v1="+hex.EncodeToString(mac.Sum(nil)))
}

// complete puts a reserved broadcast on air, tells of its recording as Mux does,
// and ends it.
func (p *seller) complete(t *testing.T, id int) {
	t.Helper()
	require.Equal(t, 202, p.command(t, "/media/start/", id).status)
	recording := fmt.Sprint("recording", id)
	got := muxHook(t, p.s.variable("MUX_WEBHOOK_SECRET"), time.Now(), fmt.Appendf(nil, `{"id":"of-%[1]s","type":"video.asset.live_stream_completed",
		"created_at":"2026-01-01T00:00:00Z","data":{"id":%[1]q,"live_stream_id":%[2]q,"created_at":"%[3]d","duration":60,"playback_ids":[{"id":%[1]q}]}}`,
		recording, streamOf(t, p), time.Now().Unix()))
	require.Equal(t, 200, got.status, string(got.body))
	require.Eventually(t, func() bool { return p.s.media(t, id)["mux_asset_playback_id"] == recording }, 10*time.Second, 10*time.Millisecond)
	require.Equal(t, 202, p.command(t, "/media/end/", id).status)
	require.Equal(t, "completed", p.s.status(t, id))
}

// sold are the broadcasts that a product of the shop's was sold in.
func sold(t *testing.T, product string) []any {
	t.Helper()
	list, _ := shopGet(t, "/products/"+product+"?raw=true").object(t)["meta"].(map[string]any)["my_vod"].([]any)
	return list
}

func awaitSold(t *testing.T, product string, want ...int) {
	t.Helper()
	require.Eventually(t, func() bool { return fmt.Sprint(sold(t, product)) == fmt.Sprint(want) }, 10*time.Second, 20*time.Millisecond,
		"%s is sold in %v", product, want)
}

func TestMedia1Reserve(t *testing.T) {
	star := shared.newSeller(t)
	keys := shared.call(t, "GET", "/influencer/streamkey/", star.token, nil).object(t)["success"].(map[string]any)
	first, _ := product(1)
	second, _ := product(2)
	body := map[string]any{
		"title": "가을 신상", "notice": "선착순", "description": "설명", "product_id": first, "product_name": "상품", "product_price": 10900,
		"product_sale": 9900, "product_brand": "별쇼", "product_thumbnail": "https://image.example/1.png",
		"product_list": []string{first, second}, "started_at": "2099-03-05T10:00:00Z",
	}
	data := full(t, shared.call(t, "POST", "/media/reserve/", star.token, body), 202)
	for key, value := range body {
		switch key {
		case "product_list":
			require.Equal(t, first+","+second, data[key])
		case "started_at":
			require.Equal(t, "2099-03-05T19:00:00", data[key], "Seoul's time")
		default:
			require.EqualValues(t, value, data[key], key)
		}
	}
	for key, value := range map[string]any{
		"status": "ready", "influencer_id": star.id, "influencer_name": star.userID, "influencer_thunmbnail": "",
		"mux_livestream_id": keys["Stream_id"], "mux_livestream_playback_id": keys["Stream_url"], "mux_asset_id": nil, "mux_asset_playback_id": nil,
		"thumbnail":   fmt.Sprintf("https://image.mux.com/%v/thumbnail.png", keys["Stream_url"]),
		"finished_at": nil, "vod_view_count": 0.0, "like_count": 0.0, "push_count": 0.0,
	} {
		require.Equal(t, value, data[key], key)
	}
	id := int(data["vod_id"].(float64))
	require.True(t, shared.listed(t, "/media/schedule/ready/", id))
	shown := shared.media(t, id)
	require.Len(t, shown["product_list"], 2)
	require.IsType(t, map[string]any{}, shown["product_list"].([]any)[0].(map[string]any)["price"].(map[string]any)["original"], "not flattened")

	body["started_at"] = "2099-03-05 10:00"
	data = full(t, shared.call(t, "POST", "/media/reserve", star.token, body), 202)
	require.Equal(t, "2099-03-05T10:00:00", data["started_at"], "without a zone it is Seoul's already")
	before := len(listedIDs(t, "/media/schedule/ready/"))
	for name, who := range map[string]string{"no stream key": shared.newPerson(t, influencers).token, "a missing key": star.token} {
		if who == star.token {
			delete(body, "notice")
		}
		got := shared.call(t, "POST", "/media/reserve/", who, body)
		body["notice"] = nil
		require.Equal(t, 400, got.status, name)
		requireError(t, got, name)
	}
	newShopper(t).refused(401, "POST", "/media/reserve/", body)
	require.Len(t, listedIDs(t, "/media/schedule/ready/"), before)
}

func TestMedia1Start(t *testing.T) {
	star := shared.newSeller(t)
	bought, _ := newProduct(t, 10000, 1)
	id := star.reserveWith(t, map[string]any{"product_list": []string{bought}, "started_at": "2099-03-05T19:00"})
	other := star.reserve(t, nil)
	data := full(t, shared.call(t, "POST", "/media/start/", star.token, map[string]any{"media_id": strconv.Itoa(id)}), 202)
	require.Equal(t, "live", data["status"])
	require.Equal(t, "2099-03-05T19:00:00", data["started_at"], "the time it was scheduled for stays")
	require.True(t, shared.listed(t, "/media/schedule/today/live", id))
	require.False(t, shared.listed(t, "/media/schedule/ready", id))
	awaitSold(t, bought, id)

	for name, c := range map[string]struct {
		media  any
		status int
	}{"again": {id, 409}, "another": {other, 400}, "unknown": {999999999, 400}, "none": {nil, 400}} {
		got := shared.call(t, "POST", "/media/start/", star.token, map[string]any{"media_id": c.media})
		require.Equal(t, c.status, got.status, name)
		requireError(t, got, name)
	}
	require.Equal(t, "ready", shared.status(t, other))
	require.Equal(t, []any{strconv.Itoa(id)}, sold(t, bought), "once")
}

func TestMedia1Edit(t *testing.T) {
	star := shared.newSeller(t)
	first, _ := newProduct(t, 10000, 1)
	second, _ := newProduct(t, 10000, 1)
	id := star.reserveWith(t, map[string]any{"product_list": []string{first}, "notice": "공지", "started_at": "2099-03-05T19:00"})
	edit := func(fields map[string]any) map[string]any {
		fields["media_id"] = id
		return full(t, shared.call(t, "POST", "/media/edit/", star.token, fields), 200)
	}
	data := edit(map[string]any{"title": "새 제목", "notice": nil, "started_at": "2099-03-06T20:00:00"})
	require.Equal(t, []any{"새 제목", nil, "2099-03-06T20:00:00", first}, []any{data["title"], data["notice"], data["started_at"], data["product_list"]})
	require.Equal(t, "새 제목", shared.media(t, id)["title"])
	require.Equal(t, 202, star.command(t, "/media/start/", id).status)
	awaitSold(t, first, id)
	data = edit(map[string]any{"product_list": []string{second}})
	require.Equal(t, []any{"live", second, "새 제목"}, []any{data["status"], data["product_list"], data["title"]})
	awaitSold(t, second, id)
	awaitSold(t, first)
	require.Equal(t, 202, star.command(t, "/media/end/", id).status)
	data = edit(map[string]any{"description": "다시보기", "started_at": "2099-01-01T00:00"})
	require.Equal(t, []any{"close", "다시보기", "2099-03-06T20:00:00"}, []any{data["status"], data["description"], data["started_at"]}, "its time is over")

	for name, fields := range map[string]map[string]any{
		"unknown": {"media_id": 999999999, "title": "x"}, "nobody's": {"title": "x"}, "of the wrong type": {"media_id": id, "title": 5},
	} {
		got := shared.call(t, "POST", "/media/edit/", star.token, fields)
		require.Equal(t, 400, got.status, name)
		requireError(t, got, name)
	}
	got := shared.call(t, "POST", "/media/edit/", shared.newSeller(t).token, map[string]any{"media_id": id, "title": "x"})
	require.Equal(t, 400, got.status)
	refused := got.object(t)["error"].(map[string]any)
	require.NotEmpty(t, refused["message"])
	require.NotEmpty(t, refused["detail"], "not theirs")
	require.Equal(t, "새 제목", shared.media(t, id)["title"])
}

func TestMedia1End(t *testing.T) {
	star := shared.newSeller(t)
	bought, _ := newProduct(t, 10000, 1)
	id := star.reserveWith(t, map[string]any{"product_list": []string{bought}})
	got := star.command(t, "/media/end/", id)
	require.Equal(t, 409, got.status, "it is not on air")
	requireError(t, got, "ready")
	require.Equal(t, 202, star.command(t, "/media/start/", id).status)
	awaitSold(t, bought, id)
	viewer := come(t, shared.api, id, rand.Text())
	const complete = "PUT /video/v1/live-streams/{LIVE_STREAM_ID}/complete"
	told := calls(t, "mux", complete)
	got = star.command(t, "/media/end/", id)
	require.Equal(t, 202, got.status, string(got.body))
	answer := got.object(t)["success"].(map[string]any)
	require.Len(t, answer, 1)
	require.NotEmpty(t, answer["message"])
	require.Equal(t, "close", shared.status(t, id))
	for _, list := range []string{"/media/schedule/today/live", "/media/hot/", "/influencer/list/live/"} {
		require.False(t, shared.listed(t, list, id), list)
	}
	vod := shared.call(t, "GET", "/product/"+bought+"/", "", nil).object(t)["vod_list"].([]any)[0].(map[string]any)
	ended, err := time.ParseInLocation("2006-01-02T15:04:05", vod["finished_at"].(string), time.FixedZone("KST", 9*60*60))
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), ended, time.Minute)
	last, closed := viewer.awaitClose(t)
	require.EqualValues(t, 1000, closed)
	require.Equal(t, []string{"end", "LIVEEND"}, []string{last.Stat, last.Username})
	require.Eventually(t, func() bool { return calls(t, "mux", complete) > told }, 10*time.Second, 20*time.Millisecond, "Mux is told")
	got = star.command(t, "/media/end/", id)
	require.Equal(t, 409, got.status)
	requireError(t, got, "ended")
	got = shared.newSeller(t).command(t, "/media/end/", id)
	require.Equal(t, 400, got.status)
	requireError(t, got, "not theirs")
}

func TestMedia1Delete(t *testing.T) {
	star := shared.newSeller(t)
	bought, _ := newProduct(t, 10000, 1)
	reserved := star.reserve(t, nil)
	onAir := star.reserveWith(t, map[string]any{"product_list": []string{bought}})
	p := newShopper(t)
	require.Equal(t, 202, p.call("POST", "/media/alarm/", map[string]any{"_id": reserved}).status)
	require.Equal(t, 202, star.command(t, "/media/start/", onAir).status)
	awaitSold(t, bought, onAir)
	viewer := come(t, shared.api, onAir, rand.Text())
	got := shared.newSeller(t).command(t, "/media/delete/", onAir)
	require.Equal(t, 400, got.status)
	requireError(t, got, "not theirs")
	for _, id := range []int{reserved, onAir} {
		got := star.command(t, "/media/delete/", id)
		require.Equal(t, 202, got.status, string(got.body))
		require.Len(t, got.object(t)["success"], 1)
		require.NotEmpty(t, got.object(t)["success"].(map[string]any)["message"])
		require.Equal(t, "gone", shared.status(t, id))
		for _, list := range []string{
			"/media/schedule/ready/", "/media/schedule/today/live", "/media/hot/", "/influencer/list/live/", "/influencer/myvod/?influencer_id=" + star.id,
		} {
			require.False(t, shared.listed(t, list, id), list)
		}
		require.Equal(t, 400, star.command(t, "/media/delete/", id).status, "it is not there any more")
	}
	require.Empty(t, p.call("GET", "/media/alarm/", nil).list(t))
	last, closed := viewer.awaitClose(t)
	require.EqualValues(t, 1000, closed)
	require.Equal(t, "LIVEEND", last.Username)
	awaitSold(t, bought)
}

// seoulMidnight is when tomorrow begins in Seoul. So that it is not reached in
// the middle of a test, the last half minute of a day is waited for.
func seoulMidnight(t *testing.T) time.Time {
	t.Helper()
	midnight := func() time.Time {
		year, month, day := time.Now().In(time.FixedZone("KST", 9*60*60)).Date()
		return time.Date(year, month, day+1, 0, 0, 0, 0, time.FixedZone("KST", 9*60*60))
	}
	require.Eventually(t, func() bool { return time.Until(midnight()) > 30*time.Second }, time.Minute, 100*time.Millisecond)
	return midnight()
}

func TestMedia2TodayLive(t *testing.T) {
	var onAir []int
	for _, at := range []string{"2020-01-02T10:00", "2099-01-01T10:00", "2020-01-01T10:00"} { // any day
		star := shared.newSeller(t)
		id := star.reserveWith(t, map[string]any{"started_at": at})
		require.Equal(t, 202, star.command(t, "/media/start/", id).status)
		star.reserve(t, nil)
		onAir = append(onAir, id)
	}
	list := listedIDs(t, "/media/schedule/today/live")
	require.Equal(t, []int{onAir[2], onAir[0], onAir[1]}, among(list, onAir...))
	for _, row := range shared.call(t, "GET", "/media/schedule/today/live/", "", nil).list(t) {
		require.Equal(t, "live", row["status"])
	}
	got := shared.call(t, "POST", "/media/schedule/today/live", "", nil)
	require.Equal(t, 405, got.status)
	requireError(t, got, "it is only read")
}

func TestMedia3TodayReady(t *testing.T) {
	star, tomorrow := shared.newSeller(t), seoulMidnight(t)
	soon := time.Now().Add(min(5*time.Minute, time.Until(tomorrow)/2))
	var today []int
	for i := range 11 { // the last first
		at := soon.Add(time.Duration(10-i) * time.Second)
		today = append(today, star.reserve(t, &at))
	}
	slices.Reverse(today)
	past := time.Now().Add(-time.Minute)
	others := []int{star.reserve(t, &past), star.reserve(t, &tomorrow), star.reserve(t, nil)}
	list := listedIDs(t, "/media/schedule/today/ready")
	require.Len(t, list, 10)
	require.Empty(t, among(slices.Clone(list), others...))
	mine := among(slices.Clone(list), today...)
	require.NotEmpty(t, mine)
	require.Equal(t, today[:len(mine)], mine, "the next ones, in their order")
	require.Equal(t, 202, star.command(t, "/media/delete/", today[0]).status)
	require.NotContains(t, listedIDs(t, "/media/schedule/today/ready/"), today[0])
	for _, id := range today[1:] { // out of other tests' way
		require.Equal(t, 202, star.command(t, "/media/delete/", id).status)
	}
}

func TestMedia4Future(t *testing.T) {
	star, tomorrow := shared.newSeller(t), seoulMidnight(t)
	year, before := tomorrow.AddDate(1, 0, 0), tomorrow.Add(-time.Second)
	late, first, today, undated := star.reserve(t, &year), star.reserve(t, &tomorrow), star.reserve(t, &before), star.reserve(t, nil)
	future := func() []int {
		got := shared.call(t, "GET", "/media/schedule/future/", "", nil)
		require.Equal(t, 200, got.status, string(got.body))
		answer := got.object(t)["success"].(map[string]any)
		require.Len(t, answer, 1)
		return among(ids(t, answer["live_list"]), late, first, today, undated)
	}
	require.Equal(t, []int{first, late}, future(), "from tomorrow on")
	require.Equal(t, 202, star.command(t, "/media/start/", late).status)
	require.Equal(t, []int{first}, future())
}

func TestMedia5AllReady(t *testing.T) {
	star := shared.newSeller(t)
	past, next := time.Now().Add(-time.Minute), time.Now().AddDate(1, 0, 0)
	undated, last, first := star.reserve(t, nil), star.reserve(t, &next), star.reserve(t, &past)
	onAir := star.reserve(t, &next)
	require.Equal(t, 202, star.command(t, "/media/start/", onAir).status)
	missed := star.reserve(t, nil)
	shared.sql(t, "UPDATE media_stream SET status = 'missed' WHERE vod_id = $1", missed) // after half an hour without a stream
	require.Equal(t, []int{first, last, undated}, among(listedIDs(t, "/media/schedule/ready/"), undated, last, first, onAir, missed))
}

func TestMedia6Hot(t *testing.T) {
	star, first := shared.onAir(t)
	reserved := star.reserve(t, nil)
	_, second := shared.onAir(t)
	hot := func() []int { return among(listedIDs(t, "/media/hot/"), first, second, reserved) }
	come(t, shared.api, first, rand.Text())
	require.Eventually(t, func() bool { return slices.Equal(hot(), []int{first, second}) }, 5*time.Second, 100*time.Millisecond)
	for range 2 {
		come(t, shared.api, second, rand.Text())
	}
	require.Eventually(t, func() bool { return slices.Equal(hot(), []int{second, first}) }, 5*time.Second, 100*time.Millisecond)
	require.InDelta(t, 2, shared.media(t, second)["vod_view_count"], 0)
	require.Equal(t, 202, star.command(t, "/media/end/", first).status)
	require.Equal(t, []int{second}, hot())
}

func TestMedia7Related(t *testing.T) {
	collection := func(parent any) string {
		got := shopSend(t, "POST", "/collections", map[string]any{"name": map[string]any{"ko": "진열대"}, "parent": parent})
		require.Equal(t, 201, got.status, string(got.body))
		return got.object(t)["_id"].(string)
	}
	root := collection(nil)
	leaf := collection(root)
	itself, like, above := newProductWith(t, map[string]any{"collections": []string{leaf}}),
		newProductWith(t, map[string]any{"collections": []string{leaf}}), newProductWith(t, map[string]any{"collections": []string{root}})
	star := shared.newSeller(t)
	var both []int
	for range 11 {
		id := star.reserveWith(t, map[string]any{"product_list": []string{like, above}})
		star.complete(t, id)
		both = append(both, id)
	}
	own := star.reserveWith(t, map[string]any{"product_list": []string{itself}})
	star.complete(t, own)
	onAir := star.reserveWith(t, map[string]any{"product_list": []string{like}})
	require.Equal(t, 202, star.command(t, "/media/start/", onAir).status)
	awaitSold(t, itself, own)
	require.Eventually(t, func() bool { return len(sold(t, like)) == 12 && len(sold(t, above)) == 11 }, 10*time.Second, 20*time.Millisecond)

	for _, query := range []string{"?product_id=" + itself, "?collection_id=" + root} {
		found := listedIDs(t, "/media/related/"+query)
		require.Len(t, found, 10, query)
		slices.Sort(found)
		require.Len(t, slices.Compact(found), 10, "each once")
		require.Subset(t, append(both, own), found, "completed ones")
		if strings.HasPrefix(query, "?product") {
			require.NotContains(t, found, own, "of the product itself")
		}
	}
	require.Empty(t, listedIDs(t, "/media/related/?collection_id="+nothing))
	got := shared.call(t, "GET", "/media/related/", "", nil)
	require.Equal(t, 400, got.status)
	requireError(t, got, "of what?")
}
