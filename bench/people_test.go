package bench

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// shopCalls counts the calls the shop got since the last time.
func (h *house) shopCalls(b *testing.B) (n float64) {
	b.Helper()
	counts := map[string]float64{}
	require.NoError(b, ask("GET", h.sandbox+"/control/calls?vendor=clayful", "", nil, &counts))
	for _, count := range counts {
		n += count
	}
	var nothing json.RawMessage
	_ = ask("DELETE", h.sandbox+"/control/calls", "", nil, &nothing) // answers nothing
	return n
}

// BenchmarkGuardedRead: a member's liked broadcasts, warm, against a bare
// handler, and how often the shop is asked meanwhile.
func BenchmarkGuardedRead(b *testing.B) {
	h := start(b)
	token := h.logIn(b)
	at := time.Now().Add(24 * time.Hour)
	for _, id := range h.reserve(b, 20, func(int) *time.Time { return &at }) {
		var answer json.RawMessage
		require.Eventually(b, func() bool {
			return ask("POST", h.api+"/user/myvod/", token, map[string]any{"vod_id": id}, &answer) == nil
		}, time.Minute, 50*time.Millisecond)
	}
	url := h.api + "/user/myvod/"
	var body json.RawMessage
	require.NoError(b, ask("GET", url, token, nil, &body))
	h.shopCalls(b)
	began := time.Now()
	againstBare(b, url, token, body)
	// The guard looks at a member once a minute.
	b.ReportMetric(h.shopCalls(b)/max(1, time.Since(began).Minutes()), "upstream-calls/min")
}

// BenchmarkInfluencerList: how often the shop is asked for the most popular of
// 500 influencers, cold and warm.
func BenchmarkInfluencerList(b *testing.B) {
	h := start(b)
	_, err := h.pool.Exec(b.Context(), `
		INSERT INTO sandbox_clayful.document (model, id, body)
		SELECT 'customers', name, body || jsonb_build_object('_id', name, 'userId', name, 'email', name || '@byeolshow.example')
			|| jsonb_build_object('meta', body->'meta' || jsonb_build_object('Follower', n))
		FROM sandbox_clayful.document, generate_series(1, 497) n, LATERAL (SELECT 'STARBENCH' || n AS name) made
		WHERE model = 'customers' AND body->>'userId' = 'star1'`)
	require.NoError(b, err)
	url := h.api + "/influencer/list/popular/"
	read := func() {
		var answer struct {
			Success struct {
				List []json.RawMessage `json:"Influencer_List"`
			} `json:"success"`
		}
		require.NoError(b, ask("GET", url, "", nil, &answer))
		require.Len(b, answer.Success.List, 120)
	}
	h.shopCalls(b)
	read()
	b.ReportMetric(h.shopCalls(b), "upstream-calls-cold")
	read()
	b.ReportMetric(h.shopCalls(b), "upstream-calls-warm")
	b.ReportMetric(0, "ns/op")
}
