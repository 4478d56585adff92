package mux

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5"
)

// States of a live stream.
const (
	statusIdle     = "idle"
	statusActive   = "active"
	statusDisabled = "disabled"
)

type playbackID struct {
	ID     string `json:"id"`
	Policy string `json:"policy"`
}

type simulcastTarget struct {
	ID          string `json:"id"`
	URL         string `json:"url"`
	StreamKey   string `json:"stream_key,omitempty"`
	Passthrough string `json:"passthrough,omitempty"`
	Status      string `json:"status"`
}

// liveStream is a stream as the API shows it.
type liveStream struct {
	ID                    string            `json:"id"`
	CreatedAt             string            `json:"created_at"`
	StreamKey             string            `json:"stream_key"`
	Status                string            `json:"status"`
	PlaybackIDs           []playbackID      `json:"playback_ids"`
	ActiveAssetID         string            `json:"active_asset_id,omitempty"`
	RecentAssetIDs        []string          `json:"recent_asset_ids,omitempty"`
	ReconnectWindow       float64           `json:"reconnect_window"`
	LatencyMode           string            `json:"latency_mode"`
	ReducedLatency        bool              `json:"reduced_latency,omitempty"`
	LowLatency            bool              `json:"low_latency,omitempty"`
	MaxContinuousDuration int               `json:"max_continuous_duration"`
	NewAssetSettings      json.RawMessage   `json:"new_asset_settings,omitempty"`
	Passthrough           string            `json:"passthrough,omitempty"`
	AudioOnly             bool              `json:"audio_only,omitempty"`
	Test                  bool              `json:"test,omitempty"`
	Meta                  json.RawMessage   `json:"meta,omitempty"`
	SimulcastTargets      []simulcastTarget `json:"simulcast_targets,omitempty"`
	ActiveIngestProtocol  string            `json:"active_ingest_protocol,omitempty"`
}

// stream is a stream with what the API does not show.
type stream struct {
	liveStream

	Session   int64 `json:"-"` // grows with each connection
	Connected bool  `json:"-"`
}

type storedStream struct {
	liveStream

	Session   int64 `json:"x_session"`
	Connected bool  `json:"x_connected"`
}

func (s *Server) inTx(ctx context.Context, do func(pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, s.pool, do)
}

func scanStream(row pgx.Row) (*stream, error) {
	var body []byte
	if err := row.Scan(&body); errors.Is(err, pgx.ErrNoRows) {
		return nil, errNotFound
	} else if err != nil {
		return nil, fmt.Errorf("read stream: %w", err)
	}
	var stored storedStream
	if err := json.Unmarshal(body, &stored); err != nil {
		return nil, fmt.Errorf("decode stream: %w", err)
	}
	return &stream{stored.liveStream, stored.Session, stored.Connected}, nil
}

func save(ctx context.Context, tx pgx.Tx, st *stream) error {
	body, err := json.Marshal(storedStream{st.liveStream, st.Session, st.Connected})
	if err != nil {
		return fmt.Errorf("encode stream: %w", err)
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO sandbox_mux.stream (id, stream_key, status, body) VALUES ($1, $2, $3, $4)
		ON CONFLICT (id) DO UPDATE SET stream_key = $2, status = $3, body = $4`, st.ID, st.StreamKey, st.Status, body)
	if err != nil {
		return fmt.Errorf("save stream: %w", err)
	}
	return nil
}

// change lets do change a stream in one transaction.
func (s *Server) change(ctx context.Context, id string, do func(pgx.Tx, *stream) error) (*stream, error) {
	var changed *stream
	err := s.inTx(ctx, func(tx pgx.Tx) error {
		st, err := scanStream(tx.QueryRow(ctx, "SELECT body FROM sandbox_mux.stream WHERE id = $1 FOR UPDATE", id))
		if err != nil {
			return err
		}
		if err := do(tx, st); err != nil {
			return err
		}
		changed = st
		return save(ctx, tx, st)
	})
	return changed, err
}

func streamID(r *http.Request) string { return chi.URLParam(r, "LIVE_STREAM_ID") }

// streamFields are what a stream is created with. Zero and absent differ.
type streamFields struct {
	PlaybackPolicy         []string            `json:"playback_policy"`
	PlaybackPolicies       []string            `json:"playback_policies"`
	AdvancedPolicies       []map[string]string `json:"advanced_playback_policies"`
	NewAssetSettings       json.RawMessage     `json:"new_asset_settings"`
	ReconnectWindow        *float64            `json:"reconnect_window"`
	UseSlate               *bool               `json:"use_slate_for_standard_latency"`
	ReconnectSlateURL      *string             `json:"reconnect_slate_url"`
	LatencyMode            *string             `json:"latency_mode"`
	ReducedLatency         *bool               `json:"reduced_latency"`
	LowLatency             *bool               `json:"low_latency"`
	MaxContinuousDuration  *int                `json:"max_continuous_duration"`
	Passthrough            *string             `json:"passthrough"`
	Meta                   json.RawMessage     `json:"meta"`
	AudioOnly              bool                `json:"audio_only"`
	EmbeddedSubtitles      json.RawMessage     `json:"embedded_subtitles"`
	GeneratedSubtitles     json.RawMessage     `json:"generated_subtitles"`
	SimulcastTargets       []simulcastTarget   `json:"simulcast_targets"`
	Test                   bool                `json:"test"`
	SrtPassphraseRequested json.RawMessage     `json:"srt_passphrase"`
}

func (s *Server) createStream(r *http.Request) (int, any, error) {
	var in streamFields
	if err := decode(r, &in); err != nil {
		return 0, nil, err
	}
	st := &stream{liveStream: liveStream{
		ID: newID(), CreatedAt: unix(time.Now()), StreamKey: newID(), Status: statusIdle, LatencyMode: "standard",
		ReconnectWindow: 60, MaxContinuousDuration: 43200, PlaybackIDs: []playbackID{},
		AudioOnly: in.AudioOnly, Test: in.Test, NewAssetSettings: in.NewAssetSettings, Meta: in.Meta,
	}}
	if err := in.apply(st); err != nil {
		return 0, nil, err
	}
	for _, policy := range slices.Concat(in.PlaybackPolicy, in.PlaybackPolicies) {
		id, err := newPlaybackID(policy)
		if err != nil {
			return 0, nil, err
		}
		st.PlaybackIDs = append(st.PlaybackIDs, id)
	}
	for _, target := range in.SimulcastTargets {
		if target.URL == "" {
			return 0, nil, invalid("simulcast target needs a url")
		}
		target.ID, target.Status = newID(), statusIdle
		st.SimulcastTargets = append(st.SimulcastTargets, target)
	}
	err := s.inTx(r.Context(), func(tx pgx.Tx) error {
		if err := save(r.Context(), tx, st); err != nil {
			return err
		}
		return s.emit(r.Context(), tx, "video.live_stream.created", "live", st.ID, st.liveStream)
	})
	return http.StatusCreated, st.liveStream, err
}

func (in streamFields) apply(st *stream) error {
	if in.LatencyMode != nil {
		if !slices.Contains([]string{"low", "reduced", "standard"}, *in.LatencyMode) {
			return invalid("latency_mode must be one of: low, reduced, standard")
		}
		st.LatencyMode = *in.LatencyMode
	}
	if in.ReducedLatency != nil && *in.ReducedLatency {
		st.LatencyMode = "reduced"
	}
	if in.LowLatency != nil && *in.LowLatency {
		st.LatencyMode = "low"
	}
	st.ReducedLatency, st.LowLatency = st.LatencyMode == "reduced", st.LatencyMode == "low"
	if (st.ReducedLatency || st.LowLatency) && (in.LatencyMode != nil || in.ReducedLatency != nil || in.LowLatency != nil) {
		st.ReconnectWindow = 0
	}
	if in.ReconnectWindow != nil {
		if *in.ReconnectWindow < 0 || *in.ReconnectWindow > 1800 {
			return invalid("reconnect_window must be between 0 and 1800")
		}
		st.ReconnectWindow = *in.ReconnectWindow
	}
	if in.MaxContinuousDuration != nil {
		if *in.MaxContinuousDuration < 60 || *in.MaxContinuousDuration > 43200 {
			return invalid("max_continuous_duration must be between 60 and 43200")
		}
		st.MaxContinuousDuration = *in.MaxContinuousDuration
	}
	if in.Passthrough != nil {
		if len(*in.Passthrough) > 255 {
			return invalid("passthrough must be at most 255 characters")
		}
		st.Passthrough = *in.Passthrough
	}
	return nil
}

func newPlaybackID(policy string) (playbackID, error) {
	if !slices.Contains([]string{"public", "signed", "drm"}, policy) {
		return playbackID{}, invalid("playback policy must be one of: public, signed, drm")
	}
	return playbackID{ID: newID(), Policy: policy}, nil
}

func (s *Server) listStreams(r *http.Request) (int, any, error) {
	limit, offset, err := paging(r)
	if err != nil {
		return 0, nil, err
	}
	q := r.URL.Query()
	if status := q.Get("status"); status != "" && status != statusIdle && status != statusActive && status != statusDisabled {
		return 0, nil, invalid("status must be one of: idle, active, disabled")
	}
	rows, err := s.pool.Query(r.Context(), `
		SELECT body FROM sandbox_mux.stream
		WHERE ($1 = '' OR stream_key = $1) AND ($2 = '' OR status = $2)
		ORDER BY created_at DESC, id LIMIT $3 OFFSET $4`, q.Get("stream_key"), q.Get("status"), limit, offset)
	if err != nil {
		return 0, nil, fmt.Errorf("list streams: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (liveStream, error) {
		st, err := scanStream(row)
		if err != nil {
			return liveStream{}, err
		}
		return st.liveStream, nil
	})
	return http.StatusOK, list, err
}

func (s *Server) read(ctx context.Context, id string) (*stream, error) {
	return scanStream(s.pool.QueryRow(ctx, "SELECT body FROM sandbox_mux.stream WHERE id = $1", id))
}

func (s *Server) getStream(r *http.Request) (int, any, error) {
	st, err := s.read(r.Context(), streamID(r))
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, st.liveStream, nil
}

func (s *Server) changed(r *http.Request, status int, do func(pgx.Tx, *stream) error) (int, any, error) {
	st, err := s.change(r.Context(), streamID(r), do)
	if err != nil {
		return 0, nil, err
	}
	return status, st.liveStream, nil
}

func (s *Server) patchStream(r *http.Request) (int, any, error) {
	var in streamFields
	if err := decode(r, &in); err != nil {
		return 0, nil, err
	}
	return s.changed(r, http.StatusOK, func(tx pgx.Tx, st *stream) error {
		if err := in.apply(st); err != nil {
			return err
		}
		return s.emit(r.Context(), tx, "video.live_stream.updated", "live", st.ID, st.liveStream)
	})
}

func (s *Server) deleteStream(r *http.Request) (int, any, error) {
	ctx := r.Context()
	_, err := s.change(ctx, streamID(r), func(tx pgx.Tx, st *stream) error {
		if err := s.finish(ctx, tx, st); err != nil {
			return err
		}
		return s.emit(ctx, tx, "video.live_stream.deleted", "live", st.ID, st.liveStream)
	})
	if err != nil {
		return 0, nil, err
	}
	_, err = s.pool.Exec(ctx, "DELETE FROM sandbox_mux.stream WHERE id = $1", streamID(r))
	return http.StatusNoContent, nil, err
}

func (s *Server) resetStreamKey(r *http.Request) (int, any, error) {
	return s.changed(r, http.StatusCreated, func(tx pgx.Tx, st *stream) error {
		st.StreamKey = newID()
		return s.emit(r.Context(), tx, "video.live_stream.updated", "live", st.ID, st.liveStream)
	})
}

func (s *Server) completeStream(r *http.Request) (int, any, error) {
	_, err := s.change(r.Context(), streamID(r), func(tx pgx.Tx, st *stream) error {
		if err := s.finish(r.Context(), tx, st); err != nil || !st.Connected {
			return err
		}
		return s.later(r.Context(), tx, st, stepCut, s.config.CutAfter)
	})
	return http.StatusOK, struct{}{}, err
}

func (s *Server) disableStream(r *http.Request) (int, any, error) {
	_, err := s.change(r.Context(), streamID(r), func(tx pgx.Tx, st *stream) error {
		if err := s.finish(r.Context(), tx, st); err != nil {
			return err
		}
		st.Connected, st.Status = false, statusDisabled
		return s.emit(r.Context(), tx, "video.live_stream.disabled", "live", st.ID, st.liveStream)
	})
	return http.StatusOK, struct{}{}, err
}

func (s *Server) enableStream(r *http.Request) (int, any, error) {
	_, err := s.change(r.Context(), streamID(r), func(tx pgx.Tx, st *stream) error {
		if st.Status != statusDisabled {
			return nil
		}
		st.Status = statusIdle
		return s.emit(r.Context(), tx, "video.live_stream.enabled", "live", st.ID, st.liveStream)
	})
	return http.StatusOK, struct{}{}, err
}

func (s *Server) createStreamPlaybackID(r *http.Request) (int, any, error) {
	id, err := readPolicy(r)
	if err != nil {
		return 0, nil, err
	}
	_, err = s.change(r.Context(), streamID(r), func(_ pgx.Tx, st *stream) error {
		st.PlaybackIDs = append(st.PlaybackIDs, id)
		return nil
	})
	return http.StatusCreated, id, err
}

func readPolicy(r *http.Request) (playbackID, error) {
	in := struct {
		Policy string `json:"policy"`
	}{"public"}
	if err := decode(r, &in); err != nil {
		return playbackID{}, err
	}
	return newPlaybackID(in.Policy)
}

func findPlaybackID(ids []playbackID, id string) (int, error) {
	at := slices.IndexFunc(ids, func(p playbackID) bool { return p.ID == id })
	if at < 0 {
		return 0, errNotFound
	}
	return at, nil
}

func (s *Server) getStreamPlaybackID(r *http.Request) (int, any, error) {
	st, err := s.read(r.Context(), streamID(r))
	if err != nil {
		return 0, nil, err
	}
	at, err := findPlaybackID(st.PlaybackIDs, chi.URLParam(r, "PLAYBACK_ID"))
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, st.PlaybackIDs[at], nil
}

func (s *Server) deleteStreamPlaybackID(r *http.Request) (int, any, error) {
	_, err := s.change(r.Context(), streamID(r), func(_ pgx.Tx, st *stream) error {
		at, err := findPlaybackID(st.PlaybackIDs, chi.URLParam(r, "PLAYBACK_ID"))
		if err == nil {
			st.PlaybackIDs = slices.Delete(st.PlaybackIDs, at, at+1)
		}
		return err
	})
	return http.StatusNoContent, nil, err
}

func (s *Server) createSimulcastTarget(r *http.Request) (int, any, error) {
	var target simulcastTarget
	if err := decode(r, &target); err != nil {
		return 0, nil, err
	}
	if target.URL == "" {
		return 0, nil, invalid("simulcast target needs a url")
	}
	target.ID, target.Status = newID(), statusIdle
	_, err := s.change(r.Context(), streamID(r), func(tx pgx.Tx, st *stream) error {
		st.SimulcastTargets = append(st.SimulcastTargets, target)
		return s.emit(r.Context(), tx, "video.live_stream.simulcast_target.created", "simulcast_target", target.ID, target)
	})
	return http.StatusCreated, target, err
}

func findTarget(st *stream, id string) (int, error) {
	at := slices.IndexFunc(st.SimulcastTargets, func(t simulcastTarget) bool { return t.ID == id })
	if at < 0 {
		return 0, errNotFound
	}
	return at, nil
}

func (s *Server) getSimulcastTarget(r *http.Request) (int, any, error) {
	st, err := s.read(r.Context(), streamID(r))
	if err != nil {
		return 0, nil, err
	}
	at, err := findTarget(st, chi.URLParam(r, "TARGET_ID"))
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, st.SimulcastTargets[at], nil
}

func (s *Server) deleteSimulcastTarget(r *http.Request) (int, any, error) {
	_, err := s.change(r.Context(), streamID(r), func(tx pgx.Tx, st *stream) error {
		at, err := findTarget(st, chi.URLParam(r, "TARGET_ID"))
		if err != nil {
			return err
		}
		target := st.SimulcastTargets[at]
		st.SimulcastTargets = slices.Delete(st.SimulcastTargets, at, at+1)
		return s.emit(r.Context(), tx, "video.live_stream.simulcast_target.deleted", "simulcast_target", target.ID, target)
	})
	return http.StatusNoContent, nil, err
}

func (s *Server) getPlaybackID(r *http.Request) (int, any, error) {
	id := chi.URLParam(r, "PLAYBACK_ID")
	var kind, object, policy string
	err := s.pool.QueryRow(r.Context(), `
		SELECT kind, object, p->>'policy' FROM (
		    SELECT 'live_stream' AS kind, id AS object, body FROM sandbox_mux.stream
		    UNION ALL SELECT 'asset', id, body FROM sandbox_mux.asset) owner,
		    jsonb_array_elements(owner.body->'playback_ids') p
		WHERE p->>'id' = $1`, id).Scan(&kind, &object, &policy)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil, errNotFound
	}
	return http.StatusOK, map[string]any{
		"id": id, "policy": policy, "object": map[string]string{"type": kind, "id": object},
	}, err
}

// unix shows an instant as Mux does: unix seconds in a string.
func unix(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }
