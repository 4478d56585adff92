package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/byeolshow/byeolshow/model"
	"github.com/byeolshow/byeolshow/sandbox/clayful"
	"github.com/byeolshow/byeolshow/store"
	"github.com/byeolshow/byeolshow/workflows"
)

// seed puts the demo broadcasts into an empty development database: two that
// are reserved, one that was missed and one that is a VOD. Theirs are the first
// ids, and the first of them comes last: what was cut short before is repeated.
func (d *dev) seed(ctx context.Context) error {
	if d.ClayfulBaseURL != "" || d.MuxBaseURL != "" {
		return nil
	}
	pool, err := openPool(ctx, d.DatabaseURL)
	if err != nil {
		return err
	}
	defer pool.Close()
	broadcasts := store.New(pool)
	if _, err := broadcasts.Broadcast(ctx, 1); err == nil {
		return nil
	}
	s := d.settings
	s.PayloadKeys = d.env["PAYLOAD_KEYS"]
	temporal, err := dialTemporal(s, d.log, func(options *client.Options) error {
		options.HostPort, options.Logger = d.TemporalAddress, quiet{}
		return nil
	})
	if err != nil {
		return err
	}
	defer temporal.Close()
	tomorrow := model.Tomorrow(time.Now()).Add(20 * time.Hour)
	yesterday := time.Now().Add(-26 * time.Hour)
	demos := []struct {
		influencer, alias, stream, title string
		at                               time.Time
		product                          int
	}{
		{"STAR2222AAA3", "별둘", "Star2", "내일 저녁 신상 스킨케어 라이브", tomorrow, 1},
		{"STAR2222AAA4", "별셋", "Star3", "다음 주 가방 특집", tomorrow.AddDate(0, 0, 6), 4},
		{"STAR2222AAA3", "별둘", "Star2", "놓친 방송", yesterday, 2},
		{"STAR2222AAA4", "별셋", "Star3", "어제의 메이크업 라이브", yesterday, 3},
	}
	for id := int64(0); id < int64(len(demos)); {
		if id, err = broadcasts.NextVODID(ctx); err != nil {
			return err
		}
	}
	for i, demo := range slices.Backward(demos) {
		playback, product, at := "demoPlay"+demo.stream, clayful.DemoProduct(demo.product), demo.at.UTC()
		b := model.Broadcast{
			VODID: int64(i) + 1, InfluencerID: demo.influencer, InfluencerName: demo.alias,
			MuxLivestreamID: "demoStream" + demo.stream, MuxLivestreamPlaybackID: &playback,
			Details: model.Details{
				Title: demo.title, ProductID: &product, ProductName: fmt.Sprintf("별쇼 상품 %02d", demo.product),
				ProductPrice: 10900, ProductSale: 10900, ProductList: []string{product}, StartedAt: &at,
			},
			Status: model.StatusReady, ArmedAt: time.Now().UTC(),
		}
		if demo.at.After(time.Now()) {
			err = start(ctx, temporal, b)
		} else {
			err = past(ctx, broadcasts, b, demo.stream == "Star3")
		}
		if err != nil {
			return fmt.Errorf("demo broadcast %q: %w", demo.title, err)
		}
	}
	return nil
}

func start(ctx context.Context, temporal client.Client, b model.Broadcast) error {
	_, err := temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: workflows.BroadcastID(b.VODID), TaskQueue: workflows.QueueBroadcasts,
		WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		StaticSummary:            b.InfluencerName + ": " + b.Title,
	}, workflows.TypeBroadcast, workflows.BroadcastInput{VODID: b.VODID, Reservation: &b})
	return err
}

// past writes a broadcast that is over: missed, or shown and recorded. What is
// there already stays.
func past(ctx context.Context, broadcasts *store.Store, b model.Broadcast, shown bool) error {
	if err := broadcasts.InsertBroadcast(ctx, b); err != nil {
		return err
	}
	if !shown {
		_, err := broadcasts.MissBroadcast(ctx, b.VODID, time.Now())
		return unlessRefused(err)
	}
	if _, err := broadcasts.StartBroadcast(ctx, b.VODID, *b.StartedAt); unlessRefused(err) != nil {
		return err
	}
	recording := model.Recording{AssetID: "demoAssetStar3", PlaybackID: "demoAssetPlayStar3", StreamID: b.MuxLivestreamID}
	if _, err := broadcasts.AttachRecording(ctx, b.VODID, recording, time.Now()); unlessRefused(err) != nil {
		return err
	}
	_, err := broadcasts.EndBroadcast(ctx, b.VODID, b.StartedAt.Add(30*time.Minute))
	return unlessRefused(err)
}

// unlessRefused drops the refusal of what was done before.
func unlessRefused(err error) error {
	var refusal *model.Error
	if errors.As(err, &refusal) {
		return nil
	}
	return err
}

// quiet is a Temporal logger that says nothing.
type quiet struct{}

func (quiet) Debug(string, ...any) {}
func (quiet) Info(string, ...any)  {}
func (quiet) Warn(string, ...any)  {}
func (quiet) Error(string, ...any) {}
