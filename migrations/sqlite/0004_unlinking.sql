-- Since when a row is no session any more, but only holds the device state of an account that was forgotten before
-- WhatsApp could be told to unlink the device; null for a session. Sessions are never listed from such rows.
ALTER TABLE sessions ADD COLUMN unlinking_since BIGINT;
