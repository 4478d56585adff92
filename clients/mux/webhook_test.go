package mux_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byeolshow/byeolshow/clients/mux"
)

var now = time.Unix(1_770_000_000, 0)

func signed(secret string, at time.Time, body string) string {
	stamp := strconv.FormatInt(at.Unix(), 10)
	return "t=" + stamp + ",v1=" + mux.Sign(secret, stamp, []byte(body))
}

const active = `{"id":"e1","type":"video.live_stream.active","created_at":"2026-02-02T02:40:00Z","data":{"id":"s1","active_asset_id":"a1"}}`

func TestParseEventVerifies(t *testing.T) {
	t.Parallel()
	good := signed("secret", now, active)
	flipped := []byte(good)
	flipped[len(flipped)-1] ^= 1
	for name, test := range map[string]struct {
		header, secret string
		ok             bool
	}{
		"good":                 {good, "secret", true},
		"spaces":               {" t=" + good[2:], "secret", true},
		"two, one of them bad": {good + ",v1=00", "secret", true},
		"bad one first":        {"v1=00," + good, "secret", true},
		"five minutes old":     {signed("secret", now.Add(-5*time.Minute), active), "secret", true},
		"flipped":              {string(flipped), "secret", false},
		"other secret":         {good, "other", false},
		"empty secret":         {signed("", now, active), "", false},
		"too old":              {signed("secret", now.Add(-301*time.Second), active), "secret", false},
		"of the future":        {signed("secret", now.Add(301*time.Second), active), "secret", false},
		"far away":             {"t=9223372036854775807,v1=00", "secret", false},
		"no time":              {"v1=00", "secret", false},
		"no signature":         {"t=1770000000", "secret", false},
		"empty":                {"", "secret", false},
		"of another body":      {signed("secret", now, active+" "), "secret", false},
	} {
		event, err := mux.ParseEvent(test.header, []byte(active), test.secret, now)
		if !test.ok {
			require.ErrorIs(t, err, mux.ErrSignature, name)
			continue
		}
		require.NoError(t, err, name)
		require.Equal(t, "e1", event.ID)
		require.Equal(t, mux.EventStreamActive, event.Type)
		require.Equal(t, "s1", event.StreamID)
		require.Equal(t, "a1", event.AssetID)
	}
}

func TestParseEventReadsRecordings(t *testing.T) {
	t.Parallel()
	for _, made := range []string{`"1769999000"`, `1769999000`} {
		body := `{"id":"e2","type":"video.asset.live_stream_completed","created_at":"2026-02-02T02:40:00.5Z","data":
		{"id":"a1","status":"ready","live_stream_id":"s1","created_at":` + made + `,"duration":12.5,"playback_ids":[{"id":"p1","policy":"public"},{"id":"p2"}]}}`
		event, err := mux.ParseEvent(signed("secret", now, body), []byte(body), "secret", now)
		require.NoError(t, err)
		require.Equal(t, mux.Asset{
			ID: "a1", Status: "ready", LiveStreamID: "s1", PlaybackID: "p1",
			Duration: 12500 * time.Millisecond, CreatedAt: time.Unix(1769999000, 0).UTC(),
		}, event.Asset)
	}
}

func TestParseEventRefusesWhatItCannotRead(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "null", "[]", "{", `{"id":1}`, `{"id":"x"}`, `{"type":"x"}`, `{"id":"a\u0000","type":"x"}`} {
		_, err := mux.ParseEvent(signed("secret", now, body), []byte(body), "secret", now)
		require.ErrorIs(t, err, mux.ErrMalformed, body)
	}
}

func FuzzParseEvent(f *testing.F) {
	f.Add("t=1770000000,v1=00", active)
	f.Add(signed("secret", now, active), active)
	f.Add("", `{"data":{"duration":"x"}}`)
	f.Fuzz(func(t *testing.T, header, body string) {
		if _, err := mux.ParseEvent(header, []byte(body), "another secret", now); err == nil {
			t.Fatal("a forged webhook was believed")
		}
		event, err := mux.ParseEvent(signed("secret", now, body), []byte(body), "secret", now)
		if err == nil && (event.ID == "" || event.Type == "") {
			t.Fatal("an event without id or type was believed")
		}
	})
}
