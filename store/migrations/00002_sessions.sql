-- +goose Up
CREATE TABLE session (
    id          uuid PRIMARY KEY,
    customer_id varchar(200) NOT NULL,
    expires_at  timestamptz  NOT NULL,
    revoked_at  timestamptz
);
CREATE INDEX session_by_customer ON session (customer_id);

CREATE TABLE webhook_event (
    source      text        NOT NULL,
    event_id    text        NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source, event_id)
);

-- +goose Down
DROP TABLE webhook_event, session;
