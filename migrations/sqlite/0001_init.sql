-- One row a WhatsApp session. Times are epoch milliseconds everywhere.
CREATE TABLE sessions (
    id                 TEXT    NOT NULL PRIMARY KEY,   -- ULID
    organization_id    TEXT    NOT NULL,
    created_by_user_id TEXT,
    label              TEXT,
    status             TEXT    NOT NULL,
    started            BOOLEAN NOT NULL,               -- what the operator asked for; survives a restart
    phone_number       TEXT,
    wa_jid             TEXT,
    wa_lid             TEXT,
    created_at         BIGINT  NOT NULL,
    updated_at         BIGINT  NOT NULL,
    last_connected_at  BIGINT
);
CREATE INDEX sessions_by_organization ON sessions (organization_id, id);

-- Only the SHA-256 of a key is kept: the key itself has 256 random bits, so there is nothing to stretch.
CREATE TABLE api_keys (
    id              TEXT   NOT NULL PRIMARY KEY,       -- ULID
    organization_id TEXT   NOT NULL,
    name            TEXT   NOT NULL,
    hash            BLOB   NOT NULL UNIQUE,
    capabilities    TEXT   NOT NULL,                   -- comma-separated
    created_at      BIGINT NOT NULL,
    expires_at      BIGINT,
    revoked_at      BIGINT
);

-- The groups a session's account is in, as of the last sync or notification.
CREATE TABLE groups (
    session_id        TEXT    NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    group_jid         TEXT    NOT NULL,
    subject           TEXT    NOT NULL,
    description       TEXT,
    owner_jid         TEXT,
    is_announce       BOOLEAN NOT NULL,
    is_locked         BOOLEAN NOT NULL,
    created_at_wa     BIGINT,
    first_seen_at     BIGINT  NOT NULL,
    updated_at        BIGINT  NOT NULL,
    PRIMARY KEY (session_id, group_jid)
);

-- A member is known by its phone-number JID, its LID, or both; `member_key` is the LID where WhatsApp told it, else the JID.
CREATE TABLE group_members (
    session_id    TEXT   NOT NULL,
    group_jid     TEXT   NOT NULL,
    member_key    TEXT   NOT NULL,
    jid           TEXT,
    lid           TEXT,
    role          TEXT   NOT NULL,
    first_seen_at BIGINT NOT NULL,
    last_seen_at  BIGINT NOT NULL,
    PRIMARY KEY (session_id, group_jid, member_key),
    FOREIGN KEY (session_id, group_jid) REFERENCES groups (session_id, group_jid) ON DELETE CASCADE
);

-- What the WhatsApp client must remember of a linked device (identity, pre-keys, sessions, app state …),
-- as one table of key and value, so that deleting a session is one DELETE.
CREATE TABLE device_state (
    session_id TEXT   NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    kind       TEXT   NOT NULL,
    key        BLOB   NOT NULL,
    value      BLOB   NOT NULL,
    at         BIGINT NOT NULL,                        -- the record's own time, for sweeps
    PRIMARY KEY (session_id, kind, key)
) WITHOUT ROWID;
