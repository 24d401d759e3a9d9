package event

import (
	"context"
	"errors"
)

// Top is the number up to which every fact is settled now. A Tail after it
// begins with the next one.
func (l *Log) Top(ctx context.Context) (int64, error) {
	seq, _, err := l.look(ctx, true)
	return seq, err
}

// Replay calls fn with every fact after one number up to another that is
// settled, in order, and returns when they are done, or with the error of fn.
func (l *Log) Replay(ctx context.Context, after, upTo int64, fn func(Fact) error) error {
	for after < upTo {
		var err error
		if after, err = l.replayPage(ctx, after, upTo, fn); err != nil {
			var own tailError
			if errors.As(err, &own) {
				return own.error
			}
			return err
		}
	}
	return nil
}
