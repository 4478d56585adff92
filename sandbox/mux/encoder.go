package mux

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// EncoderConfig is how simulated encoders behave: each reserved broadcast's
// stream is connected shortly before its time and left after a while, as an
// influencer with a programme in hand would.
type EncoderConfig struct {
	// BroadcastsURL is the public API that lists the broadcasts; "" simulates
	// no encoders.
	BroadcastsURL string
	Lead          time.Duration // connects so long before the time
	Length        time.Duration // leaves so long after it connected
}

// punctual is how late an encoder still comes.
const punctual = 10 * time.Minute

var seoul = time.FixedZone("KST", 9*60*60)

// encode simulates encoders until ctx ends.
func (s *Server) encode(ctx context.Context) error {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	client := &http.Client{Timeout: 5 * time.Second}
	came := map[int64]string{} // broadcast -> the time it came for
	for {
		for _, b := range s.programme(ctx, client) {
			if b.due(time.Now(), s.config.Encoder.Lead) && came[b.VODID] != *b.StartedAt {
				if s.comeFor(ctx, b) {
					came[b.VODID] = *b.StartedAt
				}
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

type reservation struct {
	VODID     int64   `json:"vod_id"`
	Playback  string  `json:"mux_livestream_playback_id"`
	StartedAt *string `json:"started_at"` // Seoul wall-clock
}

func (b reservation) due(now time.Time, lead time.Duration) bool {
	if b.StartedAt == nil {
		return false
	}
	at, err := time.ParseInLocation("2006-01-02T15:04:05", *b.StartedAt, seoul)
	return err == nil && now.After(at.Add(-lead)) && now.Before(at.Add(punctual))
}

// programme are the reserved broadcasts; none while the API is away.
func (s *Server) programme(ctx context.Context, client *http.Client) []reservation {
	url := strings.TrimSuffix(s.config.Encoder.BroadcastsURL, "/") + "/media/schedule/ready/"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil
	}
	response, err := client.Do(request)
	if err != nil {
		return nil
	}
	defer func() { _ = response.Body.Close() }()
	var list []reservation
	if err := json.NewDecoder(response.Body).Decode(&list); err != nil {
		return nil
	}
	return list
}

func (s *Server) comeFor(ctx context.Context, b reservation) bool {
	var key string
	err := s.pool.QueryRow(ctx, `
		SELECT stream_key FROM sandbox_mux.stream
		WHERE body->'playback_ids' @> jsonb_build_array(jsonb_build_object('id', $1::text)) AND status = 'idle'`, b.Playback).Scan(&key)
	if err != nil {
		return false
	}
	if err := s.Connect(ctx, key, s.config.Encoder.Length); err != nil {
		s.config.Logger.InfoContext(ctx, "simulated encoder could not connect", "vod_id", b.VODID, "error", err)
		return false
	}
	s.config.Logger.InfoContext(ctx, "simulated encoder connects", "vod_id", b.VODID)
	return true
}

// Streams are all streams, newest first, as the API shows them.
func (s *Server) Streams(ctx context.Context) ([]json.RawMessage, error) {
	return s.all(ctx, "stream", "body - 'x_session' - 'x_connected'")
}

// Assets are all recordings, newest first, as the API shows them.
func (s *Server) Assets(ctx context.Context) ([]json.RawMessage, error) {
	return s.all(ctx, "asset", "body")
}

func (s *Server) all(ctx context.Context, table, column string) ([]json.RawMessage, error) {
	var list []json.RawMessage
	err := s.pool.QueryRow(ctx, fmt.Sprintf(
		"SELECT coalesce(jsonb_agg(%s ORDER BY created_at DESC), '[]') FROM sandbox_mux.%s", column, table)).Scan(&list)
	if err != nil {
		return nil, fmt.Errorf("list all of %s: %w", table, err)
	}
	return list, nil
}
