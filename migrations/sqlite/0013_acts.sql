-- Actions other than adds: some are on no group yet, some set what a group is, and what answered them can be told again.
-- SQLite takes NOT NULL from no column, so the table is made anew.
CREATE TABLE new_actions (
    session_id    TEXT   NOT NULL,
    id            TEXT   NOT NULL,  -- a ULID, so in order of time
    operation     TEXT   NOT NULL,  -- the operation of the document
    group_jid     TEXT,
    changes       TEXT,             -- JSON: what was to be set
    api_key_id    TEXT,             -- who asked: this key,
    user_id       TEXT,             -- or this person
    status        TEXT   NOT NULL,
    error         TEXT,             -- the code of the error that answered it
    error_body    TEXT,             -- JSON: message, details and retryAfter of that error
    upstream_code BIGINT,           -- WhatsApp's own
    people        TEXT   NOT NULL,  -- JSON: whom it was about, and what became of each
    answer        TEXT,             -- JSON: what else WhatsApp answered
    created_at    BIGINT NOT NULL,
    completed_at  BIGINT,
    PRIMARY KEY (session_id, id)
);
INSERT INTO new_actions (session_id, id, operation, group_jid, api_key_id, user_id, status, error, upstream_code, people,
        created_at, completed_at)
    SELECT session_id, id, operation, group_jid, api_key_id, user_id, status, error, upstream_code, people, created_at,
        completed_at FROM actions;
DROP TABLE actions;
ALTER TABLE new_actions RENAME TO actions;
CREATE INDEX actions_open ON actions (session_id, group_jid) WHERE status IN ('running', 'unknown');

-- What was asked with an Idempotency-Key: a repetition is known by it.
CREATE TABLE idempotency_keys (
    organization_id TEXT   NOT NULL,
    key             TEXT   NOT NULL,
    fingerprint     TEXT   NOT NULL,  -- of the request: the same key with another one is refused
    session_id      TEXT   NOT NULL,
    action_id       TEXT,             -- what became of it; none where the session itself is
    created_at      BIGINT NOT NULL,
    PRIMARY KEY (organization_id, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
