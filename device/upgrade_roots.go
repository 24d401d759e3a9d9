package device

import "context"

// bringRoots sees to it, once, that the station can check the certificate of
// our server where it moves to TLS. One that takes no root may still know it
// from its maker: it is for the station to refuse the move. OCPP 2.0.1 A05.FR.02
func (s *Service) bringRoots(ctx context.Context, u *Upgrade) error {
	if s.d.ServerRoots == nil || u.Target < 2 || u.Options.RootsAt != nil {
		return nil
	}
	refused, err := s.d.ServerRoots(ctx, u.Station)
	if err != nil {
		return err
	}
	now := s.d.DB.Now()
	u.Options.RootsAt, u.Options.RootsRefused = &now, refused
	return nil
}

// lacking says what a station that refuses a move probably lacks.
func (u Upgrade) lacking() string {
	if u.Options.RootsRefused != "" {
		return "(" + u.Options.RootsRefused + ")"
	}
	return "(is the root of our certificate there, and for profile 3 its own certificate?)"
}
