package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// streamAt is a stream as Mux has it.
func streamAt(t *testing.T, id any) map[string]any {
	t.Helper()
	for _, stream := range shared.control(t, "GET", "/mux/streams", nil).list(t) {
		if stream["id"] == id {
			return stream
		}
	}
	t.Fatalf("Mux has no stream %v", id)
	return nil
}

func TestInfluencer1StreamKey(t *testing.T) {
	star := shared.newPerson(t, influencers)
	const create = "POST /video/v1/live-streams"
	before := calls(t, "mux", create)
	answers := make([]answer, 50)
	atOnce(len(answers), func(i int) { answers[i] = shared.call(t, "GET", "/influencer/streamkey/", star.token, nil) })
	for _, got := range answers {
		require.Equal(t, 200, got.status, string(got.body))
		require.JSONEq(t, string(answers[0].body), string(got.body))
	}
	require.Equal(t, before+1, calls(t, "mux", create), "one stream, however many were first")
	require.Len(t, answers[0].object(t), 1)
	keys := answers[0].object(t)["success"].(map[string]any)
	require.Len(t, keys, 3)
	stream := streamAt(t, keys["Stream_id"])
	require.Equal(t, stream["stream_key"], keys["Stream_key"])
	require.Equal(t, stream["playback_ids"].([]any)[0].(map[string]any)["id"], keys["Stream_url"])
	for field, value := range keys {
		require.Equal(t, value, meta(t, star.id, field))
	}
	newShopper(t).refused(401, "GET", "/influencer/streamkey/", nil)
}

func TestInfluencer2Reset(t *testing.T) {
	star := shared.newPerson(t, influencers)
	reset := func() answer { return shared.call(t, "GET", "/influencer/reset/", star.token, nil) }
	got := reset()
	require.Equal(t, 400, got.status, "there is no key yet: %s", got.body)
	requireError(t, got, "no key")
	require.Nil(t, meta(t, star.id, "Stream_id"))

	before := shared.call(t, "GET", "/influencer/streamkey/", star.token, nil).object(t)["success"].(map[string]any)
	got = reset()
	require.Equal(t, 200, got.status, string(got.body))
	after := got.object(t)["success"].(map[string]any)
	require.Len(t, after, 4)
	require.NotEmpty(t, after["message"])
	require.Equal(t, []any{before["Stream_id"], before["Stream_url"]}, []any{after["Stream_id"], after["Stream_url"]})
	require.NotEqual(t, before["Stream_key"], after["Stream_key"])
	require.Equal(t, after["Stream_key"], streamAt(t, before["Stream_id"])["stream_key"])
	require.Equal(t, after["Stream_key"], meta(t, star.id, "Stream_key"))
	delete(after, "message")
	require.Equal(t, after, shared.call(t, "GET", "/influencer/streamkey/", star.token, nil).object(t)["success"])

	later := time.Now().Add(time.Hour)
	reserved := (&seller{star, shared, after["Stream_key"].(string)}).reserve(t, &later)
	shared.control(t, "POST", "/faults", map[string]any{
		"vendor": "mux", "path": "/video/v1/live-streams/" + after["Stream_id"].(string), "mode": "error", "status": 404, "times": 1,
	})
	got = reset()
	require.Equal(t, 200, got.status, "Mux has lost it: %s", got.body)
	anew := got.object(t)["success"].(map[string]any)
	require.NotEqual(t, after["Stream_id"], anew["Stream_id"])
	require.Equal(t, anew["Stream_key"], streamAt(t, anew["Stream_id"])["stream_key"])
	require.Equal(t, anew["Stream_id"], meta(t, star.id, "Stream_id"))
	require.Equal(t, anew["Stream_url"], shared.media(t, reserved)["mux_livestream_playback_id"], "what is reserved moves")
	newShopper(t).refused(401, "GET", "/influencer/reset/", nil)
}

func TestInfluencer3Update(t *testing.T) {
	star := shared.newPerson(t, influencers)
	update := func(body any) answer { return shared.call(t, "POST", "/influencer/update/", star.token, body) }
	got := update(map[string]any{"description": "소개", "tag": []string{"뷰티", "여행"}, "youtube": "https://y.example", "instagram": "https://i.example"})
	require.Equal(t, 202, got.status, string(got.body))
	require.NotEmpty(t, got.object(t)["success"].(map[string]any)["message"])
	require.Equal(t, 202, update(map[string]any{"tag": []string{}}).status)
	for name, body := range map[string]any{
		"description": map[string]any{"description": 5}, "tag": map[string]any{"tag": "뷰티"}, "tags": map[string]any{"tag": []any{1}}, "youtube": map[string]any{"youtube": []any{}},
	} {
		require.Equal(t, 400, update(body).status, name)
	}
	info := influencer(t, star.id)
	require.Equal(t, "소개", info["description"])
	require.Equal(t, []any{}, info["tag"])
	require.Equal(t, "https://y.example", info["youtube"])
	require.Equal(t, "https://i.example", info["instagram"])
	require.Equal(t, 401, shared.call(t, "POST", "/influencer/update/", newShopper(t).token, map[string]any{}).status)
}

func TestInfluencer5MyVOD(t *testing.T) {
	star, other := shared.newSeller(t), shared.newSeller(t)
	late, early := time.Now().Add(2*time.Hour), time.Now().Add(time.Hour)
	old, recent, undated := star.reserve(t, &early), star.reserve(t, &late), star.reserve(t, nil)
	missed := star.reserve(t, &early)
	shared.sql(t, "UPDATE media_stream SET status = 'missed' WHERE vod_id = $1", missed) // after half an hour without a stream
	star.complete(t, undated)
	star.complete(t, old)
	require.Equal(t, 202, star.command(t, "/media/start/", recent).status)
	star.reserve(t, nil) // is only reserved
	theirs := other.reserve(t, &early)
	require.Equal(t, 202, other.command(t, "/media/start/", theirs).status)

	got := shared.call(t, "GET", "/influencer/myvod/?influencer_id="+star.id, "", nil)
	require.Equal(t, 200, got.status, string(got.body))
	answer := got.object(t)["success"].(map[string]any)
	require.Len(t, answer, 2)
	require.NotEmpty(t, answer["message"])
	require.Equal(t, []int{recent, old, undated}, ids(t, answer["data"]))
	require.Equal(t, "live", answer["data"].([]any)[0].(map[string]any)["status"])
	require.Equal(t, 202, star.command(t, "/media/end/", recent).status)
	require.Equal(t, "close", influencerVODs(t, star.id)[0].(map[string]any)["status"])

	require.Equal(t, []any{}, influencerVODs(t, nothing))
	for _, query := range []string{"", "?influencer_id="} {
		got = shared.call(t, "GET", "/influencer/myvod/"+query, "", nil)
		require.Equal(t, 400, got.status)
		requireError(t, got, query)
	}
}

func influencerVODs(t *testing.T, influencer string) []any {
	t.Helper()
	got := shared.call(t, "GET", "/influencer/myvod/?influencer_id="+influencer, "", nil)
	require.Equal(t, 200, got.status, string(got.body))
	return got.object(t)["success"].(map[string]any)["data"].([]any)
}

func TestInfluencer6MyProduct(t *testing.T) {
	star := shared.newSeller(t)
	sold := make([]string, 5)
	for i := range sold {
		sold[i], _ = product(6 * (i + 1)) // discounted, and of several vendors
	}
	early, late := time.Now().Add(time.Hour), time.Now().Add(2*time.Hour)
	newest := star.reserveWith(t, map[string]any{"product_list": []string{sold[1], nothing, sold[2]}, "started_at": late.Format(time.RFC3339)})
	oldest := star.reserveWith(t, map[string]any{"product_list": []string{sold[0], sold[1]}, "started_at": early.Format(time.RFC3339)})
	star.complete(t, newest)
	star.complete(t, oldest)
	onAir := star.reserveWith(t, map[string]any{"product_list": []string{sold[3]}})
	require.Equal(t, 202, star.command(t, "/media/start/", onAir).status)

	got := shared.call(t, "GET", "/influencer/myproduct/?influencer_id="+star.id, "", nil)
	require.Equal(t, 200, got.status, string(got.body))
	answer := got.object(t)["success"].(map[string]any)
	require.Len(t, answer, 2)
	require.NotEmpty(t, answer["message"])
	var found []string
	for _, p := range answer["product_list"].([]any) {
		found = append(found, p.(map[string]any)["_id"].(string))
		requireFlat(t, p.(map[string]any))
	}
	require.Equal(t, []string{sold[1], sold[2], sold[0]}, found, "of completed ones, each once, the newest first")

	got = shared.call(t, "GET", "/influencer/myproduct/?influencer_id="+shared.newSeller(t).id, "", nil)
	require.Equal(t, []any{}, got.object(t)["success"].(map[string]any)["product_list"])
	got = shared.call(t, "GET", "/influencer/myproduct/", "", nil)
	require.Equal(t, 400, got.status)
	requireError(t, got, "whose?")
}

func TestInfluencer7MyReadyVOD(t *testing.T) {
	star, other := shared.newSeller(t), shared.newSeller(t)
	late, early := time.Now().Add(2*time.Hour), time.Now().Add(time.Hour)
	second, undated, first := star.reserve(t, &late), star.reserve(t, nil), star.reserve(t, &early)
	onAir := star.reserve(t, &early)
	require.Equal(t, 202, star.command(t, "/media/start/", onAir).status)
	other.reserve(t, &early)

	got := shared.call(t, "GET", "/influencer/myreadyvod/", star.token, nil)
	require.Equal(t, 200, got.status, string(got.body))
	answer := got.object(t)["success"].(map[string]any)
	require.Len(t, answer, 2)
	require.NotEmpty(t, answer["message"])
	require.Equal(t, []int{first, second, undated}, ids(t, answer["data"]))
	newShopper(t).refused(401, "GET", "/influencer/myreadyvod/", nil)

	name := "새별" + star.userID
	require.Equal(t, 202, star.edit(t, map[string]any{"alias": name}).status)
	require.Equal(t, name, shared.media(t, first)["influencer_name"])
	require.Equal(t, name, shared.media(t, onAir)["influencer_name"])
}

func TestInfluencer8LiveNow(t *testing.T) {
	star := shared.newSeller(t)
	ended, onAir, reserved := star.reserve(t, nil), star.reserve(t, nil), star.reserve(t, nil)
	star.complete(t, ended)
	require.Equal(t, 202, star.command(t, "/media/start/", onAir).status)
	live := func() []int {
		got := shared.call(t, "GET", "/influencer/list/live/", "", nil)
		require.Equal(t, 200, got.status, string(got.body))
		answer := got.object(t)["success"].(map[string]any)
		require.Len(t, answer, 1)
		seen := map[any]bool{}
		for _, row := range answer["Influencer_List"].([]any) {
			row := row.(map[string]any)
			require.Equal(t, "live", row["status"])
			require.False(t, seen[row["influencer_id"]], "one per influencer")
			seen[row["influencer_id"]] = true
		}
		return ids(t, answer["Influencer_List"])
	}
	require.Contains(t, live(), onAir)
	require.NotContains(t, live(), ended)
	require.NotContains(t, live(), reserved)
	require.Equal(t, 202, star.command(t, "/media/end/", onAir).status)
	require.NotContains(t, live(), onAir)
	require.Contains(t, []int{404, 405}, shared.call(t, "POST", "/influencer/list/live/", "", nil).status)
}

func TestInfluencer9Info(t *testing.T) {
	star := shared.newSeller(t)
	info := influencer(t, star.id)
	require.Len(t, info, 15)
	require.InDelta(t, 0, info["live_vod"], 0)
	require.Equal(t, "", info["youtube"])
	require.Equal(t, "", info["instagram"])
	require.Nil(t, info["avatar"])
	id := star.reserve(t, nil)
	require.Equal(t, 202, star.command(t, "/media/start/", id).status)
	require.InDelta(t, id, influencer(t, star.id)["live_vod"], 0)
	for _, query := range []string{"", "?influencer_id=", "?influencer_id=" + nothing, "?influencer_id=" + newShopper(t).id} {
		require.Equal(t, 400, shared.call(t, "GET", "/influencer/info/"+query, "", nil).status, query)
	}
	got := shared.call(t, "GET", "/influencer/info/?influencer_id="+star.id, "", nil)
	require.NotContains(t, string(got.body), star.key, "the stream key is a secret")
	require.NotContains(t, string(got.body), "@byeolshow.example")
}

func TestInfluencer10List(t *testing.T) {
	ids := func(query string) []string {
		got := shared.call(t, "GET", "/influencer/list/"+query, "", nil)
		require.Equal(t, 200, got.status, string(got.body))
		found := []string{}
		for _, element := range got.object(t)["success"].(map[string]any)["Influencer_List"].([]any) {
			require.Len(t, element, 12)
			found = append(found, element.(map[string]any)["_id"].(string))
		}
		return found
	}
	older, newer := shared.newPerson(t, influencers), shared.newPerson(t, influencers)
	p := newShopper(t)
	p.follow(older.id)
	place := func(list []string, id string) int {
		for i, other := range list {
			if other == id {
				return i
			}
		}
		t.Fatalf("%s is not in the list", id)
		return -1
	}
	popular := ids("popular/")
	require.Less(t, place(popular, older.id), place(popular, newer.id))
	for _, sort := range []string{"new/", "whatever"} {
		list := ids(sort)
		require.Equal(t, place(list, newer.id)+1, place(list, older.id), "the newest first")
	}
	require.Empty(t, ids("popular/?page=9"))
	require.Equal(t, 400, shared.call(t, "GET", "/influencer/list/new/?page=0", "", nil).status)
	shared.control(t, "DELETE", "/calls", nil)
	ids("popular/")
	ids("new/")
	require.Zero(t, calls(t, "clayful", "GET /v1/customers"))
}
