package mux

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// Reset forgets everything and puts the demo data back: the streams of two
// influencers and one recording.
func (s *Server) Reset(ctx context.Context) error {
	return s.inTx(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "TRUNCATE sandbox_mux.step, sandbox_mux.asset, sandbox_mux.stream"); err != nil {
			return err
		}
		if !s.config.Demo {
			return nil
		}
		for _, star := range []string{"Star2", "Star3"} {
			st := &stream{liveStream: liveStream{
				ID: "demoStream" + star, StreamKey: "demo-key-" + star, CreatedAt: unix(time.Now()), Status: statusIdle,
				PlaybackIDs: []playbackID{{ID: "demoPlay" + star, Policy: "public"}},
				LatencyMode: "reduced", ReducedLatency: true, ReconnectWindow: 60, MaxContinuousDuration: 43200,
			}}
			if err := save(ctx, tx, st); err != nil {
				return err
			}
		}
		began := time.Now().Add(-26 * time.Hour)
		return saveAsset(ctx, tx, &asset{
			ID: "demoAssetStar3", CreatedAt: unix(began), Status: "ready", Duration: 1800, LiveStreamID: "demoStreamStar3",
			PlaybackIDs: []playbackID{{ID: "demoAssetPlayStar3", Policy: "public"}}, IngestType: "live_rtmp", AspectRatio: "16:9",
			RecordingTimes: []recordingTime{{StartedAt: began.UTC(), Duration: 1800}}, MasterAccess: "none", MP4Support: "none",
		})
	})
}
