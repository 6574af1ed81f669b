-- What was asked of WhatsApp: written before it is sent, completed when it is known what became of it.
CREATE TABLE actions (
    session_id    TEXT   NOT NULL,
    id            TEXT   NOT NULL,  -- a ULID, so in order of time
    operation     TEXT   NOT NULL,  -- the operation of the document
    group_jid     TEXT   NOT NULL,
    api_key_id    TEXT,             -- who asked: this key,
    user_id       TEXT,             -- or this person
    status        TEXT   NOT NULL,
    error         TEXT,             -- the code of the error that answered it
    upstream_code BIGINT,           -- WhatsApp's own
    people        TEXT   NOT NULL,  -- JSON: whom it was about, and what became of each
    created_at    BIGINT NOT NULL,
    completed_at  BIGINT,
    PRIMARY KEY (session_id, id)
);
-- Those whose outcome is not known.
CREATE INDEX actions_open ON actions (session_id, group_jid) WHERE status IN ('running', 'unknown');

-- Whom completed actions were about, by each of their names.
CREATE TABLE action_people (
    session_id TEXT NOT NULL,
    name       TEXT NOT NULL,       -- a user JID or a LID
    action_id  TEXT NOT NULL,
    PRIMARY KEY (session_id, name, action_id)
);
