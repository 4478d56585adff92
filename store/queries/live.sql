-- name: RegisterInstance :exec
INSERT INTO chat_instance (id) VALUES (@id) ON CONFLICT (id) DO UPDATE SET heartbeat = now();

-- Heartbeat answers how many other instances live, and nothing to one that was
-- given up.
-- name: Heartbeat :one
UPDATE chat_instance SET heartbeat = now() WHERE chat_instance.id = @id
RETURNING (SELECT count(*) FROM chat_instance other
           WHERE other.id <> @id AND other.heartbeat > now() - make_interval(secs => @silence::float8))::bigint AS others;

-- name: DropSilentInstances :exec
DELETE FROM chat_instance WHERE heartbeat < now() - make_interval(secs => @silence::float8);

-- name: DropInstance :exec
DELETE FROM chat_instance WHERE id = @id;

-- name: PurgeInstances :execrows
DELETE FROM chat_instance WHERE heartbeat < @before::timestamptz;

-- LockRooms lets one instance at a time change who is in these rooms. They are
-- in order, so that no two wait for each other.
-- name: LockRooms :exec
SELECT pg_advisory_xact_lock(hashtextextended('room/' || room.name, 0))
FROM (SELECT unnest(@rooms::bigint[]) AS name) room;

-- name: LeaveRooms :many
DELETE FROM room_user WHERE id = ANY(@ids::uuid[]) RETURNING id;

-- EnterRooms lets in everybody whose name nobody else has in the room.
-- name: EnterRooms :many
INSERT INTO room_user (id, room_name, username, name_key, viewer, instance)
SELECT entering.id, entering.room_name, entering.username, entering.name_key, entering.viewer, @instance::uuid
FROM (SELECT unnest(@ids::uuid[]) AS id, unnest(@rooms::bigint[]) AS room_name, unnest(@usernames::text[]) AS username,
             unnest(@name_keys::text[]) AS name_key, unnest(@viewers::text[]) AS viewer) entering
WHERE NOT EXISTS (
    SELECT FROM room_user inside
    WHERE inside.room_name = entering.room_name AND inside.name_key = entering.name_key AND inside.viewer <> entering.viewer)
RETURNING id;

-- name: CountRooms :many
SELECT room.name::bigint AS name, nextval('room_version')::bigint AS version,
       (SELECT count(*) FROM room_user WHERE room_name = room.name)::bigint AS people
FROM (SELECT unnest(@rooms::bigint[]) AS name) room;

-- name: RoomsOver :many
SELECT room.name::bigint AS name FROM (SELECT unnest(@rooms::bigint[]) AS name) room
WHERE NOT EXISTS (SELECT FROM media_stream WHERE vod_id = room.name AND status = 'live' AND deleted_at IS NULL);

-- name: NewViewers :many
SELECT seen.vod_id::bigint AS vod_id, seen.viewer::text AS viewer
FROM (SELECT unnest(@vod_ids::bigint[]) AS vod_id, unnest(@viewers::text[]) AS viewer) seen
WHERE NOT EXISTS (SELECT FROM vod_viewer WHERE vod_viewer.vod_id = seen.vod_id AND vod_viewer.viewer = seen.viewer);

-- CountViewers counts each viewer of a broadcast once, ever. The row's revision
-- stays: no command changed it.
-- name: CountViewers :exec
WITH fresh AS (
    INSERT INTO vod_viewer (vod_id, viewer)
    SELECT seen.vod_id, seen.viewer
    FROM (SELECT unnest(@vod_ids::bigint[]) AS vod_id, unnest(@viewers::text[]) AS viewer) seen
    ON CONFLICT DO NOTHING RETURNING vod_viewer.vod_id
), counted AS (
    SELECT fresh.vod_id, count(*)::integer AS viewers FROM fresh GROUP BY fresh.vod_id
)
UPDATE media_stream SET vod_view_count = vod_view_count + counted.viewers
FROM counted WHERE media_stream.vod_id = counted.vod_id;

-- name: LockViewerCounts :exec
SELECT pg_advisory_xact_lock(hashtextextended('viewer counts', 0));
