package ops

import (
	"context"
	"time"

	"github.com/byeolshow/byeolshow/model"
	"github.com/byeolshow/byeolshow/store"
	"github.com/byeolshow/byeolshow/workflows"
)

// Show is a broadcast an operator may have to look at.
type Show struct {
	VODID      int64            `json:"vod_id"`
	Title      string           `json:"title"`
	Influencer string           `json:"influencer"`
	Status     string           `json:"status"`
	StartsAt   *time.Time       `json:"starts_at,omitempty"`
	LiveAt     *time.Time       `json:"live_at,omitempty"`
	Late       string           `json:"late,omitempty"` // by how much it began, or has not
	Stuck      workflows.Reason `json:"stuck,omitempty"`
	LastError  string           `json:"last_error,omitempty"`
}

// tolerance is how late a broadcast may begin before it is called late.
const tolerance = 5 * time.Second

// Broadcasts are those that are on air, ended without their recording yet, due
// within a time, or stuck.
func (b Books) Broadcasts(ctx context.Context, rows *store.Store, within time.Duration) ([]Show, error) {
	now := time.Now()
	watched, err := rows.ToWatch(ctx, now.Add(within))
	if err != nil {
		return nil, err
	}
	stuck, err := b.stuck(ctx, "WorkflowType = 'Broadcast' AND StuckReason IS NOT NULL AND ExecutionStatus = 'Running'")
	if err != nil {
		return nil, err
	}
	troubles := map[string]Stuck{}
	for _, s := range stuck {
		troubles[s.Workflow] = s
	}
	shows := []Show{}
	for _, row := range watched {
		shows = append(shows, show(row, now))
		last := &shows[len(shows)-1]
		if s, ok := troubles[workflows.BroadcastID(row.VODID)]; ok {
			last.Stuck, last.LastError = s.Reason, s.LastError
			delete(troubles, s.Workflow)
		}
	}
	for _, s := range stuck { // deleted ones
		if _, left := troubles[s.Workflow]; !left {
			continue
		}
		var state workflows.BroadcastState
		answer, err := b.Temporal.QueryWorkflow(ctx, s.Workflow, "", workflows.QueryState)
		if err == nil {
			err = answer.Get(&state)
		}
		if err != nil {
			return nil, err
		}
		one := show(state.Broadcast, now)
		one.Status, one.Stuck, one.LastError = s.Stage, s.Reason, s.LastError
		shows = append(shows, one)
	}
	return shows, nil
}

func show(row model.Broadcast, now time.Time) Show {
	s := Show{
		VODID: row.VODID, Title: row.Title, Influencer: row.InfluencerName, Status: string(row.Status), StartsAt: row.StartedAt, LiveAt: row.LiveAt,
	}
	if row.StartedAt == nil {
		return s
	}
	began := now
	if row.LiveAt != nil {
		began = *row.LiveAt
	}
	if late := began.Sub(*row.StartedAt).Round(time.Second); late > tolerance && (row.LiveAt != nil || row.Status == model.StatusReady) {
		s.Late = late.String()
	}
	return s
}
