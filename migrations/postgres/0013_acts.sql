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
