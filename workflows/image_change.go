package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/byeolshow/byeolshow/activities"
)

// ImageChangeID is the workflow id of a change of a customer's images:
// images/<customer>/<key>.
func ImageChangeID(customerID, key string) string { return "images/" + customerID + "/" + key }

// TypeImageChange is the name of the ImageChange workflow.
const TypeImageChange = "ImageChange"

// SignalEnded tells an ImageChange how its change ended. It takes an
// ImageChangeEnd.
const SignalEnded = "ended"

// ImageChangeEnd is how a change of images ended.
type ImageChangeEnd struct {
	Clean   bool // nothing is left to do
	Certain bool // what took effect is known
}

// ImageChangeInput starts an ImageChange workflow; see activities.ImageChange.
type ImageChangeInput struct {
	CustomerID, Key    string
	Model, Application string
	At                 time.Time
	Old                []string `json:",omitempty"`
	Thumbnail          string   `json:",omitempty"`
}

// Summary is what an operator reads in the list of workflows.
func (in ImageChangeInput) Summary() string {
	return fmt.Sprintf("Images of customer %s for %s %s", in.CustomerID, in.Model, in.Application)
}

// Attributes are what an operator finds it by.
func (in ImageChangeInput) Attributes() temporal.SearchAttributes {
	return temporal.NewSearchAttributes(AttributeCustomer.ValueSet(in.CustomerID))
}

// ImageChange stands by while the API changes a customer's images, and does
// nothing when it hears that all went well. When it hears otherwise, or nothing
// because the API died, it sees to it that no image is left that nothing shows,
// however long the shop is down.
func (r Rules) ImageChange(ctx workflow.Context, in ImageChangeInput) error {
	r, err := r.pinned(ctx)
	if err != nil {
		return err
	}
	var (
		heard bool
		end   ImageChangeEnd
		looks int
		steps *activities.Activities
	)
	book := journal{progress: &Progress{}, headline: in.Summary, heard: &looks, limits: r.Limits}
	if err := book.open(ctx); err != nil {
		return err
	}
	ended := workflow.GetSignalChannelWithOptions(ctx, SignalEnded, workflow.SignalChannelOptions{Description: "How the change ended"})
	workflow.Go(ctx, func(ctx workflow.Context) {
		for ended.Receive(ctx, &end) {
			heard = true
		}
	})
	listenChanged(ctx, &looks)

	book.waitingFor(ctx, "Waiting to hear how the change ended")
	if err := until(ctx, workflow.Now(ctx).Add(r.UploadPatience), "Give the change up", func() bool { return heard }); err != nil {
		return err
	}
	if end.Clean {
		book.waitingFor(ctx, "Over: nothing was left to do")
		return nil
	}
	if !end.Certain {
		book.waitingFor(ctx, "Nobody knows how the change ended: waiting for what the shop may still carry out")
		if err := until(ctx, workflow.Now(ctx).Add(r.Settling), "Let the shop settle", func() bool { return end.Certain }); err != nil {
			return err
		}
	}
	book.waitingFor(ctx, "Removing images that nothing shows")
	if err := book.insist(ctx, "Remove images that nothing shows", steps.TidyImages, activities.ImageChange(in), nil); err != nil {
		return err
	}
	book.waitingFor(ctx, "Over: every image that is left is shown")
	return nil
}

// listenChanged counts how often a person or the shop asked to look again.
func listenChanged(ctx workflow.Context, looks *int) {
	channel := workflow.GetSignalChannelWithOptions(ctx, SignalChanged, workflow.SignalChannelOptions{Description: "Try again now"})
	workflow.Go(ctx, func(ctx workflow.Context) {
		for channel.Receive(ctx, nil) {
			*looks++
		}
	})
}
