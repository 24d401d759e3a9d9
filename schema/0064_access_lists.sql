-- +goose Up
-- Room access: each token that turns asks which lists are clean. When many
-- turn at once, as in an import, hardly one is.

CREATE INDEX local_list_clean ON local_list (org) WHERE NOT dirty;
