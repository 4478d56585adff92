-- name: NextVODID :one
SELECT nextval(pg_get_serial_sequence('media_stream', 'vod_id'))::bigint;

-- name: InsertBroadcast :exec
INSERT INTO media_stream (
    vod_id, mux_livestream_playback_id, mux_livestream_id, title, notice, description,
    influencer_name, influencer_id, influencer_thunmbnail, product_id, product_name,
    product_price, product_sale, product_brand, product_thumbnail, product_list, started_at,
    updated_at, armed_at
) VALUES (
    @vod_id, @mux_livestream_playback_id, @mux_livestream_id, @title, @notice, @description,
    @influencer_name, @influencer_id, @influencer_thunmbnail, @product_id, @product_name,
    @product_price, @product_sale, @product_brand, @product_thumbnail, @product_list, @started_at,
    @armed_at, @armed_at
) ON CONFLICT (vod_id) DO NOTHING;

-- name: GetBroadcast :one
SELECT * FROM media_stream WHERE vod_id = @vod_id;

-- name: LockBroadcast :one
SELECT * FROM media_stream WHERE vod_id = @vod_id AND deleted_at IS NULL FOR UPDATE;

-- name: EditBroadcast :one
UPDATE media_stream SET revision = revision + 1,
    title = @title, notice = @notice, description = @description, product_id = @product_id,
    product_name = @product_name, product_price = @product_price, product_sale = @product_sale,
    product_brand = @product_brand, product_thumbnail = @product_thumbnail,
    product_list = @product_list, started_at = @started_at, status = @status,
    armed_at = @armed_at, updated_at = @updated_at
WHERE vod_id = @vod_id
RETURNING *;

-- StartBroadcast puts a ready broadcast on air, whatever its time.
-- name: StartBroadcast :one
UPDATE media_stream SET revision = revision + 1, status = 'live', live_at = @live_at::timestamptz, updated_at = @live_at
WHERE vod_id = @vod_id AND status = 'ready' AND deleted_at IS NULL
RETURNING *;

-- StartDueBroadcast puts a ready broadcast on air when its time has come and
-- no earlier one of the same influencer is due.
-- name: StartDueBroadcast :one
UPDATE media_stream SET revision = revision + 1, status = 'live', live_at = @live_at::timestamptz, updated_at = @live_at
WHERE media_stream.vod_id = @vod_id AND status = 'ready' AND deleted_at IS NULL AND started_at <= @live_at
  AND NOT EXISTS (
    SELECT FROM media_stream earlier
    WHERE earlier.influencer_id = media_stream.influencer_id AND earlier.status = 'ready'
      AND earlier.deleted_at IS NULL
      AND (earlier.started_at, earlier.vod_id) < (media_stream.started_at, media_stream.vod_id))
RETURNING *;

-- name: MarkStreamSeen :one
UPDATE media_stream
SET revision = revision + 1, stream_seen_at = coalesce(stream_seen_at, @seen_at::timestamptz),
    mux_asset_id = coalesce(mux_asset_id, sqlc.narg(mux_asset_id))
WHERE vod_id = @vod_id AND status = 'live'
RETURNING *;

-- name: EndBroadcast :one
UPDATE media_stream SET revision = revision + 1,
    status = CASE WHEN mux_asset_playback_id IS NULL THEN 'close' ELSE 'completed' END,
    finished_at = @finished_at::timestamptz, updated_at = @finished_at
WHERE vod_id = @vod_id AND status = 'live' AND deleted_at IS NULL
RETURNING *;

-- AttachRecording completes a closed broadcast; a live one only remembers it.
-- name: AttachRecording :one
UPDATE media_stream SET revision = revision + 1,
    mux_asset_id = @mux_asset_id::text, mux_asset_playback_id = @mux_asset_playback_id::text,
    status = CASE WHEN status = 'close' THEN 'completed' ELSE status END, updated_at = @now::timestamptz
WHERE vod_id = @vod_id AND status IN ('live', 'close') AND deleted_at IS NULL
RETURNING *;

-- name: CompleteBroadcast :one
UPDATE media_stream SET revision = revision + 1, status = 'completed', updated_at = @now::timestamptz
WHERE vod_id = @vod_id AND status = 'close' AND deleted_at IS NULL
RETURNING *;

-- name: MissBroadcast :one
UPDATE media_stream SET revision = revision + 1, status = 'missed', updated_at = @now::timestamptz
WHERE vod_id = @vod_id AND status = 'ready' AND deleted_at IS NULL
RETURNING *;

-- name: DeleteBroadcast :one
UPDATE media_stream SET revision = revision + 1, deleted_at = coalesce(deleted_at, @now::timestamptz), updated_at = @now
WHERE vod_id = @vod_id
RETURNING *;

-- name: DeleteLiveAlarms :exec
DELETE FROM live_alarm WHERE vod_id = @vod_id;

-- name: MarkPushed :one
UPDATE media_stream SET revision = revision + 1, pushed_at = coalesce(pushed_at, @now::timestamptz) WHERE vod_id = @vod_id
RETURNING *;

-- name: BroadcastsOnAir :many
SELECT * FROM media_stream WHERE status = 'live' AND deleted_at IS NULL ORDER BY started_at NULLS LAST, vod_id;

-- name: ReadyBetween :many
SELECT * FROM media_stream
WHERE status = 'ready' AND deleted_at IS NULL AND started_at >= @since::timestamptz AND started_at < @before::timestamptz
ORDER BY started_at, vod_id LIMIT @max_rows;

-- name: ReadySince :many
SELECT * FROM media_stream
WHERE status = 'ready' AND deleted_at IS NULL AND started_at >= @since::timestamptz
ORDER BY started_at, vod_id;

-- name: AllReady :many
SELECT * FROM media_stream
WHERE status = 'ready' AND deleted_at IS NULL ORDER BY started_at NULLS LAST, vod_id;

-- ReadyVersion is another whenever what AllReady answers is another: xmin is
-- the transaction that wrote the row as it is.
-- name: ReadyVersion :one
SELECT (count(*) || ' ' || coalesce(md5(string_agg(vod_id || ' ' || xmin, ',' ORDER BY vod_id)), ''))::text
FROM media_stream WHERE status = 'ready' AND deleted_at IS NULL;

-- name: HotBroadcasts :many
SELECT * FROM media_stream
WHERE status = 'live' AND deleted_at IS NULL ORDER BY vod_view_count DESC, started_at, vod_id;

-- name: LatestLivePerInfluencer :many
SELECT DISTINCT ON (influencer_id) * FROM media_stream
WHERE status = 'live' AND deleted_at IS NULL ORDER BY influencer_id, live_at DESC;

-- name: ShownBroadcastsOf :many
SELECT * FROM media_stream
WHERE influencer_id = @influencer_id AND status IN ('live', 'close', 'completed') AND deleted_at IS NULL
ORDER BY started_at DESC NULLS LAST, vod_id DESC;

-- name: ReadyBroadcastsOf :many
SELECT * FROM media_stream
WHERE influencer_id = @influencer_id AND status = 'ready' AND deleted_at IS NULL
ORDER BY started_at NULLS LAST, vod_id;

-- name: LiveBroadcastOf :one
SELECT vod_id FROM media_stream
WHERE influencer_id = @influencer_id AND status = 'live' AND deleted_at IS NULL;

-- BroadcastsOfStream are those an event of the Mux stream can concern: on air,
-- waiting for a recording, reserved and due before the given time, or deleted
-- after they were on air.
-- name: BroadcastsOfStream :many
SELECT * FROM media_stream
WHERE mux_livestream_id = @mux_livestream_id AND (
    (status IN ('live', 'close') AND deleted_at IS NULL)
    OR (status = 'ready' AND deleted_at IS NULL AND started_at <= @due_before::timestamptz)
    OR (deleted_at IS NOT NULL AND live_at IS NOT NULL))
ORDER BY started_at, vod_id;

-- name: BroadcastsOfAsset :many
SELECT * FROM media_stream WHERE mux_asset_id = @mux_asset_id::text;

-- BroadcastsToWatch are those whose Mux stream matters now.
-- name: BroadcastsToWatch :many
SELECT * FROM media_stream
WHERE deleted_at IS NULL
  AND (status IN ('live', 'close') OR (status = 'ready' AND started_at <= @due_before::timestamptz))
ORDER BY started_at, vod_id;

-- name: CountOverdue :one
SELECT count(*) FROM media_stream WHERE status = 'ready' AND deleted_at IS NULL AND started_at <= @now::timestamptz;

-- ShowAvatar has an influencer's broadcasts show their avatar.
-- name: ShowAvatar :exec
UPDATE media_stream SET influencer_thunmbnail = @url::text
WHERE influencer_id = @influencer_id::text AND influencer_thunmbnail <> @url::text;
