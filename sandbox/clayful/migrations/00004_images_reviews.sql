-- +goose Up
-- The pictures behind the documents of the model images, and who found what of
-- a review or a comment.
CREATE TABLE sandbox_clayful.picture (
    image        text  PRIMARY KEY,
    content_type text  NOT NULL,
    data         bytea NOT NULL
);
ALTER TABLE sandbox_clayful.picture ALTER COLUMN data SET STORAGE EXTERNAL; -- it is compressed already
CREATE TABLE sandbox_clayful.opinion (
    document text NOT NULL,
    customer text NOT NULL,
    kind     text NOT NULL CHECK (kind IN ('up', 'down', 'flag')),
    PRIMARY KEY (document, customer, kind)
);

-- +goose Down
DROP TABLE sandbox_clayful.opinion, sandbox_clayful.picture;
