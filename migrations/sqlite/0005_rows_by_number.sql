-- Flags are 0 and 1: not every database driver knows a boolean of SQLite's.
ALTER TABLE sessions ADD COLUMN is_started BIGINT NOT NULL DEFAULT 0;
UPDATE sessions SET is_started = started;
ALTER TABLE sessions DROP COLUMN started;
ALTER TABLE sessions RENAME COLUMN is_started TO started;
-- When WhatsApp last told of all groups, in epoch milliseconds.
ALTER TABLE sessions ADD COLUMN groups_synced_at BIGINT;

-- Groups have a number, and members are rows of numbers: a member's row costs about 100 bytes with its indexes.
CREATE TABLE numbered_groups (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    session_id    TEXT    NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    group_jid     TEXT    NOT NULL,
    subject       TEXT,
    description   TEXT,
    owner_jid     TEXT,
    is_announce   BIGINT  NOT NULL,
    is_locked     BIGINT  NOT NULL,
    created_at_wa BIGINT,
    size          BIGINT,                        -- what WhatsApp says, where it told no members
    member_count  BIGINT  NOT NULL,              -- rows in group_members
    next_place    BIGINT  NOT NULL,              -- for the next member; never given twice
    digest        BLOB,                          -- of what WhatsApp told last; null after a change
    first_seen_at BIGINT  NOT NULL,
    updated_at    BIGINT  NOT NULL,
    seen_at       BIGINT  NOT NULL,              -- when WhatsApp last told of this group alone
    UNIQUE (session_id, group_jid)
);
INSERT INTO numbered_groups (session_id, group_jid, subject, description, owner_jid, is_announce, is_locked, created_at_wa,
    size, member_count, next_place, first_seen_at, updated_at, seen_at)
SELECT session_id, group_jid, NULLIF(subject, ''), description, owner_jid, is_announce, is_locked, created_at_wa,
    size, 0, 0, first_seen_at, updated_at, updated_at FROM groups ORDER BY session_id, group_jid;

-- A member is known by phone number, by LID, or by both: the digits of each.
CREATE TABLE numbered_members (
    group_id      BIGINT NOT NULL REFERENCES numbered_groups (id) ON DELETE CASCADE,
    place         BIGINT NOT NULL,               -- what the list is ordered by
    phone         TEXT,
    lid           TEXT,
    role          BIGINT NOT NULL,               -- 0 member, 1 admin, 2 superadmin
    first_seen_at BIGINT NOT NULL,
    last_seen_at  BIGINT NOT NULL,               -- as of the last change; see groups.seen_at
    PRIMARY KEY (group_id, place)
) WITHOUT ROWID;
INSERT INTO numbered_members (group_id, place, phone, lid, role, first_seen_at, last_seen_at)
SELECT g.id, ROW_NUMBER() OVER (PARTITION BY g.id ORDER BY m.member_key),
    SUBSTR(m.jid, 1, INSTR(m.jid, '@') - 1), SUBSTR(m.lid, 1, INSTR(m.lid, '@') - 1),
    CASE m.role WHEN 'superadmin' THEN 2 WHEN 'admin' THEN 1 ELSE 0 END, m.first_seen_at, m.last_seen_at
FROM group_members m JOIN numbered_groups g ON g.session_id = m.session_id AND g.group_jid = m.group_jid;
UPDATE numbered_groups SET member_count = (SELECT COUNT(*) FROM numbered_members m WHERE m.group_id = id);
UPDATE numbered_groups SET next_place = member_count + 1;

DROP TABLE group_members;
DROP TABLE groups;
ALTER TABLE numbered_groups RENAME TO groups;
ALTER TABLE numbered_members RENAME TO group_members;
CREATE INDEX groups_in_order ON groups (session_id, id);
CREATE INDEX group_members_by_phone ON group_members (group_id, phone);
CREATE INDEX group_members_by_lid ON group_members (group_id, lid);
