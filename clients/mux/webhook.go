package mux

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Types of events byeolshow acts on.
const (
	EventStreamActive      = "video.live_stream.active"
	EventStreamIdle        = "video.live_stream.idle"
	EventRecordingComplete = "video.asset.live_stream_completed"
)

// ErrSignature is that the webhook is not proven to be from Mux, or is too old.
var ErrSignature = errors.New("mux: webhook signature does not verify")

// ErrMalformed is that the webhook is from Mux but cannot be read.
var ErrMalformed = errors.New("mux: webhook body cannot be read")

// SignatureTolerance is how far a webhook's time may be from ours, in the past
// and in the future.
const SignatureTolerance = 5 * time.Minute

// Event is a webhook of Mux.
type Event struct {
	ID        string
	Type      string
	CreatedAt time.Time
	StreamID  string // of a live stream event
	Asset     Asset  // of an asset event
	AssetID   string // the asset being recorded, of a live stream event
}

// ParseEvent verifies a webhook by its Mux-Signature header and then reads it.
// The errors are ErrSignature and ErrMalformed.
func ParseEvent(signature string, body []byte, secret string, now time.Time) (Event, error) {
	if err := verify(signature, body, secret, now); err != nil {
		return Event{}, err
	}
	var wire struct {
		ID        string    `json:"id"`
		Type      string    `json:"type"`
		CreatedAt time.Time `json:"created_at"`
		Data      struct {
			ID            string          `json:"id"`
			Status        string          `json:"status"`
			IsLive        bool            `json:"is_live"`
			LiveStreamID  string          `json:"live_stream_id"`
			ActiveAssetID string          `json:"active_asset_id"`
			Duration      float64         `json:"duration"`
			CreatedAt     json.RawMessage `json:"created_at"` // a text, in their documents
			PlaybackIDs   []struct {
				ID string `json:"id"`
			} `json:"playback_ids"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &wire); err != nil {
		return Event{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if wire.ID == "" || wire.Type == "" || strings.ContainsRune(wire.ID+wire.Type+wire.Data.ID, 0) {
		return Event{}, fmt.Errorf("%w: no id or type", ErrMalformed)
	}
	event := Event{ID: wire.ID, Type: wire.Type, CreatedAt: wire.CreatedAt.UTC()}
	if event.CreatedAt.IsZero() {
		event.CreatedAt = now.UTC()
	}
	switch {
	case strings.HasPrefix(wire.Type, "video.live_stream."):
		event.StreamID, event.AssetID = wire.Data.ID, wire.Data.ActiveAssetID
	case strings.HasPrefix(wire.Type, "video.asset."):
		event.Asset = Asset{
			ID: wire.Data.ID, Status: wire.Data.Status, IsLive: wire.Data.IsLive, LiveStreamID: wire.Data.LiveStreamID,
			Duration:  time.Duration(wire.Data.Duration * float64(time.Second)),
			CreatedAt: unixSeconds(strings.Trim(string(wire.Data.CreatedAt), `"`)),
		}
		if len(wire.Data.PlaybackIDs) > 0 {
			event.Asset.PlaybackID = wire.Data.PlaybackIDs[0].ID
		}
	}
	return event, nil
}

// verify checks a header "t=<unix seconds>,v1=<hex>[,v1=<hex>…]": one v1 must be
// the HMAC-SHA256 of "t.body", and t must be near now, on either side.
func verify(signature string, body []byte, secret string, now time.Time) error {
	var stamp string
	var signatures []string
	for part := range strings.SplitSeq(signature, ",") {
		switch key, value, _ := strings.Cut(strings.TrimSpace(part), "="); key {
		case "t":
			stamp = value
		case "v1":
			signatures = append(signatures, value)
		}
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return fmt.Errorf("%w: no time", ErrSignature)
	}
	if off := now.Sub(time.Unix(seconds, 0)).Abs(); off > SignatureTolerance {
		return fmt.Errorf("%w: %s off", ErrSignature, off)
	}
	expected := []byte(Sign(secret, stamp, body))
	matched := false
	for _, candidate := range signatures {
		matched = hmac.Equal(expected, []byte(candidate)) || matched
	}
	if !matched || secret == "" {
		return ErrSignature
	}
	return nil
}

// Sign is the v1 signature of a webhook sent at stamp (unix seconds).
func Sign(secret, stamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(stamp + "."))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}
