-- +goose Up

-- What a person has switched for one station over the table of quirks: names
-- of tolerances, separated by blanks.
ALTER TABLE charging_station ADD COLUMN tolerate TEXT NOT NULL DEFAULT '';
ALTER TABLE charging_station ADD COLUMN refuse TEXT NOT NULL DEFAULT '';
