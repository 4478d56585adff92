package model

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// BroadcastStatus is where a broadcast stands in its life.
type BroadcastStatus string

// The life of a broadcast.
const (
	// StatusReady: reserved, waiting for its time or its influencer.
	StatusReady BroadcastStatus = "ready"
	// StatusLive: on air.
	StatusLive BroadcastStatus = "live"
	// StatusClosed: ended, the recording is being made.
	StatusClosed BroadcastStatus = "close"
	// StatusCompleted: a VOD (or, rarely, a broadcast that left no recording).
	StatusCompleted BroadcastStatus = "completed"
	// StatusMissed: reserved, but never streamed within its grace period.
	StatusMissed BroadcastStatus = "missed"
)

var transitions = map[BroadcastStatus][]BroadcastStatus{
	StatusReady:  {StatusLive, StatusMissed},
	StatusLive:   {StatusClosed, StatusCompleted},
	StatusClosed: {StatusCompleted},
	StatusMissed: {StatusReady},
}

// CanBecome tells whether a broadcast may go from s to next.
func (s BroadcastStatus) CanBecome(next BroadcastStatus) bool {
	return slices.Contains(transitions[s], next)
}

// Finished tells whether the broadcast was on air and is over.
func (s BroadcastStatus) Finished() bool { return s == StatusClosed || s == StatusCompleted }

// Broadcast is one row of media_stream: a reservation, the live show it
// becomes and the VOD that is left of it.
type Broadcast struct {
	VODID                   int64
	InfluencerID            string // Clayful customer id
	InfluencerName          string // alias, never the real name
	InfluencerThumbnail     string // avatar URL or ""
	MuxLivestreamID         string
	MuxLivestreamPlaybackID *string
	MuxAssetID              *string
	MuxAssetPlaybackID      *string
	Details
	Status       BroadcastStatus
	UpdatedAt    time.Time
	FinishedAt   *time.Time
	VODViewCount int
	LikeCount    int
	PushCount    int // alarm subscribers

	ArmedAt      time.Time  // when the present reservation was made or edited
	LiveAt       *time.Time // when it really went on air
	StreamSeenAt *time.Time // when Mux first reported its stream active while live
	PushedAt     *time.Time // when its push was claimed; it is sent once
	DeletedAt    *time.Time
	Revision     int64 // grows with each change of the row but its counters
}

// Details are what the influencer says about a broadcast and may edit.
// StartedAt is the scheduled time; starting never overwrites it.
type Details struct {
	Title            string
	Notice           *string
	Description      *string
	ProductID        *string
	ProductName      string
	ProductPrice     KRW
	ProductSale      KRW
	ProductBrand     *string
	ProductThumbnail *string
	ProductList      []string
	StartedAt        *time.Time
}

// Lengths of the columns, in characters.
const (
	maxTitle       = 200
	maxProductID   = 30
	maxProductList = 500
	maxText        = 20_000
)

// Validate checks the details against the limits of the table. The error is a
// CodeInvalid refusal that names the field.
func (d Details) Validate() error {
	for _, field := range []struct {
		name  string
		value string
		limit int
	}{
		{"title", d.Title, maxTitle},
		{"product_name", d.ProductName, maxTitle},
		{"product_brand", value(d.ProductBrand), maxTitle},
		{"product_id", value(d.ProductID), maxProductID},
		{"product_list", strings.Join(d.ProductList, ","), maxProductList},
		{"notice", value(d.Notice), maxText},
		{"description", value(d.Description), maxText},
		{"product_thumbnail", value(d.ProductThumbnail), maxText},
	} {
		switch {
		case utf8.RuneCountInString(field.value) > field.limit:
			return Invalid(field.name + " is too long")
		case strings.ContainsRune(field.value, 0) || !utf8.ValidString(field.value):
			return Invalid(field.name + " holds characters that cannot be stored")
		}
	}
	for _, id := range d.ProductList {
		if id == "" || strings.ContainsAny(id, ", \t\r\n/?#%") {
			return Invalid("product_list holds something that is no product id")
		}
	}
	const maxInt32 = 1<<31 - 1
	if d.ProductPrice < 0 || d.ProductPrice > maxInt32 || d.ProductSale < 0 || d.ProductSale > maxInt32 {
		return Invalid("a price is out of range")
	}
	return nil
}

// DueAt tells whether the broadcast's time has come.
func (b Broadcast) DueAt(now time.Time) bool {
	return b.StartedAt != nil && !now.Before(*b.StartedAt)
}

// MissedAt is when a ready broadcast counts as missed: grace after its time,
// or after it was last reserved anew, whichever is later. A broadcast without
// a time is never missed.
func (b Broadcast) MissedAt(grace time.Duration) (time.Time, bool) {
	if b.StartedAt == nil {
		return time.Time{}, false
	}
	from := *b.StartedAt
	if b.ArmedAt.After(from) {
		from = b.ArmedAt
	}
	return from.Add(grace), true
}

// Recording is a Mux asset made of a live stream.
type Recording struct {
	AssetID    string
	PlaybackID string
	StreamID   string
	BeganAt    time.Time
	EndedAt    time.Time // zero while it is still being made
}

// Owns tells whether the recording is of this broadcast: the one it already
// names, else one of its stream that was still being made when it went live
// and began before it ended.
func (b Broadcast) Owns(r Recording) bool {
	if b.MuxAssetID != nil {
		return *b.MuxAssetID == r.AssetID
	}
	if b.LiveAt == nil || r.StreamID != b.MuxLivestreamID {
		return false
	}
	if !r.EndedAt.IsZero() && !r.EndedAt.After(*b.LiveAt) {
		return false
	}
	end := b.FinishedAt
	if end == nil {
		end = b.DeletedAt
	}
	return end == nil || r.BeganAt.Before(*end)
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
