-- +goose Up
CREATE TABLE sandbox_fcm.message (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    body    jsonb       NOT NULL,
    sent_at timestamptz NOT NULL DEFAULT now()
);

-- +goose Down
DROP TABLE sandbox_fcm.message;
