package api

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/byeolshow/byeolshow/clients/clayful"
	"github.com/byeolshow/byeolshow/store"
	"github.com/byeolshow/byeolshow/workflows"
)

const (
	imageChangesAtOnce = 8 // of one process; each holds a connection to the database
	imageChangeWithin  = 90 * time.Second
)

// imageChange is a change of a member's images under way: first the new ones
// are kept, then what shows them is changed, then the old ones are deleted. It
// leaves no image that nothing shows: where this process cannot tell or cannot
// clean up, the change's workflow does.
type imageChange struct {
	*api

	member *member
	in     workflows.ImageChangeInput
	added  []string // ids of the images kept so far
	unsure bool     // whether a step took effect is not known
	left   bool     // the workflow has something to do
	begun  bool     // it stands by
}

// changeImages changes the caller's images for a field, alone. Once it is begun
// it is finished or undone, even if the caller has hung up.
func (a *api) changeImages(r *http.Request, model, application string, do func(context.Context, *imageChange) error) error {
	select {
	case a.imageTurns <- struct{}{}:
		defer func() { <-a.imageTurns }()
	case <-r.Context().Done():
		return r.Context().Err()
	}
	m := caller(r)
	return a.exclusively(r.Context(), store.ImagesKey(m.ID), func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), imageChangeWithin)
		defer cancel()
		c := &imageChange{api: a, member: m, in: workflows.ImageChangeInput{
			CustomerID: m.ID, Key: strings.ToLower(rand.Text()), Model: model, Application: application, At: a.Now().UTC(),
		}}
		err := do(ctx, c)
		c.end(ctx, err)
		return err
	})
}

// begin has the workflow stand by, before anything is changed. Old are images
// that nothing will show.
func (c *imageChange) begin(ctx context.Context, old ...string) error {
	c.in.Old = old
	_, err := c.Temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                    workflows.ImageChangeID(c.in.CustomerID, c.in.Key),
		TaskQueue:             workflows.QueuePeople,
		StaticSummary:         c.in.Summary(),
		TypedSearchAttributes: c.in.Attributes(),
	}, workflows.TypeImageChange, c.in)
	c.begun = err == nil
	return err
}

// end deletes what nothing shows: the new images after a failure, the old ones
// after a success. What cannot be done now is left to the workflow.
func (c *imageChange) end(ctx context.Context, failure error) {
	if !c.begun {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	gone := c.in.Old
	switch {
	case c.unsure:
		gone = nil
	case failure != nil:
		gone = c.added
	}
	end := workflows.ImageChangeEnd{Clean: !c.unsure && !c.left, Certain: !c.unsure}
	for _, id := range gone {
		if err := c.Clayful.DeleteOwnImage(ctx, c.member.Token, id); err != nil && !clayful.IsCode(err, noImage) {
			end.Clean = false
			c.Logger.WarnContext(ctx, "an image is left to its workflow", "image", id, "error", err)
		}
	}
	id := workflows.ImageChangeID(c.in.CustomerID, c.in.Key)
	if err := c.Temporal.SignalWorkflow(ctx, id, "", workflows.SignalEnded, end); err != nil {
		c.Logger.WarnContext(ctx, "a change of images is left to its workflow", "workflow", id, "error", err)
	}
}

// Refusals of the shop.
const (
	noImage  = "not-existing-image"
	noReview = "not-existing-review"
)

// upload is the n-th new image. Its name tells it from every other.
func (c *imageChange) upload(p *picture, n int) clayful.Upload {
	return clayful.Upload{
		Model: c.in.Model, Application: c.in.Application, Name: fmt.Sprintf("%s-%d%s", c.in.Key, n, p.suffix),
		ContentType: p.contentType, Content: p.file, Size: p.size,
	}
}

// add keeps a new image.
func (c *imageChange) add(ctx context.Context, p *picture) (clayful.StoredImage, error) {
	upload := c.upload(p, len(c.added)+1)
	image, err := c.Clayful.AddOwnImage(ctx, c.member.Token, upload)
	err = c.confirm(ctx, err, func(ctx context.Context) (found bool, err error) {
		image, found, err = c.named(ctx, upload.Name)
		return found, err
	})
	if err == nil {
		c.added = append(c.added, image.ID)
	}
	return image, err
}

// replace puts a new file in the place of an image.
func (c *imageChange) replace(ctx context.Context, id string, p *picture) (clayful.StoredImage, error) {
	upload := c.upload(p, 1)
	image, err := c.Clayful.ReplaceOwnImage(ctx, c.member.Token, id, upload)
	return image, c.confirm(ctx, err, func(ctx context.Context) (found bool, err error) {
		image, found, err = c.named(ctx, upload.Name)
		return found, err
	})
}

// confirm looks, after a step that may have taken effect all the same, whether
// it has.
func (c *imageChange) confirm(ctx context.Context, err error, taken func(context.Context) (bool, error)) error {
	if !clayful.IsUnavailable(err) {
		return err
	}
	effect, readErr := taken(ctx)
	if readErr == nil && effect {
		return nil
	}
	c.unsure = c.unsure || readErr != nil || mayFollow(err)
	return err
}

// mayFollow tells whether a step that failed may still take effect: nobody said
// that it will not.
func mayFollow(err error) bool {
	var answered *clayful.Error
	return !errors.As(err, &answered) || answered.Status == http.StatusBadGateway || answered.Status == http.StatusGatewayTimeout
}

// named finds the member's image whose file has that name.
func (c *imageChange) named(ctx context.Context, name string) (image clayful.StoredImage, found bool, err error) {
	images, err := c.storedImages(ctx, c.member, c.in.Model, c.in.Application)
	for _, image := range images {
		if strings.HasSuffix(image.URL, "/"+name) {
			return image, true, err
		}
	}
	return clayful.StoredImage{}, false, err
}

// storedImages are the images a member has for a field.
func (a *api) storedImages(ctx context.Context, m *member, model, application string) ([]clayful.StoredImage, error) {
	list, err := a.Clayful.OwnImages(ctx, m.Token, model, application)
	if err != nil {
		return nil, err
	}
	images := make([]clayful.StoredImage, len(list))
	for i, raw := range list {
		if err := json.Unmarshal(raw, &images[i]); err != nil {
			return nil, fmt.Errorf("decode image: %w", err)
		}
	}
	return images, nil
}
