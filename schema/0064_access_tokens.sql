-- +goose Up
-- Room access: a million tokens.

-- One index finds a token by what a station read and keeps it single in its
-- organisation: an import pays for each index whose keys come in no order.
DROP INDEX id_token_match;
DROP INDEX id_token_value;
CREATE UNIQUE INDEX id_token_match ON id_token (match_key, org);
-- The order in which tokens are listed when nobody asks for another.
CREATE INDEX id_token_created ON id_token (created_at, id);

-- Each token that turns asks which lists are clean. When many turn at once
-- hardly one is.
CREATE INDEX local_list_clean ON local_list (org) WHERE NOT dirty;
