// Package web is the HTTP edge: routes, their OpenAPI document, errors,
// paging, and everything a request meets before it reaches a room.
//
// How a request travels:
//
//	Handler            request id, client address, panics, security headers,
//	                   access log, metrics, gzip
//	└ ServeMux         the route, or a problem document with 404 or 405
//	  └ route          cross-site check, Guard (who is it, may they), CSRF,
//	                   body limit, Idempotency-Key
//	    └ Handle       query and body checked against the route's schema,
//	                   unknown names refused, CSV export
//	      └ the room   func(ctx, *Input) (*Output, error)
//
// A route says its permission or that it is public; one that says neither
// panics when it is registered. Routes lists them all, and OpenAPI (3.1) is
// written from the same Go types that requests are decoded into, so neither
// can drift from the code.
//
// Errors are problem documents (RFC 9457). Their status follows from the
// fault.Kind in one table, see problem.go. Errors that are not faults are
// logged once, here, and shown as "internal" without their text.
//
// Owned table: idempotency_key.
package web
