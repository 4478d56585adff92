-- PushDevices are the devices of everyone who set an alarm on the broadcast or
-- follows its influencer, less those who opted out of live pushes.
-- name: PushDevices :many
SELECT t.firebase_token FROM user_token t
WHERE t.user_id IN (
    SELECT a.user_id FROM live_alarm a WHERE a.vod_id = @vod_id
    UNION
    SELECT f.user_id FROM influencer_alarm f WHERE f.influencer_id = @influencer_id)
  AND NOT EXISTS (SELECT FROM live_not_agree n WHERE n.user_id = t.user_id)
ORDER BY t.firebase_token;

-- ClaimDelivery is won by one caller per broadcast and device.
-- name: ClaimDelivery :execrows
INSERT INTO push_delivery (vod_id, firebase_token) VALUES (@vod_id, @firebase_token)
ON CONFLICT DO NOTHING;

-- name: ReleaseDelivery :exec
DELETE FROM push_delivery WHERE vod_id = @vod_id AND firebase_token = @firebase_token;

-- PurgeDeliveries forgets who was told of broadcasts that are over for good.
-- name: PurgeDeliveries :execrows
DELETE FROM push_delivery WHERE vod_id IN (
    SELECT vod_id FROM media_stream WHERE finished_at < @before::timestamptz OR deleted_at < @before::timestamptz);

-- name: DropDevice :exec
DELETE FROM user_token WHERE firebase_token = @firebase_token;

-- name: RegisterDevice :exec
INSERT INTO user_token (firebase_token, user_id) VALUES (@firebase_token, @user_id)
ON CONFLICT (firebase_token) DO UPDATE SET user_id = excluded.user_id;

-- name: CreateSession :exec
INSERT INTO session (id, customer_id, expires_at) VALUES (@id, @customer_id, @expires_at);

-- LiveSession tells how often the customer was changed since it began; it has
-- no row when it is over.
-- name: LiveSession :one
SELECT changes FROM session WHERE id = @id AND customer_id = @customer_id
  AND revoked_at IS NULL AND expires_at > @now::timestamptz;

-- name: CustomerChanged :exec
UPDATE session SET changes = changes + 1 WHERE customer_id = @customer_id;

-- name: AllCustomersChanged :exec
UPDATE session SET changes = changes + 1;

-- name: RevokeSession :exec
UPDATE session SET revoked_at = coalesce(revoked_at, @now::timestamptz) WHERE id = @id;

-- name: PurgeSessions :execrows
DELETE FROM session WHERE expires_at < @before::timestamptz;

-- name: WebhookEventSeen :one
SELECT EXISTS (SELECT FROM webhook_event WHERE source = @source AND event_id = @event_id);

-- name: RecordWebhookEvent :exec
INSERT INTO webhook_event (source, event_id) VALUES (@source, @event_id) ON CONFLICT DO NOTHING;

-- name: PurgeWebhookEvents :execrows
DELETE FROM webhook_event WHERE received_at < @before::timestamptz;

-- ShowName has an influencer's broadcasts show their nickname.
-- name: ShowName :exec
UPDATE media_stream SET influencer_name = @name::text
WHERE influencer_id = @influencer_id::text AND influencer_name <> @name::text;

-- MoveToStream has an influencer's broadcasts that were not on air yet be
-- streamed through this stream of theirs.
-- name: MoveToStream :exec
UPDATE media_stream SET mux_livestream_id = @stream_id::text, mux_livestream_playback_id = @playback_id::text
WHERE influencer_id = @influencer_id::text AND live_at IS NULL AND deleted_at IS NULL AND mux_livestream_id <> @stream_id::text;
