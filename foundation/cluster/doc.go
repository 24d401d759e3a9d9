// Package cluster lets the nodes of one installation talk: signals that may
// be lost (Publish, Subscribe) and questions to the node that can answer
// (Request, Serve).
//
// It is always NATS: a server inside the process that listens nowhere when
// the node is alone, an external one when there are several. So one node and
// many take the same path. Nothing here is durable: what must not be lost is
// a fact (foundation/event) or a job (foundation/job).
//
// A subject is made of tokens joined by dots; ids of the outside become a
// token through [Token]. Subscribe and Serve accept the wildcards "*" (one
// token) and ">" (the rest).
package cluster
