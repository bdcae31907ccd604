-- What is kept for a time, by the SHA-256 of its id.
CREATE TABLE IF NOT EXISTS oauth_notes (
    id    bytea       NOT NULL PRIMARY KEY,
    value bytea       NOT NULL,
    until timestamptz NOT NULL
);

CREATE INDEX IF NOT EXISTS oauth_notes_until ON oauth_notes (until);
