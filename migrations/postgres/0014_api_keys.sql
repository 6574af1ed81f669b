-- Api keys that are made over REST, and when each was last used.
ALTER TABLE api_keys ADD COLUMN api_key_id TEXT;      -- who made it: this key,
ALTER TABLE api_keys ADD COLUMN user_id TEXT;         -- or this person; neither for the command line
ALTER TABLE api_keys ADD COLUMN last_used_at BIGINT;
CREATE INDEX api_keys_of_organization ON api_keys (organization_id, id);
