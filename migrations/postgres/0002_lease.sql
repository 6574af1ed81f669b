-- Which process holds the database: one row, renewed, and another's when it has expired. SQLite needs none: there the
-- operating system locks a file.
CREATE TABLE lease (
    id         BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    holder     TEXT   NOT NULL,                        -- ULID, made anew by each process
    process    TEXT   NOT NULL,                        -- for people
    expires_at BIGINT NOT NULL                         -- by the server's clock
);
