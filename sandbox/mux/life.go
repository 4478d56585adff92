package mux

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

// Steps a stream takes by itself.
const (
	stepRecord     = "record"     // the recording begins
	stepActivate   = "activate"   // viewers can watch
	stepIdle       = "idle"       // the reconnect window is over
	stepCut        = "cut"        // a completed stream's encoder is cut off
	stepDisconnect = "disconnect" // the simulated encoder leaves
)

// ErrRefused is that the stream takes no encoder.
var ErrRefused = errors.New("stream is disabled")

// ErrNoStream is that no stream has that key.
var ErrNoStream = errors.New("no stream has that key")

// Connect is an encoder that begins to send to a stream. After stays it leaves
// by itself; 0 is a person's, which stays.
func (s *Server) Connect(ctx context.Context, streamKey string, stays time.Duration) error {
	id, err := s.byKey(ctx, streamKey)
	if err != nil {
		return err
	}
	_, err = s.change(ctx, id, func(tx pgx.Tx, st *stream) error {
		if st.Status == statusDisabled {
			return ErrRefused
		}
		if st.Connected {
			return nil
		}
		st.Connected = true
		st.Session++
		st.ActiveIngestProtocol = "rtmp"
		if err := s.emit(ctx, tx, "video.live_stream.connected", "live", st.ID, st.liveStream); err != nil {
			return err
		}
		if stays > 0 {
			if err := s.later(ctx, tx, st, stepDisconnect, stays); err != nil {
				return err
			}
		}
		if st.ActiveAssetID != "" { // back within the reconnect window
			if err := s.emit(ctx, tx, "video.live_stream.recording", "live", st.ID, st.liveStream); err != nil {
				return err
			}
			return s.emit(ctx, tx, "video.live_stream.active", "live", st.ID, st.liveStream)
		}
		if err := s.later(ctx, tx, st, stepIdle, time.Duration(st.MaxContinuousDuration)*time.Second); err != nil {
			return err
		}
		if err := s.later(ctx, tx, st, stepRecord, s.config.ConnectDelay/2); err != nil {
			return err
		}
		return s.later(ctx, tx, st, stepActivate, s.config.ConnectDelay)
	})
	return err
}

// Disconnect is an encoder that stops sending.
func (s *Server) Disconnect(ctx context.Context, streamKey string) error {
	id, err := s.byKey(ctx, streamKey)
	if err != nil {
		return err
	}
	_, err = s.change(ctx, id, func(tx pgx.Tx, st *stream) error { return s.disconnect(ctx, tx, st) })
	return err
}

func (s *Server) byKey(ctx context.Context, streamKey string) (string, error) {
	var id string
	err := s.pool.QueryRow(ctx, "SELECT id FROM sandbox_mux.stream WHERE stream_key = $1", streamKey).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", ErrNoStream
	}
	return id, err
}

func (s *Server) disconnect(ctx context.Context, tx pgx.Tx, st *stream) error {
	if !st.Connected {
		return nil
	}
	st.Connected = false
	st.ActiveIngestProtocol = ""
	if err := s.emit(ctx, tx, "video.live_stream.disconnected", "live", st.ID, st.liveStream); err != nil {
		return err
	}
	window := time.Duration(st.ReconnectWindow * float64(time.Second))
	if s.config.LongestReconnect > 0 {
		window = min(window, s.config.LongestReconnect)
	}
	return s.later(ctx, tx, st, stepIdle, window)
}

// record begins the recording of a connected stream.
func (s *Server) record(ctx context.Context, tx pgx.Tx, st *stream) error {
	if !st.Connected || st.ActiveAssetID != "" {
		return nil
	}
	a := &asset{
		ID: newID(), CreatedAt: unix(time.Now()), Status: "preparing", LiveStreamID: st.ID, IsLive: true,
		PlaybackIDs: []playbackID{{ID: newID(), Policy: "public"}}, IngestType: "live_rtmp", AspectRatio: "16:9",
		Passthrough: st.Passthrough, Test: st.Test, MasterAccess: "none", MP4Support: "none",
		RecordingTimes: []recordingTime{{StartedAt: time.Now().UTC()}},
	}
	if err := s.emit(ctx, tx, "video.asset.created", "asset", a.ID, a); err != nil {
		return err
	}
	a.Status = "ready"
	if err := saveAsset(ctx, tx, a); err != nil {
		return err
	}
	st.ActiveAssetID = a.ID
	if st.RecentAssetIDs = append(st.RecentAssetIDs, a.ID); len(st.RecentAssetIDs) > 10 {
		st.RecentAssetIDs = st.RecentAssetIDs[1:]
	}
	if err := s.emit(ctx, tx, "video.live_stream.recording", "live", st.ID, st.liveStream); err != nil {
		return err
	}
	return s.emit(ctx, tx, "video.asset.ready", "asset", a.ID, a)
}

func (s *Server) activate(ctx context.Context, tx pgx.Tx, st *stream) error {
	if !st.Connected || st.ActiveAssetID == "" || st.Status != statusIdle {
		return nil
	}
	st.Status = statusActive
	return s.emit(ctx, tx, "video.live_stream.active", "live", st.ID, st.liveStream)
}

// finish ends the recording of a stream, which is idle then.
func (s *Server) finish(ctx context.Context, tx pgx.Tx, st *stream) error {
	if st.ActiveAssetID == "" {
		return nil
	}
	recorded := st.ActiveAssetID
	st.ActiveAssetID, st.Status = "", statusIdle
	if err := s.emit(ctx, tx, "video.live_stream.idle", "live", st.ID, st.liveStream); err != nil {
		return err
	}
	a, err := scanAsset(tx.QueryRow(ctx, "SELECT body FROM sandbox_mux.asset WHERE id = $1 FOR UPDATE", recorded))
	if errors.Is(err, errNotFound) { // deleted while it was being made
		return nil
	}
	if err != nil {
		return err
	}
	began := a.RecordingTimes[0].StartedAt
	a.IsLive, a.Duration = false, time.Since(began).Seconds()
	a.RecordingTimes[0].Duration = a.Duration
	if err := saveAsset(ctx, tx, a); err != nil {
		return err
	}
	return s.emit(ctx, tx, "video.asset.live_stream_completed", "asset", a.ID, a)
}

func (s *Server) later(ctx context.Context, tx pgx.Tx, st *stream, kind string, after time.Duration) error {
	_, err := tx.Exec(ctx, "INSERT INTO sandbox_mux.step (stream_id, kind, session, due_at) VALUES ($1, $2, $3, $4)",
		st.ID, kind, st.Session, time.Now().Add(after))
	if err != nil {
		return fmt.Errorf("plan %s: %w", kind, err)
	}
	return nil
}

// live takes the streams' steps when they are due, until ctx ends.
func (s *Server) live(ctx context.Context) error {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		for {
			took, err := s.step(ctx)
			if err != nil && ctx.Err() == nil {
				s.config.Logger.WarnContext(ctx, "mux step failed", "error", err)
			}
			if !took || err != nil {
				break
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

func (s *Server) step(ctx context.Context) (took bool, err error) {
	var id, kind string
	var session, step int64
	err = s.pool.QueryRow(ctx, `
		SELECT id, stream_id, kind, session FROM sandbox_mux.step WHERE due_at <= now() ORDER BY due_at, id LIMIT 1`).
		Scan(&step, &id, &kind, &session)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for steps: %w", err)
	}
	_, err = s.change(ctx, id, func(tx pgx.Tx, st *stream) error {
		tag, err := tx.Exec(ctx, "DELETE FROM sandbox_mux.step WHERE id = $1", step)
		if err != nil || tag.RowsAffected() == 0 || st.Session != session {
			return err
		}
		switch kind {
		case stepRecord:
			return s.record(ctx, tx, st)
		case stepActivate:
			return s.activate(ctx, tx, st)
		case stepIdle:
			return s.finish(ctx, tx, st)
		case stepCut, stepDisconnect:
			return s.disconnect(ctx, tx, st)
		}
		return nil
	})
	return true, err
}

// emit sends a webhook about a resource once the transaction is committed.
func (s *Server) emit(ctx context.Context, tx pgx.Tx, kind, object, id string, data any) error {
	body, err := json.Marshal(map[string]any{
		"id": newID(), "type": kind, "created_at": time.Now().UTC().Format(time.RFC3339Nano),
		"object":      map[string]string{"type": object, "id": id},
		"environment": map[string]string{"id": "sandbox", "name": "Sandbox"},
		"data":        data, "attempts": []any{}, "request_id": nil, "accessor": nil, "accessor_source": nil,
	})
	if err != nil {
		return fmt.Errorf("encode webhook: %w", err)
	}
	return s.config.Sender.Enqueue(ctx, tx, s.config.WebhookURL, body)
}

// Sign is how Mux signs a webhook with a secret.
func Sign(secret string) func(http.Header, []byte, time.Time) {
	return func(header http.Header, body []byte, now time.Time) {
		stamp := strconv.FormatInt(now.Unix(), 10)
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(stamp + "."))
		mac.Write(body)
		header.Set("Mux-Signature", "t="+stamp+",v1="+hex.EncodeToString(mac.Sum(nil)))
	}
}
