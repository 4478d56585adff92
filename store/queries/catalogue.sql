-- name: BroadcastsOfProduct :many
SELECT * FROM media_stream WHERE vod_id = ANY(@vod_ids::bigint[]) AND status <> 'missed' AND deleted_at IS NULL
ORDER BY started_at DESC NULLS LAST, vod_id DESC;

-- name: RandomCompleted :many
SELECT * FROM media_stream WHERE vod_id = ANY(@vod_ids::bigint[]) AND status = 'completed' AND deleted_at IS NULL
ORDER BY random() LIMIT @most;

-- name: SoldBy :many
SELECT product_list FROM media_stream
WHERE influencer_id = @influencer_id AND status = 'completed' AND deleted_at IS NULL AND product_list IS NOT NULL
ORDER BY started_at DESC NULLS LAST, vod_id DESC;
