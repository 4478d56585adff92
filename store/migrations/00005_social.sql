-- +goose Up
-- A social login under way, until the person comes back.
CREATE TABLE oauth_state (
    state_hash  bytea PRIMARY KEY,
    vendor      text        NOT NULL,
    cookie_hash bytea       NOT NULL,
    expires_at  timestamptz NOT NULL
);

-- +goose Down
DROP TABLE oauth_state;
