package api

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byeolshow/byeolshow/clients/clayful"
	"github.com/byeolshow/byeolshow/clients/mux"
)

// TestAStreamIsDeletedOnlyIfTheShopDoesNotHaveIt has the shop fail to say that it
// keeps a new stream.
func TestAStreamIsDeletedOnlyIfTheShopDoesNotHaveIt(t *testing.T) { //nolint:paralleltest // a first Mux client sets http.DefaultTransport
	for name, c := range map[string]struct {
		stored        bool
		write, read   int // statuses
		made, deleted bool
	}{
		"kept":                   {true, 200, 200, true, false},
		"kept, and did not tell": {true, 500, 200, true, false},
		"not kept":               {false, 500, 200, false, true},
		"refused":                {false, 400, 200, false, true},
		"kept, and says nothing": {true, 500, 500, false, false},
		"nobody knows":           {false, 500, 500, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			a, _, _ := newAPI(t)
			meta := `{}`
			shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					w.WriteHeader(c.read)
					_, _ = io.WriteString(w, `{"_id":"C","groups":["INF"],"meta":`+meta+`}`)
					return
				}
				if c.stored {
					meta = `{"Stream_id":"S","Stream_key":"K","Stream_url":"P"}`
				}
				w.WriteHeader(c.write)
				_, _ = io.WriteString(w, `{}`)
			}))
			t.Cleanup(shop.Close)
			deleted := false
			video := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodDelete {
					deleted = true
					w.WriteHeader(http.StatusNoContent)
					return
				}
				_, _ = io.WriteString(w, `{"data":{"id":"S","stream_key":"K","playback_ids":[{"id":"P"}]}}`)
			}))
			t.Cleanup(video.Close)
			a.Clayful = clayful.New(clayful.Config{BaseURL: shop.URL})
			var err error
			a.Mux, err = mux.New(mux.Config{BaseURL: video.URL, TokenID: "id", TokenSecret: "secret"})
			require.NoError(t, err)
			view, err := a.createStream(t.Context(), "C")
			require.Equal(t, c.made, err == nil, err)
			require.Equal(t, c.deleted, deleted)
			if c.made {
				require.Equal(t, streamKeyView{Key: "K", URL: "P", ID: "S"}, view)
			}
		})
	}
}

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
