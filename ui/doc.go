// Package ui carries the web app: the browser console of Forecourt, built by
// Vite from ui/src into ui/dist and embedded in the binary.
//
// The Go side of this package knows nothing about charging and makes no
// decisions: it hands out the built files, and package app mounts them beside
// the API. The console talks to /api/v1 on its own origin only; it loads no
// script, style, font or image from anywhere else.
//
// dist is a build product and not committed, except for dist/.keep, so that
// go build and go test work without node. Until `npm run build` has run, Built
// is false and Files holds one page that says how to build the console.
//
// # Serving
//
// The app routes in the browser, so a GET for a path that is neither a file
// here nor a route of the API is answered with index.html and status 200.
// Files below assets/ carry a hash of their content in their name and may be
// cached for ever; everything else must be revalidated.
//
// The app needs of a Content-Security-Policy: its own origin for everything,
// inline styles (Mantine and MapLibre set them), data: and blob: images, and
// workers from blob:. A configured tile source adds its origin to images and
// connections.
package ui
