// Package file keeps files in the database: firmware images, logs that
// stations upload, diagnostics bundles. Every node can serve them, a backup of
// the database holds them, and SQLite and PostgreSQL do it alike.
//
// A file's content is stored in pieces of 256 KiB while it comes, so that no
// file is ever held in memory. Each attempt to bring it has pieces of its own;
// the first that ends well becomes the content, the others are removed. What an
// organisation stores counts against its quota from the first byte on.
//
// # Links
//
// A Link lets somebody without an account fetch or bring one file:
// {base}/files/{token}, also with a file name behind it, since some stations
// append one. A link is good for a number of transfers until it expires. A
// transfer that breaks off uses nothing up and can be repeated; a download
// counts when its last byte goes out, so that it can be resumed with ranges.
// Links may ask for a Basic user and password, which are then part of the URL.
// Only a hash of the token is stored.
//
// Tables: stored_file, stored_content, stored_piece, file_usage, file_link.
package file
