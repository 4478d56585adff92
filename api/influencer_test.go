package api

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestManyInfluencersAreFewCalls sorts 500 influencers over all the shop's
// pages, and counts its calls.
func TestManyInfluencersAreFewCalls(t *testing.T) {
	t.Parallel()
	s := newShelf(t, false)
	var stars []string
	for i := range 500 { // the newest first, as the shop sends them
		stars = append(stars, fmt.Sprintf(`{"_id":"STAR%03d","groups":["INF"],"meta":{"Follower":{"raw":%d}},"createdAt":{"raw":"2026-01-01T00:%02d:%02d.000Z"}}`,
			i, i%250, (500-i)/60, (500-i)%60))
	}
	stars[7] = `{"_id":"FXRMER","groups":["XTHER"],"meta":{"Follower":9999}}`
	s.lists("/customers", stars...)
	list := func(path string) (ids []string) {
		var answer struct {
			Success struct {
				List []influencerView `json:"Influencer_List"`
			} `json:"success"`
		}
		w := s.get(t, path)
		require.Equal(t, 200, w.Code)
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer))
		for _, star := range answer.Success.List {
			ids = append(ids, star.ID)
		}
		return ids
	}
	popular := list("/influencer/list/popular/")
	require.Len(t, popular, 120)
	require.Equal(t, []string{"STAR249", "STAR499", "STAR248", "STAR498"}, popular[:4], "of as many followers, the newest")
	require.LessOrEqual(t, len(s.calls()), 5, "cold")
	require.Len(t, list("/influencer/list/popular/?page=5"), 19)
	require.Empty(t, list("/influencer/list/popular/?page=6"))
	require.Equal(t, []string{"STAR000", "STAR001"}, list("/influencer/list/new/")[:2])
	s.pass(influencerMemory - time.Millisecond)
	require.Equal(t, popular, list("/influencer/list/popular"))
	require.Empty(t, s.calls(), "warm")
	s.pass(time.Millisecond)
	list("/influencer/list/popular/")
	require.Len(t, s.calls(), 5)
}
