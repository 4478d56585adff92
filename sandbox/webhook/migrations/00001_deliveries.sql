-- +goose Up
CREATE TABLE sandbox_webhook.delivery (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    vendor     text        NOT NULL,
    url        text        NOT NULL,
    body       bytea       NOT NULL,
    attempts   integer     NOT NULL DEFAULT 0,
    due_at     timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX delivery_by_due ON sandbox_webhook.delivery (due_at);

-- +goose Down
DROP TABLE sandbox_webhook.delivery;
