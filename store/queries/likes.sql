-- name: AddFollower :execrows
INSERT INTO influencer_alarm (influencer_id, user_id) VALUES (@influencer_id, @user_id) ON CONFLICT DO NOTHING;

-- name: RemoveFollower :execrows
DELETE FROM influencer_alarm WHERE influencer_id = @influencer_id AND user_id = @user_id;

-- CountFollowers adds to an influencer's count, which begins as what the shop
-- showed, changed already.
-- name: CountFollowers :one
INSERT INTO follower_count (influencer_id, followers)
VALUES (@influencer_id, @first)
ON CONFLICT (influencer_id) DO UPDATE SET followers = greatest(0, follower_count.followers + @change::integer)
RETURNING followers;

-- name: FollowerCounts :many
SELECT * FROM follower_count ORDER BY influencer_id;

-- name: FollowerCount :one
SELECT followers FROM follower_count WHERE influencer_id = @influencer_id;

-- name: DropFollowerCount :exec
DELETE FROM follower_count WHERE influencer_id = @influencer_id;

-- name: FollowedBy :many
SELECT influencer_id FROM influencer_alarm WHERE user_id = @user_id ORDER BY influencer_id;

-- name: AddLike :execrows
INSERT INTO vod_like (vod_id, user_id) VALUES (@vod_id, @user_id) ON CONFLICT DO NOTHING;

-- name: RemoveLike :execrows
DELETE FROM vod_like WHERE vod_id = @vod_id AND user_id = @user_id;

-- CountLike leaves the revision alone: whoever likes a broadcast does not
-- change it.
-- name: CountLike :execrows
UPDATE media_stream SET like_count = greatest(0, like_count + @change::integer) WHERE vod_id = @vod_id AND deleted_at IS NULL;

-- name: LikedBroadcasts :many
SELECT * FROM media_stream WHERE vod_id = ANY(@vod_ids::bigint[]) AND deleted_at IS NULL
ORDER BY started_at DESC NULLS LAST, vod_id DESC;
