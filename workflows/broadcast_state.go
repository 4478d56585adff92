package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/byeolshow/byeolshow/activities"
	"github.com/byeolshow/byeolshow/model"
)

// BroadcastState is all a Broadcast workflow knows, as its state query tells.
type BroadcastState struct {
	Progress

	Broadcast model.Broadcast
	Stream    StreamReport // the newest report about the influencer's stream
}

// broadcast is a Broadcast workflow at work.
type broadcast struct {
	journal

	in    BroadcastInput
	rules Rules
	steps *activities.Activities // only names steps; never called

	state      BroadcastState
	loaded     bool
	active     StreamReport // the newest report that said active
	acted      StreamReport // the report last acted upon
	recordings []model.Recording
	noted      []string // products that may hold the broadcast's id
	linksAsked int      // how often somebody asked to have that put right
	looks      int      // how often somebody asked to try again
	pressed    int      // how often an operator did
	linking    bool
	announced  bool
	letGo      bool // its products were asked to, as it was deleted
	cleaned    bool
	beside     int // jobs running beside the story
}

func newBroadcast(in BroadcastInput, rules Rules) *broadcast {
	s := &broadcast{in: in, rules: rules}
	s.journal = journal{
		progress: &s.state.Progress, headline: s.headline, heard: &s.looks, limits: rules.Limits, repeats: rules.Limits == Limits{},
	}
	if carry := in.Carry; carry != nil {
		s.state, s.acted, s.active = carry.State, carry.State.Stream, carry.Active
		s.recordings, s.noted = carry.Recordings, carry.Noted
		s.state.resume()
	}
	return s
}

// long tells whether the history has grown so long that the story should go on
// in a run of its own.
func (s *broadcast) long(ctx workflow.Context) bool {
	return workflow.GetInfo(ctx).GetContinueAsNewSuggested() &&
		workflow.GetVersion(ctx, "long histories", workflow.DefaultVersion, 1) == 1
}

// turnsPage tells whether this run should end here for the next to go on.
func (s *broadcast) turnsPage(ctx workflow.Context) bool { return s.long(ctx) && s.settled(ctx) }

func (s *broadcast) nextPage(ctx workflow.Context) error {
	s.state.Progress = s.state.carry()
	return workflow.NewContinueAsNewError(ctx, TypeBroadcast, BroadcastInput{VODID: s.in.VODID, Carry: &BroadcastCarry{
		State: s.state, Active: s.active, Recordings: s.recordings, Noted: s.noted,
	}})
}

func (s *broadcast) command() activities.BroadcastRef {
	return activities.BroadcastRef{VODID: s.in.VODID}
}

func (s *broadcast) is(status model.BroadcastStatus) bool { return s.state.Broadcast.Status == status }

func (s *broadcast) deleted() bool { return s.state.Broadcast.DeletedAt != nil }

// over tells whether nothing is left that this run could do.
func (s *broadcast) over(ctx workflow.Context) bool {
	if s.deleted() {
		return s.cleaned && len(s.noted) == 0 && s.settled(ctx)
	}
	return len(s.noted) == 0 && (s.is(model.StatusCompleted) || s.is(model.StatusMissed)) && s.settled(ctx)
}

// settled tells whether nothing runs beside and everybody has been answered.
func (s *broadcast) settled(ctx workflow.Context) bool {
	return s.beside == 0 && workflow.AllHandlersFinished(ctx)
}

// lead is how long before its time a broadcast gets ready to go live. Shows of
// the same hour get ready at different moments.
func (s *broadcast) lead() time.Duration {
	return 20*time.Second + time.Duration(s.in.VODID*7919%40)*time.Second
}

// adopt takes over the row a step returned, unless a newer one is known.
func (s *broadcast) adopt(ctx workflow.Context, row model.Broadcast) error {
	if s.loaded && row.Revision < s.state.Broadcast.Revision {
		return nil
	}
	fresh, moved := !s.loaded, shownStatus(row) != shownStatus(s.state.Broadcast)
	s.state.Broadcast, s.loaded = row, true
	if moved {
		if err := s.lower(ctx, tooLong); err != nil {
			return err
		}
	}
	if !fresh && !moved {
		return nil
	}
	return workflow.UpsertTypedSearchAttributes(ctx,
		AttributeInfluencer.ValueSet(row.InfluencerID), AttributeStatus.ValueSet(shownStatus(row)), AttributeSince.ValueSet(workflow.Now(ctx)))
}

func shownStatus(b model.Broadcast) string {
	if b.DeletedAt != nil {
		return "deleted"
	}
	return string(b.Status)
}

func (s *broadcast) headline() string {
	b := s.state.Broadcast
	return fmt.Sprintf("**%s** (%s), by %s", b.Title, shownStatus(b), b.InfluencerName)
}

// hear takes in what Mux reported. Reports may come late, twice or out of
// order: the newest one counts.
func (s *broadcast) hear(report StreamReport) {
	if report.Active && report.At.After(s.active.At) {
		s.active = report
	}
	if report.At.After(s.state.Stream.At) {
		s.state.Stream = report
	}
}

// freshReport is the newest report, once.
func (s *broadcast) freshReport() (StreamReport, bool) {
	fresh := s.state.Stream != s.acted
	s.acted = s.state.Stream
	return s.acted, fresh
}

// firstSeen tells whether the stream was active while live and nobody has
// noted it yet, even if the report came after a later one.
func (s *broadcast) firstSeen() bool {
	b := s.state.Broadcast
	return b.StreamSeenAt == nil && (s.state.Stream.Active || s.active.At.After(*b.LiveAt))
}
