-- +goose Up
-- An order is about to be asked of the shop under this key. After an unknown
-- end this tells that the shop has to be searched before it is asked again.
CREATE TABLE checkout_attempt (
    customer_id  text        NOT NULL,
    key          text        NOT NULL,
    attempted_at timestamptz NOT NULL,
    PRIMARY KEY (customer_id, key)
);
-- Orders their customer no longer wants to see.
CREATE TABLE deleted_order (
    order_id   text        NOT NULL,
    user_id    text        NOT NULL,
    placed_at  timestamptz NOT NULL,
    PRIMARY KEY (order_id, user_id)
);
CREATE INDEX deleted_order_by_user ON deleted_order (user_id, placed_at DESC);

-- +goose Down
DROP TABLE deleted_order, checkout_attempt;
