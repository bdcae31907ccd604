-- What people have allowed. The id is random, so that an engine that spreads its
-- rows by the key spreads these. What never changes of a grant is in "allowed", in
-- JSON with its version; subject and username are copies for who looks for them.
CREATE TABLE IF NOT EXISTS oauth_grants (
    id           text        NOT NULL,
    client_id    text        NOT NULL,
    subject      text        NOT NULL,
    username     text        NOT NULL,
    allowed      text        NOT NULL,
    generation   bigint      NOT NULL,
    refreshed_at timestamptz,
    expires_at   timestamptz NOT NULL,
    revoked      text        NOT NULL,
    PRIMARY KEY (id, client_id)
);

-- For clearing away.
CREATE INDEX IF NOT EXISTS oauth_grants_expires_at ON oauth_grants (expires_at);

-- For whoever ends all grants of a person or of a client.
CREATE INDEX IF NOT EXISTS oauth_grants_subject ON oauth_grants (subject);

CREATE INDEX IF NOT EXISTS oauth_grants_client_id ON oauth_grants (client_id);

-- What is used up, by the SHA-256 of its id.
CREATE TABLE IF NOT EXISTS oauth_spent (
    id    bytea       NOT NULL PRIMARY KEY,
    until timestamptz NOT NULL
);

CREATE INDEX IF NOT EXISTS oauth_spent_until ON oauth_spent (until);
