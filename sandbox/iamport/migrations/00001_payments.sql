-- +goose Up
-- One row per payment, with the fields Iamport shows in body.
CREATE TABLE sandbox_iamport.payment (
    imp_uid       text PRIMARY KEY,
    merchant_uid  text        NOT NULL,
    status        text        NOT NULL,
    sandbox       boolean     NOT NULL,
    amount        bigint      NOT NULL CHECK (amount >= 0),
    cancel_amount bigint      NOT NULL DEFAULT 0 CHECK (cancel_amount BETWEEN 0 AND amount),
    body          jsonb       NOT NULL,
    started_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX payment_by_order ON sandbox_iamport.payment (merchant_uid, started_at DESC);
CREATE TABLE sandbox_iamport.prepared (
    merchant_uid text PRIMARY KEY,
    amount       bigint NOT NULL
);
CREATE TABLE sandbox_iamport.token (
    one        boolean PRIMARY KEY DEFAULT true CHECK (one),
    token      text        NOT NULL,
    expires_at timestamptz NOT NULL
);

-- +goose Down
DROP TABLE sandbox_iamport.token, sandbox_iamport.prepared, sandbox_iamport.payment;
