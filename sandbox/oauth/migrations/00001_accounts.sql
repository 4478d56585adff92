-- +goose Up
CREATE TABLE sandbox_oauth.account (
    vendor   text NOT NULL,
    login    text NOT NULL,
    nickname text NOT NULL DEFAULT '',
    name     text NOT NULL DEFAULT '',
    email    text NOT NULL DEFAULT '',
    phone    text NOT NULL DEFAULT '',
    PRIMARY KEY (vendor, login)
);

-- What a person lets an app see, and under which id the app knows them.
CREATE TABLE sandbox_oauth.consent (
    vendor       text        NOT NULL,
    app          text        NOT NULL,
    login        text        NOT NULL,
    subject      text        NOT NULL,
    agreed       text[]      NOT NULL,
    connected_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (vendor, app, login),
    UNIQUE (vendor, subject),
    FOREIGN KEY (vendor, login) REFERENCES sandbox_oauth.account ON DELETE CASCADE
);

CREATE TABLE sandbox_oauth.code (
    code       text PRIMARY KEY,
    vendor     text        NOT NULL,
    app        text        NOT NULL,
    login      text        NOT NULL,
    callback   text        NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at    timestamptz,
    FOREIGN KEY (vendor, app, login) REFERENCES sandbox_oauth.consent ON DELETE CASCADE
);

CREATE TABLE sandbox_oauth.token (
    access     text PRIMARY KEY,
    refresh    text        NOT NULL UNIQUE,
    vendor     text        NOT NULL,
    app        text        NOT NULL,
    login      text        NOT NULL,
    issued_at  timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    FOREIGN KEY (vendor, app, login) REFERENCES sandbox_oauth.consent ON DELETE CASCADE
);

-- +goose Down
DROP TABLE sandbox_oauth.token, sandbox_oauth.code, sandbox_oauth.consent, sandbox_oauth.account;
