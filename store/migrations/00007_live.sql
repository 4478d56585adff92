-- +goose Up
-- What lives only as long as the processes that hold the connections is not
-- logged: after a crash of Postgres they find themselves gone and begin anew.
CREATE UNLOGGED TABLE chat_instance (
    id        uuid PRIMARY KEY,
    heartbeat timestamptz NOT NULL DEFAULT now()
);

-- One row per entered chat connection. Its heartbeat is its instance's.
CREATE UNLOGGED TABLE room_user (
    id        uuid PRIMARY KEY,
    room_name bigint       NOT NULL, -- vod_id
    username  varchar(30)  NOT NULL,
    name_key  text         NOT NULL, -- username as it is compared
    viewer    varchar(200) NOT NULL,
    instance  uuid         NOT NULL REFERENCES chat_instance ON DELETE CASCADE
);
CREATE INDEX room_user_by_name ON room_user (room_name, name_key);
CREATE INDEX room_user_by_instance ON room_user (instance);

-- Tells the later of two counts of a room.
CREATE SEQUENCE room_version;

-- Who has watched what: a customer id or the hash of a cookie.
CREATE TABLE vod_viewer (
    vod_id bigint       NOT NULL,
    viewer varchar(200) NOT NULL,
    PRIMARY KEY (vod_id, viewer)
);

-- +goose Down
DROP TABLE vod_viewer, room_user, chat_instance;
DROP SEQUENCE room_version;
