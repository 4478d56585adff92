package model

import (
	"fmt"
	"strings"
	"time"
)

// Seoul is Korean standard time, UTC+9. Korea observes no daylight saving, so
// the zone needs no database.
var Seoul = time.FixedZone("KST", 9*60*60)

const seoulLayout = "2006-01-02T15:04:05"

// FormatSeoul shows t as Seoul wall-clock without zone or fraction, the only
// form the mobile app slices correctly.
func FormatSeoul(t time.Time) string { return t.In(Seoul).Format(seoulLayout) }

// ParseSeoul reads YYYY-MM-DDTHH:MM[:SS[.fraction]] with T or a space between,
// as Seoul wall-clock; when a zone follows (Z, +09:00, +0900) the instant is
// taken from it. Years outside 1970–9999 are refused, and so is anything else.
func ParseSeoul(s string) (time.Time, error) {
	text := s
	if len(text) > len("2006-01-02") && text[10] == ' ' {
		text = text[:10] + "T" + text[11:]
	}
	for _, layout := range []string{
		"2006-01-02T15:04", seoulLayout,
		"2006-01-02T15:04Z07:00", "2006-01-02T15:04:05Z07:00",
		"2006-01-02T15:04Z0700", "2006-01-02T15:04:05Z0700",
	} {
		t, err := time.ParseInLocation(layout, strings.ToUpper(text), Seoul)
		if err != nil {
			continue
		}
		if year := t.UTC().Year(); year < 1970 || year > 9999 {
			return time.Time{}, fmt.Errorf("time %q is out of range", s)
		}
		return t.UTC(), nil
	}
	return time.Time{}, fmt.Errorf("time %q is not YYYY-MM-DDTHH:MM[:SS]", s)
}

// Today is the Seoul midnight that began the day of now.
func Today(now time.Time) time.Time {
	y, m, d := now.In(Seoul).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, Seoul)
}

// Tomorrow is the Seoul midnight that ends the day of now.
func Tomorrow(now time.Time) time.Time { return Today(now).AddDate(0, 0, 1) }
