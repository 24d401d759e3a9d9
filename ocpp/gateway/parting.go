package gateway

import "sync"

// parting knows the connections whose end is not in the books yet, by station.
type parting struct {
	mu     sync.Mutex
	epochs map[string]int64
}

func (p *parting) add(key string, epoch int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.epochs == nil {
		p.epochs = map[string]int64{}
	}
	p.epochs[key] = max(p.epochs[key], epoch)
}

func (p *parting) remove(key string, epoch int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.epochs[key] == epoch {
		delete(p.epochs, key)
	}
}

// of gives the latest of them; 0 when there is none.
func (p *parting) of(key string) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.epochs[key]
}
