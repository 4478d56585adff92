-- AddAlarm has no effect on a broadcast that is over or deleted, whose alarms
-- have gone or go just now.
-- name: AddAlarm :execrows
INSERT INTO live_alarm (vod_id, user_id)
SELECT m.vod_id, @user_id::varchar FROM media_stream m
WHERE m.vod_id = @vod_id AND m.status <> 'completed' AND m.deleted_at IS NULL FOR NO KEY UPDATE
ON CONFLICT DO NOTHING;

-- name: RemoveAlarm :execrows
DELETE FROM live_alarm WHERE vod_id = @vod_id AND user_id = @user_id;

-- name: HasAlarm :one
SELECT EXISTS (SELECT FROM live_alarm WHERE vod_id = @vod_id AND user_id = @user_id);

-- name: CountAlarm :exec
UPDATE media_stream SET push_count = greatest(0, push_count + @change::integer) WHERE vod_id = @vod_id;

-- name: AlarmedBroadcasts :many
SELECT m.* FROM media_stream m JOIN live_alarm a USING (vod_id)
WHERE a.user_id = @user_id AND m.status = 'ready' AND m.deleted_at IS NULL AND m.started_at >= @since::timestamptz
ORDER BY m.started_at, m.vod_id;

-- name: DropOwnDevice :exec
DELETE FROM user_token WHERE firebase_token = @firebase_token AND user_id = @user_id;
