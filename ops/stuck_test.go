package ops

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byeolshow/byeolshow/model"
)

func TestWorkflowIDOfWhatAnOperatorWrites(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"7YUU3TAUWVZJ":                "order/7YUU3TAUWVZJ",
		"7YUU3TAUWVZJ/REFUND222222":   "refund/7YUU3TAUWVZJ/REFUND222222",
		"17":                          "broadcast/17",
		"order/7YUU3TAUWVZJ":          "order/7YUU3TAUWVZJ",
		"/refund/7YUU3TAUWVZJ/R2/":    "refund/7YUU3TAUWVZJ/R2",
		"checkout/CUSTXMER2222/a-key": "checkout/CUSTXMER2222/a-key",
		"":                            "",
		"a/b/c":                       "",
		"x' OR '1'='1":                "",
	} {
		got, err := WorkflowID(id)
		require.Equal(t, want, got, id)
		if want == "" {
			require.ErrorIs(t, err, ErrUnknown)
		} else {
			require.NoError(t, err)
		}
	}
}

func TestWhatGoesOnInTurnsIsToldOnce(t *testing.T) {
	t.Parallel()
	var moments []Moment
	for _, what := range []string{"begins", "waits", "looks", "waits", "looks", "waits", "looks", "hears", "hears", "looks", "ends"} {
		moments = append(moments, Moment{Workflow: "order/X", What: what})
	}
	moments = append(moments, Moment{Workflow: "order/Y", What: "ends"})
	var told []string
	times := map[string]int{}
	for _, m := range condensed(moments) {
		told = append(told, m.What)
		times[m.What] += m.Times
	}
	require.Equal(t, []string{"begins", "waits", "looks", "hears", "looks", "ends", "ends"}, told)
	require.Equal(t, map[string]int{"begins": 0, "waits": 3, "looks": 3, "hears": 2, "ends": 0}, times)
}

func TestLateBroadcasts(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	at := func(d time.Duration) *time.Time { at := now.Add(d); return &at }
	for name, c := range map[string]struct {
		status         model.BroadcastStatus
		starts, wentOn *time.Time
		late           string
	}{
		"due later":     {model.StatusReady, at(time.Minute), nil, ""},
		"due just now":  {model.StatusReady, at(-time.Second), nil, ""},
		"not there":     {model.StatusReady, at(-2 * time.Minute), nil, "2m0s"},
		"went on late":  {model.StatusLive, at(-time.Hour), at(-time.Hour + 90*time.Second), "1m30s"},
		"went on early": {model.StatusLive, at(time.Minute), at(-time.Minute), ""},
		"by hand":       {model.StatusLive, nil, at(-time.Minute), ""},
		"missed":        {model.StatusMissed, at(-time.Hour), nil, ""},
	} {
		got := show(model.Broadcast{Status: c.status, LiveAt: c.wentOn, Details: model.Details{StartedAt: c.starts}}, now)
		require.Equal(t, c.late, got.Late, name)
	}
}
