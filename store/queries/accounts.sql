-- ClaimAlias changes one row when the nickname was free, or is the holder's.
-- name: ClaimAlias :execrows
INSERT INTO alias_claim AS c (alias_key, customer_id) VALUES (@alias_key, @holder)
ON CONFLICT (alias_key) DO UPDATE SET customer_id = c.customer_id WHERE c.customer_id = excluded.customer_id;

-- name: AliasClaimed :one
SELECT EXISTS (SELECT FROM alias_claim WHERE alias_key = @alias_key);

-- name: BindAlias :execrows
UPDATE alias_claim SET customer_id = @customer_id::varchar
WHERE alias_key = @alias_key AND customer_id IN (@sign_up::varchar, @customer_id::varchar);

-- name: FreeAlias :exec
DELETE FROM alias_claim WHERE alias_key = @alias_key AND customer_id = ANY (@holders::varchar[]);

-- name: FreeOtherAliases :exec
DELETE FROM alias_claim WHERE customer_id = @customer_id AND alias_key <> @keep;

-- RevokeSessions ends all sessions of a customer but one.
-- name: RevokeSessions :exec
UPDATE session SET revoked_at = @now::timestamptz
WHERE customer_id = @customer_id AND revoked_at IS NULL AND id <> @but;

-- name: DropAlarmsOf :exec
WITH dropped AS (DELETE FROM live_alarm WHERE user_id = @user_id RETURNING vod_id)
UPDATE media_stream m SET push_count = greatest(0, m.push_count - 1) FROM dropped d WHERE m.vod_id = d.vod_id;

-- name: DropLikesOf :exec
WITH dropped AS (DELETE FROM vod_like WHERE user_id = @user_id RETURNING vod_id)
UPDATE media_stream m SET like_count = greatest(0, m.like_count - 1) FROM dropped d WHERE m.vod_id = d.vod_id;

-- name: DropFollowsOf :exec
DELETE FROM influencer_alarm WHERE user_id = @user_id OR influencer_id = @user_id;

-- name: DropDevicesOf :exec
DELETE FROM user_token WHERE user_id = @user_id;

-- name: OptOut :exec
INSERT INTO live_not_agree (user_id) VALUES (@user_id) ON CONFLICT DO NOTHING;

-- name: OptIn :exec
DELETE FROM live_not_agree WHERE user_id = @user_id;

-- name: OptedOut :one
SELECT EXISTS (SELECT FROM live_not_agree WHERE user_id = @user_id);
