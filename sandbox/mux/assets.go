package mux

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5"
)

// asset is a recording as the API shows it.
type asset struct {
	ID             string          `json:"id"`
	CreatedAt      string          `json:"created_at"`
	Status         string          `json:"status"`
	Duration       float64         `json:"duration,omitempty"`
	PlaybackIDs    []playbackID    `json:"playback_ids"`
	LiveStreamID   string          `json:"live_stream_id,omitempty"`
	IsLive         bool            `json:"is_live,omitempty"`
	Passthrough    string          `json:"passthrough,omitempty"`
	UploadID       string          `json:"upload_id,omitempty"`
	AspectRatio    string          `json:"aspect_ratio,omitempty"`
	IngestType     string          `json:"ingest_type,omitempty"`
	RecordingTimes []recordingTime `json:"recording_times,omitempty"`
	MasterAccess   string          `json:"master_access"`
	MP4Support     string          `json:"mp4_support"`
	Test           bool            `json:"test,omitempty"`
}

type recordingTime struct {
	StartedAt time.Time `json:"started_at"`
	Duration  float64   `json:"duration"`
}

func scanAsset(row pgx.Row) (*asset, error) {
	var body []byte
	if err := row.Scan(&body); errors.Is(err, pgx.ErrNoRows) {
		return nil, errNotFound
	} else if err != nil {
		return nil, fmt.Errorf("read asset: %w", err)
	}
	var a asset
	if err := json.Unmarshal(body, &a); err != nil {
		return nil, fmt.Errorf("decode asset: %w", err)
	}
	return &a, nil
}

func saveAsset(ctx context.Context, tx pgx.Tx, a *asset) error {
	body, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("encode asset: %w", err)
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO sandbox_mux.asset (id, stream_id, body) VALUES ($1, nullif($2, ''), $3)
		ON CONFLICT (id) DO UPDATE SET body = $3`, a.ID, a.LiveStreamID, body)
	if err != nil {
		return fmt.Errorf("save asset: %w", err)
	}
	return nil
}

func (s *Server) changeAsset(ctx context.Context, id string, do func(pgx.Tx, *asset) error) (*asset, error) {
	var changed *asset
	err := s.inTx(ctx, func(tx pgx.Tx) error {
		a, err := scanAsset(tx.QueryRow(ctx, "SELECT body FROM sandbox_mux.asset WHERE id = $1 FOR UPDATE", id))
		if err != nil {
			return err
		}
		if err := do(tx, a); err != nil {
			return err
		}
		changed = a
		return saveAsset(ctx, tx, a)
	})
	return changed, err
}

func assetID(r *http.Request) string { return chi.URLParam(r, "ASSET_ID") }

func (s *Server) createAsset(r *http.Request) (int, any, error) {
	var in struct {
		Input            json.RawMessage `json:"input"`
		Inputs           json.RawMessage `json:"inputs"`
		PlaybackPolicy   []string        `json:"playback_policy"`
		PlaybackPolicies []string        `json:"playback_policies"`
		Passthrough      string          `json:"passthrough"`
		Test             bool            `json:"test"`
		VideoQuality     string          `json:"video_quality"`
		MP4Support       string          `json:"mp4_support"`
		Meta             json.RawMessage `json:"meta"`
	}
	if err := decode(r, &in); err != nil {
		return 0, nil, err
	}
	if in.Input == nil && in.Inputs == nil {
		return 0, nil, invalid("input is required")
	}
	a := &asset{
		ID: newID(), CreatedAt: unix(time.Now()), Status: "ready", Duration: 10, PlaybackIDs: []playbackID{},
		Passthrough: in.Passthrough, Test: in.Test, IngestType: "on_demand_url", AspectRatio: "16:9", MasterAccess: "none", MP4Support: "none",
	}
	for _, policy := range slices.Concat(in.PlaybackPolicy, in.PlaybackPolicies) {
		id, err := newPlaybackID(policy)
		if err != nil {
			return 0, nil, err
		}
		a.PlaybackIDs = append(a.PlaybackIDs, id)
	}
	ctx := r.Context()
	err := s.inTx(ctx, func(tx pgx.Tx) error {
		if err := saveAsset(ctx, tx, a); err != nil {
			return err
		}
		if err := s.emit(ctx, tx, "video.asset.created", "asset", a.ID, a); err != nil {
			return err
		}
		return s.emit(ctx, tx, "video.asset.ready", "asset", a.ID, a)
	})
	return http.StatusCreated, a, err
}

func (s *Server) listAssets(r *http.Request) (int, any, error) {
	limit, offset, err := paging(r)
	if err != nil {
		return 0, nil, err
	}
	q := r.URL.Query()
	rows, err := s.pool.Query(r.Context(), `
		SELECT body FROM sandbox_mux.asset
		WHERE ($1 = '' OR stream_id = $1) AND ($2 = '' OR body->>'upload_id' = $2)
		ORDER BY created_at DESC, id LIMIT $3 OFFSET $4`, q.Get("live_stream_id"), q.Get("upload_id"), limit, offset)
	if err != nil {
		return 0, nil, fmt.Errorf("list assets: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*asset, error) { return scanAsset(row) })
	return http.StatusOK, list, err
}

func (s *Server) readAsset(ctx context.Context, id string) (*asset, error) {
	return scanAsset(s.pool.QueryRow(ctx, "SELECT body FROM sandbox_mux.asset WHERE id = $1", id))
}

func (s *Server) getAsset(r *http.Request) (int, any, error) {
	a, err := s.readAsset(r.Context(), assetID(r))
	return http.StatusOK, a, err
}

func (s *Server) patchAsset(r *http.Request) (int, any, error) {
	var in struct {
		Passthrough *string         `json:"passthrough"`
		Meta        json.RawMessage `json:"meta"`
	}
	if err := decode(r, &in); err != nil {
		return 0, nil, err
	}
	a, err := s.changeAsset(r.Context(), assetID(r), func(tx pgx.Tx, a *asset) error {
		if in.Passthrough != nil {
			a.Passthrough = *in.Passthrough
		}
		return s.emit(r.Context(), tx, "video.asset.updated", "asset", a.ID, a)
	})
	return http.StatusOK, a, err
}

func (s *Server) deleteAsset(r *http.Request) (int, any, error) {
	ctx := r.Context()
	err := s.inTx(ctx, func(tx pgx.Tx) error {
		a, err := scanAsset(tx.QueryRow(ctx, "DELETE FROM sandbox_mux.asset WHERE id = $1 RETURNING body", assetID(r)))
		if err != nil {
			return err
		}
		return s.emit(ctx, tx, "video.asset.deleted", "asset", a.ID, a)
	})
	return http.StatusNoContent, nil, err
}

func (s *Server) createAssetPlaybackID(r *http.Request) (int, any, error) {
	id, err := readPolicy(r)
	if err != nil {
		return 0, nil, err
	}
	_, err = s.changeAsset(r.Context(), assetID(r), func(_ pgx.Tx, a *asset) error {
		a.PlaybackIDs = append(a.PlaybackIDs, id)
		return nil
	})
	return http.StatusCreated, id, err
}

func (s *Server) getAssetPlaybackID(r *http.Request) (int, any, error) {
	a, err := s.readAsset(r.Context(), assetID(r))
	if err != nil {
		return 0, nil, err
	}
	at, err := findPlaybackID(a.PlaybackIDs, chi.URLParam(r, "PLAYBACK_ID"))
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, a.PlaybackIDs[at], nil
}

func (s *Server) deleteAssetPlaybackID(r *http.Request) (int, any, error) {
	_, err := s.changeAsset(r.Context(), assetID(r), func(_ pgx.Tx, a *asset) error {
		at, err := findPlaybackID(a.PlaybackIDs, chi.URLParam(r, "PLAYBACK_ID"))
		if err == nil {
			a.PlaybackIDs = slices.Delete(a.PlaybackIDs, at, at+1)
		}
		return err
	})
	return http.StatusNoContent, nil, err
}
