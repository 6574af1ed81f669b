-- Why a session stands where it does, for the caller; `retry_at` is when the gateway tries again by itself.
ALTER TABLE sessions ADD COLUMN status_reason TEXT;
ALTER TABLE sessions ADD COLUMN status_detail TEXT;
ALTER TABLE sessions ADD COLUMN retry_at BIGINT;
ALTER TABLE sessions ADD COLUMN status_changed_at BIGINT NOT NULL DEFAULT 0;
UPDATE sessions SET status_changed_at = updated_at;
