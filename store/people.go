package store

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/byeolshow/byeolshow/store/db"
)

// PushDevices are the devices a broadcast's push goes to: of everyone with an
// alarm on it or following its influencer, less those who opted out.
func (s *Store) PushDevices(ctx context.Context, vodID int64, influencerID string) ([]string, error) {
	devices, err := s.queries.PushDevices(ctx, db.PushDevicesParams{VODID: vodID, InfluencerID: influencerID})
	return devices, wrap("list push devices", err)
}

// ClaimDelivery is true for the one caller, ever, who may send the broadcast's
// push to the device.
func (s *Store) ClaimDelivery(ctx context.Context, vodID int64, token string) (bool, error) {
	n, err := s.queries.ClaimDelivery(ctx, db.ClaimDeliveryParams{VODID: vodID, FirebaseToken: token})
	return n == 1, wrap("claim push delivery", err)
}

// ReleaseDelivery gives a claim back after a push that certainly did not go
// out, so that it can be tried again.
func (s *Store) ReleaseDelivery(ctx context.Context, vodID int64, token string) error {
	return wrap("release push delivery", s.queries.ReleaseDelivery(ctx, db.ReleaseDeliveryParams{VODID: vodID, FirebaseToken: token}))
}

// DropDevice forgets a device that can no longer be reached.
func (s *Store) DropDevice(ctx context.Context, token string) error {
	return wrap("drop device", s.queries.DropDevice(ctx, token))
}

// RegisterDevice gives a device to a customer; another's device moves.
func (s *Store) RegisterDevice(ctx context.Context, token, customerID string) error {
	return wrap("register device", s.queries.RegisterDevice(ctx, db.RegisterDeviceParams{FirebaseToken: token, UserID: customerID}))
}

// CreateSession opens a session that lasts until expiresAt unless revoked.
func (s *Store) CreateSession(ctx context.Context, id uuid.UUID, customerID string, expiresAt time.Time) error {
	return wrap("create session", s.queries.CreateSession(ctx, db.CreateSessionParams{ID: id, CustomerID: customerID, ExpiresAt: expiresAt}))
}

// Over is what LiveSession answers of a session that has ended.
const Over = -1

// LiveSession tells how often the customer was changed since their session
// began. It is Over when the session has expired, was revoked, or never was.
func (s *Store) LiveSession(ctx context.Context, id uuid.UUID, customerID string, now time.Time) (changes int64, err error) {
	changes, err = s.queries.LiveSession(ctx, db.LiveSessionParams{ID: id, CustomerID: customerID, Now: now})
	if missing(err) {
		return Over, nil
	}
	return changes, wrap("read session", err)
}

// CustomerChanged tells all processes that what they remember of the customer,
// of everybody when it is "", is no longer true.
func (s *Store) CustomerChanged(ctx context.Context, customerID string) error {
	if customerID == "" {
		return wrap("note a change of all customers", s.queries.AllCustomersChanged(ctx))
	}
	return wrap("note a customer's change", s.queries.CustomerChanged(ctx, customerID))
}

// RevokeSession ends one session for good.
func (s *Store) RevokeSession(ctx context.Context, id uuid.UUID, now time.Time) error {
	return wrap("revoke session", s.queries.RevokeSession(ctx, db.RevokeSessionParams{ID: id, Now: now}))
}

// WebhookEventSeen tells whether an event was already acted upon.
func (s *Store) WebhookEventSeen(ctx context.Context, source, eventID string) (bool, error) {
	seen, err := s.queries.WebhookEventSeen(ctx, db.WebhookEventSeenParams{Source: source, EventID: eventID})
	return seen, wrap("read webhook event", err)
}

// RecordWebhookEvent notes that an event was acted upon.
func (s *Store) RecordWebhookEvent(ctx context.Context, source, eventID string) error {
	return wrap("record webhook event", s.queries.RecordWebhookEvent(ctx, db.RecordWebhookEventParams{Source: source, EventID: eventID}))
}

// ShowName has an influencer's broadcasts show a nickname.
func (s *Store) ShowName(ctx context.Context, influencerID, name string) error {
	return wrap("show name in broadcasts", s.queries.ShowName(ctx, db.ShowNameParams{Name: name, InfluencerID: influencerID}))
}

// MoveToStream has an influencer's broadcasts that were never on air wait for
// this stream of theirs.
func (s *Store) MoveToStream(ctx context.Context, influencerID, streamID, playbackID string) error {
	return wrap("move broadcasts to another stream", s.queries.MoveToStream(ctx, db.MoveToStreamParams{
		StreamID: streamID, PlaybackID: playbackID, InfluencerID: influencerID,
	}))
}

// Purge drops sessions, social logins under way, webhook events, checkout
// attempts and chat instances that ended before the given time, and who was
// told of broadcasts that did.
func (s *Store) Purge(ctx context.Context, before time.Time) (int64, error) {
	sessions, err := s.queries.PurgeSessions(ctx, before)
	if err != nil {
		return 0, wrap("purge sessions", err)
	}
	events, err := s.queries.PurgeWebhookEvents(ctx, before)
	if err != nil {
		return sessions, wrap("purge webhook events", err)
	}
	checkouts, err := s.queries.PurgeCheckouts(ctx, before)
	if err != nil {
		return sessions + events, wrap("purge checkout attempts", err)
	}
	logins, err := s.queries.PurgeOAuthStates(ctx, before)
	if err != nil {
		return sessions + events + checkouts, wrap("purge social logins", err)
	}
	instances, err := s.queries.PurgeInstances(ctx, before)
	if err != nil {
		return sessions + events + checkouts + logins, wrap("purge chat instances", err)
	}
	deliveries, err := s.queries.PurgeDeliveries(ctx, before)
	return sessions + events + checkouts + logins + instances + deliveries, wrap("purge push deliveries", err)
}
