-- Actions other than adds: some are on no group yet, some set what a group is, and what answered them can be told again.
ALTER TABLE actions ALTER COLUMN group_jid DROP NOT NULL;
ALTER TABLE actions ADD COLUMN changes TEXT;     -- JSON: what was to be set
ALTER TABLE actions ADD COLUMN error_body TEXT;  -- JSON: message, details and retryAfter of that error
ALTER TABLE actions ADD COLUMN answer TEXT;      -- JSON: what else WhatsApp answered

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

-- How many people a session's account may add, and until when WhatsApp has asked to be left alone.
CREATE TABLE session_limits (
    session_id  TEXT NOT NULL PRIMARY KEY REFERENCES sessions (id) ON DELETE CASCADE,
    limits      TEXT NOT NULL,  -- JSON
    quiet_until BIGINT
);

-- Background jobs that add people to a group.
CREATE TABLE additions (
    session_id   TEXT   NOT NULL,
    id           TEXT   NOT NULL,  -- a ULID, so in order of time
    group_jid    TEXT   NOT NULL,
    api_key_id   TEXT,             -- who asked: this key,
    user_id      TEXT,             -- or this person
    pace         TEXT   NOT NULL,  -- JSON: what was asked for
    status       TEXT   NOT NULL,
    error        TEXT,             -- the code of the error that ended it
    total        BIGINT NOT NULL,  -- people
    done         BIGINT NOT NULL,  -- those who have had their turn
    next_at      BIGINT NOT NULL,  -- the end of the pause
    created_at   BIGINT NOT NULL,
    completed_at BIGINT,
    invite_declined BIGINT NOT NULL,
    PRIMARY KEY (session_id, id)
);
CREATE INDEX additions_running ON additions (session_id, id) WHERE status = 'running';

CREATE TABLE addition_people (
    session_id  TEXT   NOT NULL,
    addition_id TEXT   NOT NULL,
    place       BIGINT NOT NULL,  -- in the request
    participant TEXT   NOT NULL,
    action_id   TEXT,             -- the action that they are part of
    tries       BIGINT NOT NULL,  -- how often they were
    outcome     TEXT,             -- none until they have had their turn
    jid         TEXT,
    lid         TEXT,
    code        BIGINT,           -- WhatsApp's own
    PRIMARY KEY (session_id, addition_id, place)
);

-- Invitations that were sent to those whom their privacy settings let only be invited.
CREATE TABLE invitations (
    session_id  TEXT NOT NULL,
    group_jid   TEXT NOT NULL,
    action_id   TEXT NOT NULL,
    participant TEXT NOT NULL,  -- as the action has them
    phone       TEXT,           -- as group_members has them
    lid         TEXT,
    joined_at   BIGINT,         -- when they were first seen in the group
    PRIMARY KEY (session_id, group_jid, action_id, participant)
);
CREATE INDEX invitations_open ON invitations (session_id, group_jid) WHERE joined_at IS NULL;
CREATE INDEX invitations_of_action ON invitations (session_id, action_id);
