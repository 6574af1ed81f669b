-- The id of the key that the value is encrypted with; null where it is not.
ALTER TABLE device_state ADD COLUMN key_id TEXT;
