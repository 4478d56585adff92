package model_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byeolshow/byeolshow/model"
)

func TestParseSeoul(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text, want string // want in UTC, "" for an error
	}{
		{"2021-03-05T19:00:00", "2021-03-05T10:00:00Z"},
		{"2021-03-05T19:00", "2021-03-05T10:00:00Z"},
		{"2021-03-05 19:00", "2021-03-05T10:00:00Z"},
		{"2021-03-05 19:00:30", "2021-03-05T10:00:30Z"},
		{"2021-03-05T00:30:00", "2021-03-04T15:30:00Z"},
		{"2021-03-05T19:00:00Z", "2021-03-05T19:00:00Z"},
		{"2021-03-05T19:00Z", "2021-03-05T19:00:00Z"},
		{"2021-03-05T19:00:00+09:00", "2021-03-05T10:00:00Z"},
		{"2021-03-05T19:00:00+0900", "2021-03-05T10:00:00Z"},
		{"2021-03-05T19:00:00.25-05:00", "2021-03-06T00:00:00.25Z"},
		{"", ""},
		{"2021-03-05", ""},
		{"19:00", ""},
		{"2021-02-30T19:00", ""},
		{"2021-03-05T25:00", ""},
		{"0001-01-01T00:00", ""},
		{"2021-03-05T19:00 Uhr", ""},
		{"١٩:٠٠", ""},
	} {
		got, err := model.ParseSeoul(test.text)
		if test.want == "" {
			require.Error(t, err, test.text)
			continue
		}
		require.NoError(t, err, test.text)
		require.Equal(t, test.want, got.Format(time.RFC3339Nano), test.text)
	}
}

func FuzzParseSeoul(f *testing.F) {
	for _, seed := range []string{"2021-03-05T19:00:00", "2021-03-05 19:00", "2021-03-05T19:00:00+09:00", "", "2021-03-05T19:00Z"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, err := model.ParseSeoul(text)
		if err != nil {
			return
		}
		again, err := model.ParseSeoul(model.FormatSeoul(at))
		require.NoError(t, err)
		require.Equal(t, at.Truncate(time.Second), again)
	})
}

func TestDaysAreSeouls(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ now, today, tomorrow string }{
		{"2021-03-05T14:59:59Z", "2021-03-05T00:00:00", "2021-03-06T00:00:00"},
		{"2021-03-05T15:00:00Z", "2021-03-06T00:00:00", "2021-03-07T00:00:00"},
		{"2021-12-31T15:00:00Z", "2022-01-01T00:00:00", "2022-01-02T00:00:00"},
	} {
		now, err := time.Parse(time.RFC3339, test.now)
		require.NoError(t, err)
		require.Equal(t, test.today, model.FormatSeoul(model.Today(now)))
		require.Equal(t, test.tomorrow, model.FormatSeoul(model.Tomorrow(now)))
	}
}

func TestTransitions(t *testing.T) {
	t.Parallel()
	all := []model.BroadcastStatus{model.StatusReady, model.StatusLive, model.StatusClosed, model.StatusCompleted, model.StatusMissed}
	legal := map[model.BroadcastStatus][]model.BroadcastStatus{
		model.StatusReady:  {model.StatusLive, model.StatusMissed},
		model.StatusLive:   {model.StatusClosed, model.StatusCompleted},
		model.StatusClosed: {model.StatusCompleted},
		model.StatusMissed: {model.StatusReady},
	}
	for _, from := range all {
		for _, to := range all {
			if got := from.CanBecome(to); got {
				require.Contains(t, legal[from], to)
			} else {
				require.NotContains(t, legal[from], to)
			}
		}
	}
}

func TestEdit(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 5, 10, 0, 0, 0, time.UTC)
	later, earlier := now.Add(time.Hour), now.Add(-time.Hour)
	start := func(at *time.Time) model.Edit {
		return model.Edit{Fields: []model.Field{model.FieldStartedAt}, Details: model.Details{StartedAt: at}}
	}
	for _, test := range []struct {
		name   string
		from   model.BroadcastStatus
		edit   model.Edit
		status model.BroadcastStatus
		armed  bool
		at     *time.Time
	}{
		{"a ready one is armed anew", model.StatusReady, start(&later), model.StatusReady, true, &later},
		{"a live one keeps its arming", model.StatusLive, start(&later), model.StatusLive, false, &later},
		{"a missed one comes back", model.StatusMissed, start(&later), model.StatusReady, true, &later},
		{"a missed one comes back without a time", model.StatusMissed, start(nil), model.StatusReady, true, nil},
		{"a missed one stays with a past time", model.StatusMissed, start(&earlier), model.StatusMissed, false, &earlier},
		{"a finished one keeps its time", model.StatusCompleted, start(&later), model.StatusCompleted, false, &earlier},
		{"a closed one keeps its time", model.StatusClosed, start(nil), model.StatusClosed, false, &earlier},
		{"nothing else changes", model.StatusReady, model.Edit{}, model.StatusReady, false, &earlier},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := model.Broadcast{Status: test.from, Details: model.Details{Title: "title", StartedAt: &earlier}}
			require.NoError(t, test.edit.Apply(&b, now))
			require.Equal(t, test.status, b.Status)
			require.Equal(t, test.armed, b.ArmedAt.Equal(now))
			require.Equal(t, test.at, b.StartedAt)
			require.Equal(t, "title", b.Title)
		})
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	good := model.Details{Title: "제목", ProductList: []string{"A", "B"}}
	require.NoError(t, good.Validate())
	for name, spoil := range map[string]func(*model.Details){
		"title too long":        func(d *model.Details) { d.Title = strings.Repeat("가", 201) },
		"title not storable":    func(d *model.Details) { d.Title = "a\x00b" },
		"title not UTF-8":       func(d *model.Details) { d.Title = "\xff" },
		"product id too long":   func(d *model.Details) { id := strings.Repeat("x", 31); d.ProductID = &id },
		"product list too long": func(d *model.Details) { d.ProductList = []string{strings.Repeat("x", 501)} },
		"comma in product id":   func(d *model.Details) { d.ProductList = []string{"a,b"} },
		"empty product id":      func(d *model.Details) { d.ProductList = []string{""} },
		"negative price":        func(d *model.Details) { d.ProductPrice = -1 },
		"price beyond integer":  func(d *model.Details) { d.ProductSale = 1 << 31 },
	} {
		d := good
		spoil(&d)
		require.Equal(t, model.CodeInvalid, model.CodeOf(d.Validate()), name)
	}
	full := good
	full.Title = strings.Repeat("가", 200)
	require.NoError(t, full.Validate())
}

func TestOwns(t *testing.T) {
	t.Parallel()
	live := time.Date(2026, 3, 5, 10, 0, 0, 0, time.UTC)
	ended := live.Add(time.Hour)
	known := "known"
	b := model.Broadcast{MuxLivestreamID: "s", LiveAt: &live, FinishedAt: &ended}
	recording := func(id, stream string, from, to time.Duration) model.Recording {
		r := model.Recording{AssetID: id, StreamID: stream, BeganAt: live.Add(from)}
		if to != 0 {
			r.EndedAt = live.Add(to)
		}
		return r
	}
	for name, test := range map[string]struct {
		b    model.Broadcast
		r    model.Recording
		want bool
	}{
		"its own":                    {b, recording("a", "s", -time.Minute, time.Hour), true},
		"still being made":           {b, recording("a", "s", -time.Minute, 0), true},
		"over before it went live":   {b, recording("a", "s", -time.Hour, -time.Minute), false},
		"begun after it ended":       {b, recording("a", "s", 2*time.Hour, 3*time.Hour), false},
		"of another stream":          {b, recording("a", "other", 0, time.Hour), false},
		"of one that was never live": {model.Broadcast{MuxLivestreamID: "s"}, recording("a", "s", 0, time.Hour), false},
		"the one it names":           {model.Broadcast{MuxAssetID: &known}, recording("known", "x", 0, 0), true},
		"not the one it names":       {model.Broadcast{MuxAssetID: &known, MuxLivestreamID: "s", LiveAt: &live}, recording("a", "s", 0, time.Hour), false},
	} {
		require.Equal(t, test.want, test.b.Owns(test.r), name)
	}
}
