-- How many members WhatsApp says a group has, where it told none of them; null where they are known and counted.
ALTER TABLE groups ADD COLUMN size BIGINT;
