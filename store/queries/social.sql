-- name: CreateOAuthState :exec
INSERT INTO oauth_state (state_hash, vendor, cookie_hash, expires_at) VALUES (@state_hash, @vendor, @cookie_hash, @expires_at);

-- UseOAuthState is won once, by the browser the login began in.
-- name: UseOAuthState :execrows
DELETE FROM oauth_state
WHERE state_hash = @state_hash AND vendor = @vendor AND cookie_hash = @cookie_hash AND expires_at > @now::timestamptz;

-- name: PurgeOAuthStates :execrows
DELETE FROM oauth_state WHERE expires_at < @before::timestamptz;
