-- +goose Up
-- Room identity: organisations, people, roles, keys, sessions and the audit.

-- +sqlite
CREATE TABLE organisation (
    id TEXT PRIMARY KEY,
    org TEXT NOT NULL, -- itself, so that every table has the column
    parent TEXT REFERENCES organisation (id),
    path TEXT NOT NULL UNIQUE, -- ids from the root down, each followed by a slash
    name TEXT NOT NULL,
    country TEXT NOT NULL,
    currency TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    language TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
-- +end
-- +postgres
CREATE TABLE organisation (
    id TEXT PRIMARY KEY,
    org TEXT NOT NULL, -- itself, so that every table has the column
    parent TEXT REFERENCES organisation (id),
    path TEXT COLLATE "C" NOT NULL UNIQUE, -- ids from the root down, each followed by a slash; compared bytewise
    name TEXT NOT NULL,
    country TEXT NOT NULL,
    currency TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    language TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
-- +end
CREATE UNIQUE INDEX organisation_one_root ON organisation (COALESCE(parent, '')) WHERE parent IS NULL;
CREATE INDEX organisation_parent ON organisation (parent);

CREATE TABLE person (
    id TEXT PRIMARY KEY,
    org TEXT NOT NULL REFERENCES organisation (id), -- the one they belong to
    email TEXT NOT NULL,
    email_key TEXT NOT NULL UNIQUE, -- lower case: what a sign-in is compared with
    name TEXT NOT NULL,
    language TEXT NOT NULL, -- empty: the organisation's
    password_hash TEXT NOT NULL, -- argon2id, PHC string format
    disabled BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    last_sign_in_at BIGINT
);
CREATE INDEX person_org ON person (org);

CREATE TABLE role (
    id TEXT PRIMARY KEY, -- name of a built-in role, or a UUID
    org TEXT NOT NULL REFERENCES organisation (id),
    name TEXT NOT NULL,
    name_key TEXT NOT NULL, -- lower case
    description TEXT NOT NULL,
    permissions TEXT NOT NULL, -- JSON list; of built-in roles only a copy, the program decides
    builtin BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (org, name_key)
);

CREATE TABLE role_grant (
    id TEXT PRIMARY KEY,
    org TEXT NOT NULL REFERENCES organisation (id), -- where the role is held
    person TEXT NOT NULL REFERENCES person (id),
    role TEXT NOT NULL REFERENCES role (id),
    granted_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    UNIQUE (person, org, role)
);
CREATE INDEX role_grant_org ON role_grant (org);
CREATE INDEX role_grant_role ON role_grant (role);

CREATE TABLE api_key (
    id TEXT PRIMARY KEY,
    org TEXT NOT NULL REFERENCES organisation (id),
    name TEXT NOT NULL,
    role TEXT NOT NULL REFERENCES role (id),
    hash TEXT NOT NULL UNIQUE, -- SHA-256 of the key, hex
    hint TEXT NOT NULL, -- the first characters, to tell keys apart
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    last_used_at BIGINT,
    revoked_at BIGINT
);
CREATE INDEX api_key_org ON api_key (org);
CREATE INDEX api_key_role ON api_key (role);

CREATE TABLE sign_in (
    hash TEXT PRIMARY KEY, -- SHA-256 of the cookie's token, hex
    org TEXT NOT NULL REFERENCES organisation (id), -- the active one
    person TEXT NOT NULL REFERENCES person (id),
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    address TEXT NOT NULL,
    user_agent TEXT NOT NULL
);
CREATE INDEX sign_in_person ON sign_in (person);
CREATE INDEX sign_in_expires_at ON sign_in (expires_at);

CREATE TABLE sign_in_throttle (
    id TEXT PRIMARY KEY, -- SHA-256 of account or address
    org TEXT NOT NULL DEFAULT '', -- unknown before sign-in
    failures BIGINT NOT NULL,
    blocked_until BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX sign_in_throttle_updated_at ON sign_in_throttle (updated_at);

CREATE TABLE audit_entry (
    id TEXT PRIMARY KEY,
    org TEXT NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL, -- user:…, key:… or system
    actor_name TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    changes TEXT NOT NULL, -- JSON: field → [before, after]
    request TEXT NOT NULL,
    address TEXT NOT NULL
);
CREATE INDEX audit_entry_org_at ON audit_entry (org, at);
CREATE INDEX audit_entry_subject ON audit_entry (subject, at);
