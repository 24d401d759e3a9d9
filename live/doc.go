// Package live shows facts and signals to dashboards as server-sent events.
//
// # What a viewer is promised
//
// Facts come in the order of their numbers, each at least once; the number is
// the event's id, so a browser that reconnects resumes where it was
// (Last-Event-ID). A viewer that was away for too long is told so with an
// event "gap" and reloads. Signals (power, connection) come when they come,
// without an id, and may be lost.
//
// # What a viewer costs
//
// Each node tails the facts once and listens to the signals once, however
// many watch; neither begins before somebody does, and both end when nobody did for a
// minute. An event is written out once and handed to the viewers whose
// organisation may see it and whose filter it meets, through a bounded buffer
// each. When a buffer fills, signals are left out first; when it is full, the
// viewer is let go with an event "dropped" and may come back. Nothing ever
// waits for a viewer.
//
// Streams end after half an hour, so that a permission that was taken away
// does not outlive it; browsers reconnect by themselves.
//
// No tables. Facts: all are read, none recorded.
package live
