-- +goose Up
-- Who likes what. Its rows decide what like_count counts.
CREATE TABLE vod_like (
    vod_id  bigint       NOT NULL REFERENCES media_stream,
    user_id varchar(200) NOT NULL,
    PRIMARY KEY (vod_id, user_id)
);
CREATE INDEX vod_like_by_user ON vod_like (user_id);

-- How many follow an influencer: what the shop said when it was first needed,
-- and every row of influencer_alarm that came or went since. The shop shows it.
CREATE TABLE follower_count (
    influencer_id varchar(200) PRIMARY KEY,
    followers     integer NOT NULL CHECK (followers >= 0)
);

-- How often the session's customer was changed: what a process remembers from
-- before the last change is not believed.
ALTER TABLE session ADD COLUMN changes bigint NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE session DROP COLUMN changes;
DROP TABLE follower_count, vod_like;
