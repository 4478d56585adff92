-- +goose Up
-- Coupons a customer was given, for ever: also after use and deletion. A row is
-- pending from before the shop is asked until its answer is known.
CREATE TABLE coupon_issue (
    user_id    varchar(200) NOT NULL,
    coupon_id  varchar(200) NOT NULL,
    state      text         NOT NULL CHECK (state IN ('pending', 'issued')),
    created_at timestamptz  NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, coupon_id)
);

-- +goose Down
DROP TABLE coupon_issue;
