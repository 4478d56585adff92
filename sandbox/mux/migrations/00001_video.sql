-- +goose Up
CREATE TABLE sandbox_mux.stream (
    id         text PRIMARY KEY,
    stream_key text        NOT NULL UNIQUE,
    status     text        NOT NULL,
    body       jsonb       NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE sandbox_mux.asset (
    id         text PRIMARY KEY,
    stream_id  text,
    body       jsonb       NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX asset_by_stream ON sandbox_mux.asset (stream_id, created_at DESC);
-- What happens to a stream by itself, later.
CREATE TABLE sandbox_mux.step (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stream_id text        NOT NULL REFERENCES sandbox_mux.stream ON DELETE CASCADE,
    kind      text        NOT NULL,
    session   bigint      NOT NULL,
    due_at    timestamptz NOT NULL
);
CREATE INDEX step_by_due ON sandbox_mux.step (due_at);

-- +goose Down
DROP TABLE sandbox_mux.step, sandbox_mux.asset, sandbox_mux.stream;
