-- How often the session's device has logged in since it was paired.
ALTER TABLE sessions ADD COLUMN logins BIGINT NOT NULL DEFAULT 0;
