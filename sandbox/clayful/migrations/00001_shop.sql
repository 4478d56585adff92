-- +goose Up
-- One row per document of the shop, kept in its raw form.
CREATE TABLE sandbox_clayful.document (
    model      text        NOT NULL,
    id         text        NOT NULL,
    body       jsonb       NOT NULL,
    secret     jsonb       NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (model, id)
);
CREATE UNIQUE INDEX customer_user_id ON sandbox_clayful.document ((body->>'userId'))
    WHERE model = 'customers' AND body->>'userId' IS NOT NULL;
CREATE UNIQUE INDEX customer_email ON sandbox_clayful.document (lower(body->>'email'))
    WHERE model = 'customers' AND body->>'email' IS NOT NULL;
CREATE INDEX document_by_time ON sandbox_clayful.document (model, created_at DESC);
CREATE INDEX document_groups ON sandbox_clayful.document USING gin ((body->'groups'));

CREATE TABLE sandbox_clayful.verification (
    secret_hash text PRIMARY KEY,
    customer    text        NOT NULL,
    scope       text        NOT NULL,
    expires_at  timestamptz NOT NULL,
    used_at     timestamptz
);
CREATE TABLE sandbox_clayful.mail (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    address text        NOT NULL,
    body    jsonb       NOT NULL,
    sent_at timestamptz NOT NULL DEFAULT now()
);

-- +goose Down
DROP TABLE sandbox_clayful.mail, sandbox_clayful.verification, sandbox_clayful.document;
