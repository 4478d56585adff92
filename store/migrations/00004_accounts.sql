-- +goose Up
-- A nickname is one person's. While their account is being made the claim is
-- their sign-up's, under its workflow id.
CREATE TABLE alias_claim (
    alias_key   text PRIMARY KEY,
    customer_id varchar(200) NOT NULL
);
CREATE INDEX alias_claim_by_customer ON alias_claim (customer_id);
CREATE INDEX live_alarm_by_user ON live_alarm (user_id);
CREATE INDEX influencer_alarm_by_user ON influencer_alarm (user_id);

-- +goose Down
DROP INDEX influencer_alarm_by_user, live_alarm_by_user;
DROP TABLE alias_claim;
